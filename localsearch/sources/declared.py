"""The size that a container claims, where asking the decoder for it already costs memory.

Pure; reads a few bytes, decodes nothing. WebP's decoder allocates its canvas when it is opened,
and the HEIF/AVIF libraries refuse large pictures with an error of their own, so these are asked
here first. A wrong claim is harmless: the decoder's own size is checked again afterwards.
"""

from __future__ import annotations

_BOXES_END = 1 << 20  # the meta box stands at the front; a megabyte of it is more than any has


def declared_size(name: str, data: bytes) -> tuple[int, int] | None:
    """(width, height) that the header of a format called `name` tells, None if it does not."""
    if name == "WEBP":
        return _webp_size(data[:32])
    if name in ("HEIF", "AVIF"):
        return _largest_extent(data[:_BOXES_END])
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """See the WebP container specification: VP8X, lossless and lossy headers."""
    if len(head) < 30:
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return _number(head, 24, 3) + 1, _number(head, 27, 3) + 1
    if kind == b"VP8L":
        bits = _number(head, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _number(head, 26, 2) & 0x3FFF, _number(head, 28, 2) & 0x3FFF
    return None


def _largest_extent(head: bytes) -> tuple[int, int] | None:
    """The largest `ispe` box (ISO 23008-12): tiles and thumbnails have smaller ones."""
    sizes = []
    at = head.find(b"ispe")
    while 0 <= at <= len(head) - 16:
        width = int.from_bytes(head[at + 8 : at + 12], "big")
        height = int.from_bytes(head[at + 12 : at + 16], "big")
        sizes.append((width * height, width, height))
        at = head.find(b"ispe", at + 4)
    return max(sizes)[1:] if sizes else None


def _number(head: bytes, at: int, count: int) -> int:
    return int.from_bytes(head[at : at + count], "little")
