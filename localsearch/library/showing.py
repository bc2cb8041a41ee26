"""Gives pictures out as they are: the file, the bytes that were kept, or the thumbnail instead.

Never gives out a file that is no photo: what lies at an input's path now may be anything. Decodes
nothing, writes nothing, and fetches nothing from a cloud.
"""

from __future__ import annotations

import stat
from pathlib import Path

from blake3 import blake3

from localsearch.catalog import contents, described
from localsearch.catalog import input_reads as reads
from localsearch.errors import LibraryMissing, PictureError
from localsearch.library import arguments, looking
from localsearch.library.parts import Parts
from localsearch.records.originals import Original
from localsearch.sources.formats import format_of
from localsearch.sources.placeholders import is_placeholder

_HEAD_BYTES = 4096
_JPEG = "image/jpeg"
_MEDIA_TYPES = {
    "JPEG": _JPEG,
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "DIB": "image/bmp",
    "JPEG2000": "image/jp2",
    "ICO": "image/x-icon",
    "PPM": "image/x-portable-anymap",
    "PSD": "image/vnd.adobe.photoshop",
    "QOI": "image/qoi",
}
_ANY_PICTURE = "application/octet-stream"


def original(parts: Parts, public_id: str) -> Original:
    """The picture of an input that is not removed. Raises LibraryMissing."""
    with parts.truth.catalog.reading() as conn:
        row = reads.by_id(conn, arguments.text(public_id, "id"))
        if row is None or row.removed:
            raise LibraryMissing(f"there is no input with the id {public_id!r}")
        path = described.inputs_of(conn, [row])[0].path
        kept = contents.data_of(conn, row.key) if path is None else None
    if kept is not None:
        return _of_bytes(kept)
    found = None if path is None else _of_file(path)
    return found or _thumbnail(parts, public_id)


def thumbnail(parts: Parts, public_id: str) -> Original:
    """The thumbnail of an input that is not removed. Raises LibraryMissing."""
    with parts.truth.catalog.reading() as conn:
        row = reads.by_id(conn, arguments.text(public_id, "id"))
    if row is None or row.removed:
        raise LibraryMissing(f"there is no input with the id {public_id!r}")
    return _of_bytes(looking.thumbnail(parts, public_id))


def _thumbnail(parts: Parts, public_id: str) -> Original:
    """Better small than nothing: the drive of the photo may be away."""
    try:
        data = looking.thumbnail(parts, public_id)
    except PictureError as fault:
        raise LibraryMissing(f"there is no picture of {public_id!r}: {fault.reason}") from fault
    return Original(None, data, len(data), _JPEG, _tag(data), substitute=True)


def _of_bytes(data: bytes) -> Original:
    return Original(
        None, data, len(data), _media_type(data[:_HEAD_BYTES]) or _ANY_PICTURE, _tag(data)
    )


def _of_file(path: Path) -> Original | None:
    """The file, if it is there, on this disk, and a photo."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or is_placeholder(status):
            return None
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return None
    media_type = _media_type(head)
    if media_type is None:
        return None
    tag = f"{status.st_size:x}-{status.st_mtime_ns:x}"
    return Original(path, None, status.st_size, media_type, tag, status.st_mtime_ns)


def _media_type(head: bytes) -> str | None:
    """What browsers call it; None if it is no photo."""
    form = format_of(head)
    if form is None or form.kind != "photo":
        return None
    return _MEDIA_TYPES.get(form.name, _ANY_PICTURE)


def _tag(data: bytes) -> str:
    return blake3(data).hexdigest(16)
