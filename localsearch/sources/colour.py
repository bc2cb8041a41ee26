"""Any mode of Pillow to RGB of 8 bits a channel, and any ICC profile to sRGB.

Two steps, so that a large picture can be shrunk between them: `flattened` (depth, palette, alpha
on white) leaves L, RGB, CMYK or LAB; `to_srgb` applies the profile. Knows no container.
A profile that is broken or does not fit the picture is ignored, as browsers do.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image, ImageCms

_DEEP = frozenset(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"))
_PLAIN = frozenset(("L", "RGB", "CMYK", "LAB"))


def flattened(image: Image.Image) -> Image.Image:
    """The same picture in mode L, RGB, CMYK or LAB: 8 bits, opaque (transparent parts white)."""
    if image.mode in _DEEP:
        return _eight_bits(image)
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode in _PLAIN:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A flattened picture as sRGB in mode RGB."""
    from PIL import ImageCms

    transform = _transform(profile if image.mode != "LAB" else None, image.mode)
    if transform is not None:
        try:
            converted = ImageCms.applyTransform(image, transform)
        except (ImageCms.PyCMSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    grey = image.mode in ("LA", "La") or (image.mode in ("L", "1"))
    whole = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
    base = Image.new("L" if grey else "RGB", image.size, 255 if grey else (255, 255, 255))
    base.paste(whole.convert(base.mode), mask=whole.getchannel("A"))
    return base


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 and 32 bit and float grey to L, scaled by the range that the values really have."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image)
    scaled = _scaled(values.astype(np.float32), _top_of(image, values))
    mask = image.info.get("transparency")
    if isinstance(mask, int):
        scaled[values == mask] = 255
    return Image.fromarray(scaled)


def _top_of(image: Image.Image, values: npt.NDArray[Any]) -> float | None:
    """The value that means white, None where only the values can tell.

    PNG scales its samples to 16 bits. TIFF holds 12-bit camera data in 16-bit samples, at times
    without saying so: pictures that use a sixteenth of the range would be black.
    """
    largest = float(values.max(initial=0))
    if image.mode.startswith("I;16"):
        bits = _bits_of(image)
        if bits < 16:
            return float((1 << bits) - 1)
        return 4095.0 if image.format == "TIFF" and largest <= 4095 else 65535.0
    smallest = float(values.min(initial=0))
    if smallest < 0 or not largest <= 65535:
        return None
    if image.mode == "F":
        return 1.0 if largest <= 1 else 255.0 if largest <= 255 else 65535.0
    return 255.0 if largest <= 255 else 65535.0


def _bits_of(image: Image.Image) -> int:
    bits = getattr(image, "tag_v2", {}).get(258, (16,))
    first = bits[0] if isinstance(bits, tuple) and bits else bits
    return first if isinstance(first, int) and 8 < first <= 16 else 16


def _scaled(values: npt.NDArray[np.float32], top: float | None) -> npt.NDArray[np.uint8]:
    import numpy as np

    np.nan_to_num(values, copy=False)
    bottom = 0.0
    if top is None:
        bottom, top = float(values.min(initial=0)), float(values.max(initial=0))
    values -= bottom
    values *= 255.0 / max(top - bottom, 1e-30)
    values += 0.5
    return np.clip(values, 0, 255).astype(np.uint8)


@lru_cache(maxsize=16)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform to sRGB; None where there is nothing to do, or nothing that can be done.

    Cached: a camera's photos share one profile, and building a transform takes longer than
    applying it to a scaled photo. Applying one from several threads is safe in Little CMS 2.
    """
    from PIL import ImageCms

    if not profile and mode != "LAB":
        return None
    try:
        source = (
            ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if profile
            else ImageCms.createProfile("LAB")
        )
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Most profiles *are* sRGB under many names: tried on 512 colours, two levels count as same."""
    import numpy as np
    from PIL import Image, ImageCms

    steps = np.linspace(0, 255, 8).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(8, 64, 3)
    shown = ImageCms.applyTransform(Image.fromarray(colours), transform)
    if shown is None:
        return False
    moved = np.abs(np.asarray(shown).astype(np.int16) - colours.astype(np.int16))
    return int(moved.max()) <= 2
