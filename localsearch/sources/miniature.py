"""A square of a few pixels that stands for a picture when two are compared; from its thumbnail.

Squeezed, not cropped: a copy that was resized to other proportions still lies pixel on pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from localsearch.sources.picture import open_picture

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SIDE: Final = 64
"""Pixels of a side. At 32 two pages of text are the same grey; at 128 a copy of 48 pixels differs
from its original as much as another photo does."""


def miniature(data: bytes) -> npt.NDArray[np.uint8]:
    """uint8 [SIDE, SIDE, 3] of an encoded picture. Raises PictureError."""
    import numpy as np
    from PIL import Image

    picture = open_picture(data, short_side=2 * SIDE)
    small = Image.fromarray(picture.pixels).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small)
