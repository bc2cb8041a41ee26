"""Pixels to what image networks take: resize, centre crop, scale.

Never decodes, never runs a network. Invariant: the result depends on the pixels and the ImageSpec
only, and no intermediate picture is larger than the crop times the source's longer side, or times
some 30 of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.pack.manifest import ImageSpec

if TYPE_CHECKING:
    import numpy.typing as npt

# Times as long as wide above which a picture is a strip: at 224 pixels 5 MB, resized whole.
_STRIP: Final = 32

Pixels: TypeAlias = "npt.NDArray[np.uint8]"
Prepared: TypeAlias = "tuple[Pixels, ...]"
"""Of one picture what each network takes, in the order of `ImageSpec.networks`."""


def prepare(pixels: Pixels, image: ImageSpec) -> Prepared:
    """What the networks take of a picture HxWx3 uint8: [size, size, 3] uint8 for each."""
    return tuple(fitted(pixels, each) for each in image.networks)


def fitted(pixels: Pixels, image: ImageSpec) -> Pixels:
    """HxWx3 uint8 to [size, size, 3] uint8, antialiased, as the network was trained with.

    "squash": all of it, the aspect not kept. Else the short side becomes `resize` and the middle is
    cut out: with `long_side` "floor" just as torchvision does it, to the last bit (for the network
    that was trained so); with "round", only the crop is resampled. That is the same as to resize
    all and cut (a level of rounding apart, more only where bicubic's overshoot is clipped between
    the two passes), but a strip of 1 x 20,000 pixels never becomes one of 297 x 6 million. So
    strips are treated that way under "floor" too.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    method = getattr(Image.Resampling, image.interpolation.upper())
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if image.fit == "squash":
        return np.asarray(picture.resize((image.size, image.size), method))
    if image.long_side == "floor" and max(width, height) <= _STRIP * min(width, height):
        across, down = (_resized(side, min(width, height), image) for side in (width, height))
        left, top = _start(across, image), _start(down, image)
        whole = picture.resize((across, down), method)
        return np.asarray(whole.crop((left, top, left + image.size, top + image.size)))
    box = crop_box(width, height, image)
    return np.asarray(picture.resize((image.size, image.size), method, box=box))


def crop_box(width: int, height: int, image: ImageSpec) -> tuple[float, float, float, float]:
    """The part of a picture that the network sees: left, top, right, bottom in its own pixels."""
    if image.fit == "squash":
        return 0.0, 0.0, float(width), float(height)
    left, right = _span(width, min(width, height), image)
    top, bottom = _span(height, min(width, height), image)
    return left, top, right, bottom


def _span(side: int, short: int, image: ImageSpec) -> tuple[float, float]:
    """Where the crop begins and ends along one side, as if the picture had been resized first."""
    resized = _resized(side, short, image)
    start, scale = _start(resized, image), side / resized
    return start * scale, min((start + image.size) * scale, float(side))


def _resized(side: int, short: int, image: ImageSpec) -> int:
    """The length of a side of the resized picture, whose short one becomes `resize`."""
    if image.long_side == "floor":
        return max(int(image.resize * side / short), image.size)
    return max(round(side * image.resize / short), image.size)


def _start(resized: int, image: ImageSpec) -> int:
    """Where the crop begins along a side of the resized picture."""
    spare = resized - image.size
    return round(spare / 2) if image.long_side == "floor" else spare // 2


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
