"""Whether two pictures are the same one, laid down in whatever way: a look at their pixels.

Three measures, all of miniatures of 64x64 pixels made even in brightness and contrast:

- *agreement*: the correlation of 32x32 coloured pixels;
- *worst part*: of 64 parts the one that differs most, as a share of the picture's contrast; a
  person who has moved fills few parts;
- *detail*: the correlation of what 64x64 pixels have beyond 32x32: edges and grain, which move
  between two photos of a burst even where the large forms stay.

Figures. Copies (113 photos in 19 guises each, 34 known variants): agreement 0.974 to 1.0, worst
part up to 0.39, detail from 0.88. Of 1,865,346 pairs of 1,932 other photos, bursts of one scene
among them, none is called the same whatever its prints; the nearest in detail have 0.941, 0.849,
0.471, the nearest in agreement 0.979, 0.435, 0.344; pages of text 0.969, 0.44, 0.50. Prints and
pixels together find all of what was JPEG of quality 10 to 95, half as large, squeezed into a
square, brighter by 15 per cent; 98 to 100 of 100 that were mirrored or turned, also with half the
size or quality 70, or had 48 pixels left; 79 with an edge of 1 per cent cut off on each side, 3
with 2.5; and of those made grey the 42 that had little colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.sources.turns import TURNS, UPRIGHT, Turn, turned_pixels

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float32]

AGREEMENT: Final = 0.96
WORST_PART: Final = 0.5
DETAIL: Final = 0.62
_COARSE: Final = 32
_PARTS: Final = 8  # a side
# Grey levels below which contrast is taken for noise: a foggy picture has some ten.
_LEAST_CONTRAST: Final = 2.0
# Of a picture that looks nearly the same when it is turned, the plain way is meant.
_PLAINLY: Final = 0.005


class Likeness(NamedTuple):
    """What a look at two pictures has measured."""

    agreement: float
    worst_part: float
    detail: float

    @property
    def same(self) -> bool:
        """Whether they are one picture."""
        return (
            self.agreement >= AGREEMENT and self.worst_part <= WORST_PART and self.detail >= DETAIL
        )


def turn_between(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], *, upright: bool = True
) -> Turn | None:
    """The turn that makes the second of the first; None where they are two pictures.

    uint8 [64, 64, 3] each. Without `upright` they are not the same as they lie, whatever the
    pixels say; turned they may be.
    """
    coarse = _even(_coarse(second))
    agreements = [
        (float((_even(_coarse(turned_pixels(first, turn))) * coarse).mean()), turn)
        for turn in TURNS
    ]
    best = max(agreement for agreement, _ in agreements)
    for agreement, turn in agreements:
        if turn == UPRIGHT and not upright:
            continue
        if agreement >= best - _PLAINLY and likeness(turned_pixels(first, turn), second).same:
            return turn
    return None


def likeness(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Likeness:
    """How alike two miniatures are, as they lie."""
    one, other = _even(_coarse(first)), _even(_coarse(second))
    size = _COARSE // _PARTS
    parts = ((one - other) ** 2).mean(axis=2).reshape(_PARTS, size, _PARTS, size)
    worst = float(np.sqrt(parts.mean(axis=(1, 3)).max()))
    return Likeness(float((one * other).mean()), worst, _detail(first, second))


def _detail(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> float:
    """The correlation of fine structure; 1 where neither has any."""
    one, other = _fine(first), _fine(second)
    lengths = [float(np.sqrt((each * each).mean())) for each in (one, other)]
    if max(lengths) < 0.5:  # grey levels: both are as smooth as eight bits can be
        return 1.0
    return float((one * other).mean()) / max(lengths[0] * lengths[1], 1e-9)


def _fine(pixels: npt.NDArray[np.uint8]) -> Floats:
    grey = pixels.astype(np.float32).mean(axis=2)
    factor = len(grey) // _COARSE
    coarse = grey.reshape(_COARSE, factor, _COARSE, factor).mean(axis=(1, 3), keepdims=True)
    cells = grey.reshape(_COARSE, factor, _COARSE, factor)
    found: Floats = (cells - coarse).reshape(grey.shape)
    return found


def _coarse(pixels: npt.NDArray[np.uint8]) -> Floats:
    factor = len(pixels) // _COARSE
    cells = pixels.astype(np.float32).reshape(_COARSE, factor, _COARSE, factor, 3)
    found: Floats = cells.mean(axis=(1, 3))
    return found


def _even(pixels: Floats) -> Floats:
    """Without mean brightness, and with a contrast of 1."""
    centred = pixels - pixels.mean()
    contrast = float(np.sqrt((centred * centred).mean()))
    found: Floats = centred / max(contrast, _LEAST_CONTRAST)
    return found
