"""The one door from encoded bytes to pixels: upright, sRGB, HxWx3 uint8.

Never lets another exception out than PictureError, never prints, never changes a switch of
Pillow; safe to call from many threads. Invariant: `facts` tell the full upright size, whatever
size the pixels have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsearch.errors import PictureError
from localsearch.records import Picture
from localsearch.sources.formats import Format, format_of
from localsearch.sources.limits import DEFAULT_LIMITS, Limits, check_bytes, check_pixels
from localsearch.sources.quiet import quiet

if TYPE_CHECKING:
    from PIL import Image

    from localsearch.sources.decode import Raster

__all__ = ["DEFAULT_LIMITS", "Limits", "decoded_pixels", "format_to_decode", "open_picture"]

_HEAD = 4096  # covers the farthest signature (PhotoCD, at 2,048) and the brands of HEIF
_PLAIN_WORDS = {  # messages of Pillow's that tell a user nothing
    "decoder error": "the decoder gave up",
    "not identified by this driver": "its header makes no sense",
}
_SPARE = 2  # other formats than JPEG are shrunk to no less than twice what was asked


def open_picture(data: bytes, *, short_side: int = 0, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Decode `data`. With `short_side` > 0 the pixels may be fewer than the picture has, but the
    short side stays >= `short_side` where it was; JPEG is then scaled while decoding (8x faster).

    Raises PictureError with state too-large, unsupported, undecodable or no-decoder.
    """
    check_bytes(len(data), limits)
    form = format_to_decode(data)
    with quiet():
        try:
            from localsearch.sources.decode import decode

            return _finished(decode(form, data, short_side, limits), form, short_side, limits)
        except PictureError:
            raise
        except Exception as fault:
            raise _refusal(form, fault) from fault


def format_to_decode(data: bytes) -> Format:
    """The format of `data`, or PictureError: empty, of no known format, or one without decoder."""
    if not data:
        raise PictureError("undecodable", "the file is empty")
    form = format_of(data[:_HEAD])
    if form is None:
        raise PictureError("unsupported", "the file begins like no picture format that is known")
    if form.kind != "photo":
        raise PictureError("unsupported", f"no picture that can be read: {form.name}")
    return form


def decoded_pixels(data: bytes, short_side: int = 0) -> int:
    """How many pixels decoding will hold in memory at once; 0 if the header cannot be read.

    For budgets: about a tenth of a millisecond for JPEG. 4 bytes a pixel are a good estimate.
    """
    from localsearch.sources.declared import declared_size
    from localsearch.sources.decode import header_of

    form = format_of(data[:_HEAD])
    if form is None or form.kind != "photo":
        return 0
    size = declared_size(form.name, data)
    with quiet():
        try:
            if size is None and form.name != "HEIF":
                image = header_of(form, data)
                if form.name == "JPEG" and short_side > 0 and "progressive" not in image.info:
                    image.draft(None, (short_side, short_side))
                size = image.size
        except Exception:  # noqa: BLE001  # the decode itself will tell what is wrong
            return 0
    return size[0] * size[1] if size else 0


def _finished(raster: Raster, form: Format, short_side: int, limits: Limits) -> Picture:
    import numpy as np

    from localsearch.sources.colour import flattened, to_srgb
    from localsearch.sources.exif import read_facts

    check_pixels(*raster.image.size, limits)  # what the decoder really gave
    profile = raster.image.info.get("icc_profile")
    image = _shrunk(flattened(raster.image), short_side)
    image = to_srgb(image, profile if isinstance(profile, bytes) else None)
    image = _upright(image, raster.orientation)
    width, height = raster.full if raster.orientation < 5 else raster.full[::-1]
    facts = read_facts(raster.exif, width=width, height=height, form=form.name)
    return Picture(np.asarray(image), facts, raster.recovered)


def _shrunk(image: Image.Image, short_side: int) -> Image.Image:
    """Whole-number box shrinking, so that the later steps do not pay for pixels nobody asked for.
    Half of it is left to the careful resize that follows."""
    factor = min(image.size) // (short_side * _SPARE) if short_side > 0 else 1
    return image.reduce(factor) if factor > 1 else image


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return image if turn is None else image.transpose(turn)


def _refusal(form: Format, fault: Exception) -> PictureError:
    """What a decoder raised, as a state and a plain reason."""
    from PIL import Image

    text = " ".join(str(fault).split())[:200] or type(fault).__name__
    if isinstance(fault, MemoryError):
        return PictureError("too-large", f"not enough memory to decode this {form.name}")
    if isinstance(fault, Image.DecompressionBombError):
        return PictureError("too-large", f"a part of this {form.name} is too large: {text}")
    for theirs, ours in _PLAIN_WORDS.items():
        text = ours if text.startswith(theirs) else text
    return PictureError("undecodable", f"{form.name} data is broken or cut short: {text}")
