"""Looks at single inputs and at what changed; writes nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from localsearch.catalog import changes as change_rows
from localsearch.catalog import contents, described
from localsearch.catalog import input_reads as reads
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.tags import all_tags
from localsearch.errors import LibraryMissing
from localsearch.library import arguments
from localsearch.library.folders import found_roots
from localsearch.library.models import THUMBNAIL_SIDE
from localsearch.library.parts import Parts
from localsearch.library.places import AnyPath
from localsearch.records import (
    FAILED,
    Change,
    Changes,
    Input,
)
from localsearch.sources import forms
from localsearch.sources.image import image_of
from localsearch.sources.picture import open_picture
from localsearch.sources.thumbnail import make
from localsearch.sync.placing import places_of, plain_path

if TYPE_CHECKING:
    from PIL.Image import Image

_CHUNK = 500  # inputs described in one transaction while streaming


def get(parts: Parts, public_id: str) -> Input:
    """One input, or LibraryMissing."""
    with parts.truth.catalog.reading() as conn:
        return described.inputs_of(conn, [_row(conn, public_id)])[0]


def get_many(parts: Parts, ids: Iterable[str]) -> list[Input]:
    """The inputs of these ids in the order asked, in one read; unknown ids are left out."""
    wanted = arguments.texts(ids, "ids")
    with parts.truth.catalog.reading() as conn:
        return described.inputs_of(conn, reads.by_ids(conn, wanted))


def with_source(parts: Parts, url: str) -> list[Input]:
    """The inputs whose source URL is exactly this one, by row; removed ones too."""
    with parts.truth.catalog.reading() as conn:
        return described.inputs_of(conn, reads.by_source(conn, arguments.text(url, "url")))


def listed(parts: Parts, page: int, limit: int) -> list[Input]:
    """One page of the inputs that are neither removed nor missing, by row."""
    start = (page - 1) * limit
    with parts.truth.catalog.reading() as conn:
        rows = reads.rows_live(conn)[start : start + limit].tolist()
        return described.inputs_of(conn, reads.by_rows(conn, rows))


def tags_in_use(parts: Parts) -> dict[str, int]:
    """Every tag that an input has, by name, with how many live inputs have it true."""
    with parts.truth.catalog.reading() as conn:
        return dict(all_tags(conn))


def find(parts: Parts, path: AnyPath) -> Input | None:
    """The input of a file, in a root or outside; one that is there before one that is missing."""
    founds = found_roots(parts)
    tops = [(found.row.key, Path(os.fsdecode(found.row.path))) for found in founds]
    tops += [(found.row.key, found.path) for found in founds if found.path is not None]
    with parts.truth.catalog.reading() as conn:
        places = places_of(tops, plain_path(path))
        rows = [reads.by_place(conn, one.root, one.folder, one.name) for one in places]
        found = sorted((row for row in rows if row is not None), key=lambda row: not row.live)
        return described.inputs_of(conn, found[:1])[0] if found else None


def inputs(parts: Parts, state: str | None, removed: bool) -> Iterator[Input]:
    """All inputs that are (not) removed, or those in one state, by row; a transaction a chunk."""
    after = 0
    while True:
        with parts.truth.catalog.reading() as conn:
            rows = reads.iterate(conn, after=after, limit=_CHUNK, state=state, removed=removed)
            found = described.inputs_of(conn, rows)
        if not found:
            return
        after = rows[-1].row
        yield from found


def changes(parts: Parts, since: int, limit: int) -> Changes:
    """Changes after `since`, with the inputs as the same transaction sees them.

    All of them where `since` was told before the library came back from a backup.
    """
    with parts.truth.catalog.reading() as conn:
        last = change_rows.last(conn)
        anew = since > last or 0 < since < change_rows.beginning(conn)
        since = 0 if anew else since
        found = change_rows.since(conn, since, limit)
        rows = reads.by_ids(conn, [one.id for one in found if not one.gone])
        told = {one.id: one for one in described.inputs_of(conn, rows)}
    items = tuple(Change(one.sequence, one.id, one.gone, told.get(one.id)) for one in found)
    reached = items[-1].sequence if len(items) == limit else last
    return Changes(reached, items, more=reached < last, anew=anew)


def failures(parts: Parts) -> Iterator[Input]:
    """Inputs that could not be indexed."""
    for state in sorted(FAILED):
        yield from inputs(parts, state, False)


def thumbnail(parts: Parts, public_id: str) -> bytes:
    """The stored thumbnail, else one made now."""
    with parts.truth.catalog.reading() as conn:
        row = _row(conn, public_id)
    if row.digest is not None:
        stored = parts.truth.thumbnails.of(row.digest)
        if stored is not None:
            return stored
    picture = open_picture(_data_of(parts, public_id), short_side=THUMBNAIL_SIDE)
    return make(picture.pixels, THUMBNAIL_SIDE)


def open_image(parts: Parts, public_id: str) -> Image:
    """The whole picture, upright."""
    return image_of(open_picture(_data_of(parts, public_id)))


def _row(conn: sqlite3.Connection, public_id: str) -> InputRow:
    row = reads.by_id(conn, arguments.text(public_id, "id"))
    if row is None:
        raise LibraryMissing(f"there is no input with the id {public_id!r}")
    return row


def _data_of(parts: Parts, public_id: str) -> bytes:
    """The encoded bytes of an input: its file's, or those that the catalog keeps."""
    with parts.truth.catalog.reading() as conn:
        row = _row(conn, public_id)
        (one,) = described.inputs_of(conn, [row])
        kept = contents.data_of(conn, row.key) if one.path is None else None
    if kept is not None:
        return kept
    if one.path is None:
        raise LibraryMissing(f"the picture of {public_id!r} was not kept")
    if not one.path.exists():
        raise LibraryMissing(
            f"{one.path} is not there now ({one.state})", hint="plug its drive in, or sync"
        )
    return forms.encoded_of(one.path).data
