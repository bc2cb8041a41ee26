"""Pixels to what an image network takes: resize, centre crop, scale.

Never decodes, never runs a network. Invariant: the result depends on the pixels and the ImageSpec
only, and no intermediate picture is larger than the crop times the source's height.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from localsearch.pack.manifest import ImageSpec

if TYPE_CHECKING:
    import numpy.typing as npt

Pixels: TypeAlias = "npt.NDArray[np.uint8]"


def prepare(pixels: Pixels, image: ImageSpec) -> Pixels:
    """HxWx3 uint8 to [size, size, 3] uint8: short side to `resize`, antialiased, centre crop.

    Only the crop is resampled: the same as to resize all and cut (a level of rounding apart, more
    only where bicubic's overshoot is clipped between the two passes), but a strip of 1 x 20,000
    pixels never becomes one of 297 x 6 million.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    box = crop_box(width, height, image)
    method = getattr(Image.Resampling, image.interpolation.upper())
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((image.size, image.size), method, box=box))


def crop_box(width: int, height: int, image: ImageSpec) -> tuple[float, float, float, float]:
    """The part of a picture that the network sees: left, top, right, bottom in its own pixels."""
    left, right = _span(width, min(width, height), image)
    top, bottom = _span(height, min(width, height), image)
    return left, top, right, bottom


def _span(side: int, short: int, image: ImageSpec) -> tuple[float, float]:
    """Where the crop begins and ends along one side, as if the picture had been resized first."""
    resized = max(round(side * image.resize / short), image.size)
    start = (resized - image.size) // 2
    scale = side / resized
    return start * scale, min((start + image.size) * scale, float(side))


def batch_of(prepared: Sequence[Pixels], image: ImageSpec) -> npt.NDArray[np.float32]:
    """Prepared pictures as float32 [n, 3, size, size], less the mean and over the deviation."""
    batch = np.empty((len(prepared), 3, image.size, image.size), dtype=np.float32)
    for place, pixels in zip(batch, prepared, strict=True):
        for channel in range(3):
            plane = place[channel]
            np.subtract(pixels[:, :, channel], np.float32(image.mean[channel]), out=plane)
            np.divide(plane, np.float32(image.std[channel]), out=plane)
    return batch


def golden_picture(seed: int, size: int) -> Pixels:
    """The picture of a pack's self test, [size, size, 3] uint8; frozen by the pack format."""
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture)
