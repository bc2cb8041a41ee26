"""Numbers of a pack that are fitted on photos without labels: score maps, floors, calibration.

Pure arithmetic on vectors. A photo and a caption of another photo do not belong together, and most
photos show most concepts not: so cosines of pairs at random are those of *unrelated* pairs,
whatever the photos show, and what lies far above them is related. Nothing here knows a name or a
file. Invariant: a score map rises strictly, whatever the cosines are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.deferred import NamedTuple

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

_LOW: Final = 16  # per cent: a standard deviation below the mean of a bell curve
_BELOW_25, _BELOW_5 = 0.6745, 1.6449  # deviations below the middle that so many per cent lie below
_APART: Final = 1e-4  # cosines of neighbouring knots differ by so much at least

# Of unrelated pairs one of 44 lies two spreads above the middle, one of 30,000 four.
_TEXT_KNOTS: Final = ((0.0, 0.15), (2.0, 0.5), (4.0, 0.8), (7.0, 0.97))  # spreads above, score
_SPREADS: Final = 2.0  # the floor of a text above its own background
_LEAST, _ENOUGH = 1.0, 4.0  # and its bounds above that of all texts

# A concept that is seen or not with equal odds lies three spreads above its background, one that
# is listed at all (a tenth) two: of 100 photos that do not show it two are listed.
_EVEN: Final = 3.0
_STEEP: Final = 2.0  # log-odds a spread
_LISTED: Final = 0.1
# A spread of few photos is guessed worse than that of all concepts together: it counts as much.
_PRIOR: Final = 30


class TextFit(NamedTuple):
    """How cosines of texts are read: their map, and the bounds of the floor, in cosines."""

    knots: tuple[tuple[float, float], ...]
    spreads: float
    least: float
    enough: float


def fit_visual(vectors: Floats, copies: Floats) -> tuple[tuple[float, float], ...]:
    """The visual map of unit vectors [n, D] of photos, and of the same photos encoded anew.

    The median pair scores 0.35, 19 of 20 copies 0.95 or more.
    """
    above = np.triu_indices(len(vectors), 1)
    pairs = (vectors @ vectors.T)[above]
    same = np.sum(vectors * copies, axis=1)
    low, median = np.percentile(pairs, [5, 50])
    return _rising([(low, 0.2), (median, 0.35), (np.percentile(same, 5), 0.95)])


def fit_text(vectors: Floats, texts: Floats) -> TextFit:
    """How cosines of photos [n, D] with texts [m, D] are read, none of which belongs to a photo."""
    background = vectors @ texts.T
    median = float(np.median(background))
    spread = max(median - float(np.percentile(background, _LOW)), _APART)
    return TextFit(
        knots=_rising([(median + at * spread, score) for at, score in _TEXT_KNOTS]),
        spreads=_SPREADS,
        least=_rounded(min(median + _LEAST * spread, 1.0)),
        enough=_rounded(min(median + _ENOUGH * spread, 1.0)),
    )


def fit_concepts(vectors: Floats, concepts: Floats) -> npt.NDArray[np.float32]:
    """Scale, offset and floor of zero-shot concepts [c, D]: float32 [c, 3].

    The middle of a background is guessed from its lower half, which a concept that half of the
    photos show does not move.
    """
    background = vectors @ concepts.T
    low, quarter, middle = np.percentile(background, [5, 25, 50], axis=0)
    own = (quarter - low) / (_BELOW_5 - _BELOW_25)
    pooled = float(np.median(own))
    count = len(vectors)
    spread = np.sqrt((count * own**2 + _PRIOR * pooled**2) / (count + _PRIOR))
    spread = np.maximum(spread, _APART)
    even = np.minimum(quarter + _BELOW_25 * spread, middle) + _EVEN * spread
    scale = _STEEP / spread
    return np.stack([scale, -scale * even, np.full(len(scale), _LISTED)], axis=1).astype(np.float32)


def _rising(inner: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Knots from (-1, 0) to (1, 1) whose cosines rise, moved down where there is no room above."""
    knots, edge = list[tuple[float, float]](), 1.0
    for cosine, score in reversed(inner):
        edge = min(_rounded(cosine), edge - _APART)
        knots.append((_rounded(edge), score))
    if not knots[-1][0] > -1.0:
        raise ValueError("the cosines are no cosines")
    return ((-1.0, 0.0), *reversed(knots), (1.0, 1.0))


def _rounded(cosine: float) -> float:
    return round(float(cosine), 5)
