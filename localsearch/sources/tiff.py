"""Which TIFF files are refused on sight, from their directory, before libtiff sees their data.

Camera RAW is TIFF inside: its first picture is a thumbnail, not the photo. And libtiff writes its
complaints to the standard error of the process, where nothing can stop it: files that it would
complain about are told apart here as far as their directory shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localsearch.errors import PictureError

if TYPE_CHECKING:
    from PIL import ImageFile

_SUBFILE, _MAKE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 271, 330, 50706
_EXTENTS = ((273, 279), (324, 325))  # offsets and byte counts, of strips and of tiles


def refuse_tiff(image: ImageFile.ImageFile, length: int) -> None:
    """Raise PictureError for an opened TIFF of `length` bytes that is not to be decoded."""
    tags: Any = getattr(image, "tag_v2", {})
    is_thumbnail = tags.get(_SUBFILE) == 1 and _SUB_DIRECTORIES in tags and _MAKE in tags
    if _DNG_VERSION in tags or is_thumbnail:
        raise PictureError("unsupported", "this is a camera RAW photo, which is not read yet")
    if not image.tile or image.tile[0][0] != "libtiff":
        return  # Pillow reads it itself, silently, and gives what is there
    if image.info.get("compression") == "webp":
        raise PictureError("no-decoder", "this is a TIFF compressed as WebP, which is not read")
    if not any(_lie_inside(tags, offsets, counts, length) for offsets, counts in _EXTENTS):
        raise PictureError("undecodable", "TIFF data is broken or cut short: parts lie outside it")


def _lie_inside(tags: Any, offsets: int, counts: int, length: int) -> bool:
    """Whether all parts of the picture are in the file (a missing list of counts is allowed)."""
    starts, sizes = _numbers(tags.get(offsets)), _numbers(tags.get(counts))
    if not starts:
        return False
    if not sizes:
        return all(0 < start < length for start in starts)
    return len(starts) == len(sizes) and all(
        start > 0 and size > 0 and start + size <= length
        for start, size in zip(starts, sizes, strict=True)
    )


def _numbers(value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return values if all(isinstance(one, int) for one in values) else ()
