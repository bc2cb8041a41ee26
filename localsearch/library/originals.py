"""The picture of an input, read again: for what its stored features do not tell.

Never trusts a file whose content is not the one that was indexed, and never writes.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from blake3 import blake3

from localsearch.catalog import contents, described
from localsearch.catalog.input_reads import InputRow
from localsearch.errors import LibraryMissing, PictureError
from localsearch.library.parts import Parts
from localsearch.sources import forms
from localsearch.sources.placeholders import is_placeholder


def bytes_again(parts: Parts, conn: sqlite3.Connection, row: InputRow, digest: bytes) -> bytes:
    """The encoded picture of an input's content: of its file, as it was kept, or its thumbnail.

    Raises LibraryMissing where none of these is there.
    """
    path = described.inputs_of(conn, [row])[0].path
    data = None if path is None else _of_file(path, digest)
    found = data or contents.data_of(conn, row.key) or parts.truth.thumbnails.of(digest)
    if found is None:
        raise LibraryMissing(
            f"the picture of {row.id!r} is not there now and has no thumbnail",
            hint="plug its drive in, or sync",
        )
    return found


def _of_file(path: Path, digest: bytes) -> bytes | None:
    try:
        if is_placeholder(path.stat()):  # reading it would fetch it from somewhere else
            return None
        data = forms.read_file(path)
    except (OSError, ValueError, PictureError):  # it is away: there may be a thumbnail
        return None
    return data if blake3(data).digest() == digest else None
