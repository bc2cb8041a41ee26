"""How good a probe is: told from each example as it looks to a probe that has not seen it.

Pure arithmetic. A quality is a fact of the examples that were shown; how far it holds for other
photos depends on how many and how various they are, which the interval says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.scores import Floats

if TYPE_CHECKING:
    import numpy.typing as npt

Word = Literal["good", "fair", "poor", "unknown"]

# Of a good concept nearly all of the first hits are right, of a fair one most are.
_GOOD: Final = 0.8
_FAIR: Final = 0.5
# Of fewer positives the figures say nothing of other photos: measured, they were as often far above
# what came out as far below.
_TOLD_FROM: Final = 4
# The half width of a 95 % interval, in standard deviations.
_SURE: Final = 1.96


class Quality(NamedTuple):
    """`found` of the `positives` and `wrong` of the `negatives` reach a half when left out.

    `average_precision` ranks all left-out examples; None with a single positive, without which
    nothing is learned.
    """

    positives: int
    negatives: int
    found: int
    wrong: int
    average_precision: float | None


def quality_of(left_out: Floats, positive: npt.NDArray[np.bool_]) -> Quality:
    """The quality by probabilities (or log-odds from 0 on) `left_out` [n]: a half is `>= 0`."""
    reached = left_out >= 0.0
    positives = int(np.count_nonzero(positive))
    return Quality(
        positives=positives,
        negatives=len(positive) - positives,
        found=int(np.count_nonzero(reached & positive)) if positives > 1 else 0,
        wrong=int(np.count_nonzero(reached & ~positive)),
        average_precision=average_precision(left_out, positive) if positives > 1 else None,
    )


def average_precision(scores: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """The mean over the positives of the precision down to each; of equal scores the positive
    ones come last, so that a probe which tells nothing gains nothing.
    """
    order = np.lexsort((positive, -scores))
    ranked = positive[order]
    places = np.flatnonzero(ranked) + 1
    return float((np.arange(1, len(places) + 1) / places).mean())


def word_of(quality: Quality) -> Word:
    """A quality in a plain word; "unknown" where the positives are too few to tell."""
    if quality.average_precision is None or quality.positives < _TOLD_FROM:
        return "unknown"
    if quality.average_precision >= _GOOD:
        return "good"
    return "fair" if quality.average_precision >= _FAIR else "poor"


def sureness_of(found: int, of: int) -> tuple[float, float]:
    """The share of all such photos that would be found, as a 95 % interval (Wilson's)."""
    if not of:
        return 0.0, 1.0
    share, z2 = found / of, _SURE * _SURE
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _SURE / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
