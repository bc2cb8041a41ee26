"""How large a picture may be: checked on what a header claims, before anything is decoded.

Knows no format. Pillow's own switch `Image.MAX_IMAGE_PIXELS` is a global of the process that
belongs to the host program: it is neither read nor set here.
"""

from __future__ import annotations

from localsearch.deferred import NamedTuple
from localsearch.errors import PictureError


class Limits(NamedTuple):
    """Bounds for one picture.

    `max_bytes`: 512 MiB holds every camera file and most film scans; it bounds what is read.
    `max_pixels`: 250 million. Phones make 200-megapixel photos; Pillow takes 4 bytes a pixel, so
    the largest picture that is decoded whole (not JPEG, which is scaled while decoding) costs 1 GB.
    """

    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 250_000_000


DEFAULT_LIMITS = Limits()


def check_bytes(count: int, limits: Limits) -> None:
    """Raise `too-large` if a file of `count` bytes may not be read."""
    if count > limits.max_bytes:
        raise PictureError(
            "too-large", f"the file has {count:,} bytes; the limit is {limits.max_bytes:,}"
        )


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raise `too-large` for more pixels than allowed, `undecodable` for a picture without any."""
    if width < 1 or height < 1:
        raise PictureError("undecodable", f"the picture is {width}x{height}: it has no pixels")
    if width * height > limits.max_pixels:
        raise PictureError(
            "too-large",
            f"the picture is {width}x{height} = {width * height / 1e6:,.0f} megapixels; "
            f"the limit is {limits.max_pixels / 1e6:,.0f}",
        )
