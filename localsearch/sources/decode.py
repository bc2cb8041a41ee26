"""From encoded bytes to a raster as the container holds it: not yet upright, not yet sRGB.

Calls Pillow's format classes one by one instead of `Image.open`: no guessing between formats, and
no look at the global `Image.MAX_IMAGE_PIXELS` (our own limits are checked on the header instead).
Never raises on purpose anything but PictureError; what Pillow raises is told by `picture`.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, cast

from localsearch.deferred import dataclass
from localsearch.errors import PictureError
from localsearch.sources.declared import declared_size
from localsearch.sources.exif import exif_of, orientation_of
from localsearch.sources.formats import Format
from localsearch.sources.heif import HeifRaster, heif_raster
from localsearch.sources.lenient import kept_rows, mended, shows_something
from localsearch.sources.limits import Limits, check_pixels
from localsearch.sources.tiff import refuse_tiff

if TYPE_CHECKING:
    from PIL import Image, ImageFile


@dataclass(frozen=True, slots=True)
class Raster:
    """A decoded picture with all that is needed to make it upright sRGB.

    `full`: (width, height) as stored, before DCT scaling. `orientation`: 1 to 8, still to apply.
    """

    image: Image.Image
    full: tuple[int, int]
    orientation: int
    exif: Image.Exif
    recovered: bool = False


def decode(form: Format, data: bytes, short_side: int, limits: Limits) -> Raster:
    """Decode the first frame; JPEG scaled so that the short side stays >= `short_side` (> 0)."""
    size = declared_size(form.name, data)
    if size is not None:
        check_pixels(*size, limits)
    if form.name == "HEIF":
        return _of_heif(heif_raster(data, limits))
    try:
        return _decoded(form, data, short_side, limits)
    except (PictureError, MemoryError):
        raise
    except Exception:
        raster = _recovered(form, data, short_side, limits)
        if raster is None:
            raise
        return raster


def header_of(form: Format, data: bytes) -> ImageFile.ImageFile:
    """An unloaded image: only the header is read."""
    if form.feature:
        _check_feature(form)
    opener = getattr(import_module(form.module), form.opener)
    return cast("ImageFile.ImageFile", opener(io.BytesIO(data)))


def _check_feature(form: Format) -> None:
    from PIL import features

    if not features.check(form.feature):
        raise PictureError(
            "no-decoder",
            f"this is {form.name}, which the installed Pillow was built without",
            hint="pip install --upgrade pillow",
        )


def _decoded(form: Format, data: bytes, short_side: int, limits: Limits) -> Raster:
    image, full = _opened(form, data, short_side, limits)
    image.load()
    return _raster(form, image, full, recovered=False)


def _opened(
    form: Format, data: bytes, short_side: int, limits: Limits
) -> tuple[ImageFile.ImageFile, tuple[int, int]]:
    image = header_of(form, data)
    check_pixels(*image.size, limits)
    if form.name == "TIFF":
        refuse_tiff(image, len(data))
    full = image.size
    if form.name == "JPEG" and short_side > 0:
        image.draft(None, (short_side, short_side))
    # GIF, ICO and others tell another size once they are loaded: 0 stands for "ask then".
    return image, full if form.name == "JPEG" else (0, 0)


def _recovered(form: Format, data: bytes, short_side: int, limits: Limits) -> Raster | None:
    """The second try, None if nothing was gained."""
    try:
        image, full = _opened(form, mended(form.name, data), short_side, limits)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError):
        return None
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError):
        if not kept_rows(image):
            return None
    return _raster(form, image, full, recovered=True) if shows_something(image) else None


def _raster(
    form: Format, image: ImageFile.ImageFile, full: tuple[int, int], *, recovered: bool
) -> Raster:
    exif = exif_of(image)
    # Pillow turns TIFF upright itself while loading, and forgets the tag.
    orientation = 1 if form.name == "TIFF" else orientation_of(exif)
    return Raster(image, full if full[0] else image.size, orientation, exif, recovered)


def _of_heif(raster: HeifRaster) -> Raster:
    """The library has applied the container's rotation; EXIF would turn the picture twice."""
    return Raster(raster.image, raster.image.size, 1, raster.exif)
