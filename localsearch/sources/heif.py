"""HEIC and HEIF through pi_heif's own functions; nothing is registered with Pillow.

Orientation: libheif applies the container's `irot` and `imir` while decoding, and the EXIF
orientation beside them is a copy for old readers. It is never applied here.
AVIF comes through Pillow, which has its own decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localsearch.deferred import dataclass
from localsearch.errors import PictureError
from localsearch.sources.exif import parsed_exif
from localsearch.sources.limits import Limits, check_pixels

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class HeifRaster:
    """The primary picture, upright, 8 bits a channel, with its ICC profile in `image.info`."""

    image: Image.Image
    exif: Image.Exif


def heif_raster(data: bytes, limits: Limits) -> HeifRaster:
    """Decode the primary picture. Raises PictureError, or what libheif raises."""
    container = _opened(data)
    width, height = container.size
    check_pixels(width, height, limits)
    image = _to_image(container)
    check_pixels(*image.size, limits)  # the declared size may be a lie
    profile = container.info.get("icc_profile")
    if profile:
        image.info["icc_profile"] = profile
    return HeifRaster(image, parsed_exif(container.info.get("exif") or b""))


def _opened(data: bytes) -> Any:
    try:
        import pi_heif

        return pi_heif.open_heif(data, convert_hdr_to_8bit=True)
    except ImportError as fault:
        raise PictureError(
            "no-decoder",
            "this is HEIC, whose decoder is not installed",
            hint="pip install pi-heif",
        ) from fault
    except (ValueError, RuntimeError, SyntaxError) as fault:
        raise _told(fault) from fault


def _to_image(container: Any) -> Image.Image:
    try:
        return _image_of(container.data, container)
    except (ValueError, RuntimeError, SyntaxError, EOFError) as fault:
        raise _told(fault) from fault


def _image_of(data: Any, container: Any) -> Image.Image:
    """Deeper grey stays 16 bits wide in pi_heif whatever is asked: its high byte is taken."""
    from PIL import Image

    (width, height), mode, stride = container.size, container.mode, container.stride
    if ";16" not in mode:
        return Image.frombytes(mode, (width, height), bytes(data), "raw", mode, stride)
    import numpy as np

    name = {"I": "L", "L": "L", "LA": "LA", "La": "La"}.get(mode.split(";")[0], "RGB")
    channels = len(Image.new(name, (1, 1)).getbands())
    rows = np.frombuffer(data, dtype="<u2").reshape(height, stride // 2)
    high = (rows[:, : width * channels] >> 8).astype(np.uint8)
    return Image.frombytes(name, (width, height), high.tobytes())


def _told(fault: Exception) -> PictureError:
    """libheif's message as a state and a reason."""
    text = " ".join(str(fault).split())
    lower = text.lower()
    if "security limit" in lower or "memory" in lower:
        return PictureError("too-large", f"the HEIC decoder refused its size: {text}")
    if "unsupported" in lower or "no decoding plugin" in lower:
        return PictureError("no-decoder", f"the HEIC decoder cannot read this kind: {text}")
    return PictureError("undecodable", f"HEIC data is broken: {text}")
