"""The second try at a picture whose data is cut short or damaged.

Pillow's switch `ImageFile.LOAD_TRUNCATED_IMAGES` is a global of the process: set for one picture,
it changes what every other thread decodes. Not used. Instead, locally to one picture:
- JPEG gets end-of-image markers appended: libjpeg then fills what is missing with grey and stops,
  also in progressive files, of which Pillow otherwise gives nothing at all;
- PNG is written anew from its critical chunks, with right checksums and an end, so that damage in
  texts and profiles, or in a checksum, does not matter;
- whatever still fails half-way keeps the rows that were decoded before (`kept_rows`).
A picture of which next to nothing was decoded is refused: it would be a grey or black card in the
index.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageFile

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT"))
_LEAST_SHARE = 8
_JPEG_ENDS = b"\xff\xd9" * 33_000  # longer than any one segment, which may be cut as well


def mended(name: str, data: bytes) -> bytes:
    """`data` repaired as far as its format allows; the same bytes where there is no repair."""
    if name == "JPEG":
        return data + _JPEG_ENDS
    return _mended_png(data) if name == "PNG" else data


def _mended_png(data: bytes) -> bytes:
    parts = [_PNG_HEAD]
    at = len(_PNG_HEAD)
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind in _PNG_KEPT:
            parts.append(_png_chunk(kind, body))
        at += 12 + length
    return b"".join((*parts, _png_chunk(b"IEND", b"")))


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return b"".join((len(body).to_bytes(4, "big"), kind, body, checksum.to_bytes(4, "big")))


def kept_rows(image: ImageFile.ImageFile) -> bool:
    """Keep what a failed `load` has decoded into `image`; False if that is nothing.

    Pillow decodes into the image's own memory and raises afterwards; without tiles left to
    decode, the image counts as loaded.
    """
    image.tile = []
    return image._im is not None and shows_something(image)


def shows_something(image: ImageFile.ImageFile) -> bool:
    """Whether at least an eighth of the rows holds more than one colour: a strip thinner than
    that tells nothing of the photo (and libjpeg makes up a first block out of nothing)."""
    import numpy as np

    rows = np.asarray(image)
    uneven = (rows != rows[:, :1]).reshape(rows.shape[0], -1).any(axis=1)
    return bool(int(uneven.sum()) * _LEAST_SHARE >= rows.shape[0])
