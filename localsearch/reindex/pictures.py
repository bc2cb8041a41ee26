"""Where a content can be seen again: in a file, in bytes that the catalog keeps, as a thumbnail.

Never decodes, never fetches what is in a cloud, and never writes. Invariant: a content is looked
for in one place after the other, so whatever is there of it is found, the best of it first.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from localsearch.catalog import contents
from localsearch.catalog import input_reads as reads
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.truth import Truth
from localsearch.deferred import NamedTuple
from localsearch.pipeline.job import Job
from localsearch.sources.placeholders import is_placeholder

Kind = Literal["file", "bytes", "thumbnail"]


class Picture(NamedTuple):
    """One place where a content may be seen, and the job that looks there."""

    kind: Kind
    job: Job


class Pictures:
    """The places of contents. `tops` are the roots that can be reached now, by key.

    `thumbnails_first`: no file is opened where kept bytes or a thumbnail will do.
    """

    def __init__(
        self, truth: Truth, tops: Mapping[int, Path], *, thumbnails_first: bool = False
    ) -> None:
        self._truth, self._tops = truth, tops
        self._thumbnails_first = thumbnails_first

    def of(self, digest: bytes) -> Iterator[Picture]:
        """The pictures of a content, best first; each is looked for when it is asked for.

        The key of their jobs is the content's digest.
        """
        with self._truth.catalog.reading() as conn:
            rows = reads.by_digest(conn, digest)
        if self._thumbnails_first:
            yield from self._kept(digest, rows)
            yield from self._thumbnail(digest)
            yield from self._files(digest, rows)
        else:
            yield from self._files(digest, rows)
            yield from self._kept(digest, rows)
            yield from self._thumbnail(digest)

    def live_id(self, digest: bytes) -> str | None:
        """The id of an input of this content that searches should find; None without one."""
        with self._truth.catalog.reading() as conn:
            return next((row.id for row in reads.by_digest(conn, digest) if row.live), None)

    def _files(self, digest: bytes, rows: list[InputRow]) -> Iterator[Picture]:
        for row in rows:
            path = self._path(row)
            size = None if path is None else _size_of(path)
            if path is not None and size is not None:
                yield Picture("file", Job(key=digest, path=path, size=size))

    def _kept(self, digest: bytes, rows: list[InputRow]) -> Iterator[Picture]:
        for row in rows:
            if row.name is not None:
                continue
            with self._truth.catalog.reading() as conn:
                data = contents.data_of(conn, row.key)
            if data is not None:
                yield Picture("bytes", Job(key=digest, data=data, size=len(data)))

    def _thumbnail(self, digest: bytes) -> Iterator[Picture]:
        data = self._truth.thumbnails.of(digest)
        if data is not None:
            yield Picture("thumbnail", Job(key=digest, data=data, size=len(data)))

    def _path(self, row: InputRow) -> bytes | None:
        """The native path of an input's file, if its root can be reached."""
        relative = row.relative
        if relative is None or row.root is None:
            return relative
        top = self._tops.get(row.root)
        if top is None:
            return None
        return os.path.join(os.fsencode(top), relative.replace(b"/", os.sep.encode()))


def _size_of(path: bytes) -> int | None:
    """Bytes of a file that can be read without fetching it from somewhere else; None of others."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) and not is_placeholder(found) else None
