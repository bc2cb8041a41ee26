"""From example vectors to a probe and its quality. Pure: the same examples, the same probe.

The regression weighs positives and negatives alike, however few the one; of a few penalties it
takes the one under which left-out examples are told best. Its values are no probabilities yet (an
example that was seen looks better than it is), so a second, one-dimensional regression on the
left-out values makes them such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.scores import Floats, at_least, sigmoid
from localsearch.segments.probed import Probe
from localsearch.teach.fit import Fit, fits, left_out_loss
from localsearch.teach.judge import Quality, quality_of

if TYPE_CHECKING:
    import numpy.typing as npt

# Measured on 27 concepts of some 2,000 photos (scenes, objects, words of captions) with 1 to 30
# examples of each, ranking the photos that were not shown: one penalty for all loses little, and
# the class probabilities beside the vector gain nothing.
PENALTIES: Final = (8.0, 2.0, 0.5)
# By what power of the odds between the examples positives weigh more in the calibration. At 0
# hardly any photo of a concept with few examples reaches a half; at 1 one in nine of all others
# does, at 0.5 one in sixty.
_BALANCE: Final = 0.5
# Who is listed: whoever looks more like it than nine of ten others, or at least this likely.
_OTHERS: Final = 0.9
_FLOORS: Final = (0.02, 0.2)
# A photo like the only example that was shown has this share of what the example itself has.
_UNSEEN: Final = 0.4
_STEPS: Final = 100
_DONE: Final = 1e-9
_LEAST_SCALE: Final = 1e-3  # examples that are told apart the wrong way round: nothing was learned


class Trained(NamedTuple):
    """A probe, its quality, and the log-odds of each example, left out."""

    probe: Probe
    quality: Quality
    left_out: Floats


def train(halves: npt.NDArray[np.float16], positive: npt.NDArray[np.bool_]) -> Trained:
    """Learn from stored vectors float16 [n, D], at least one positive and one negative."""
    vectors = _units(halves)
    shares = _shares(positive, 1.0)
    found = fits(vectors, positive, shares, PENALTIES)
    best = min(found, key=lambda one: left_out_loss(one, positive, shares))
    values = _fair_values(best, vectors, positive)
    scale, offset = calibration(values, positive, _shares(positive, _BALANCE))
    length = float(np.sqrt(np.add.reduce(best.weights * best.weights)))
    direction = (best.weights / length if length > 0 else best.weights).astype(np.float32)
    floor = np.clip(np.quantile(sigmoid(scale * values + offset)[~positive], _OTHERS), *_FLOORS)
    steep = max(scale * length, _LEAST_SCALE)
    probe = Probe(direction, steep, scale * best.bias + offset, at_least(float(floor)))
    left_out = scale * best.left_out + offset
    return Trained(probe, quality_of(left_out, positive), left_out)


def calibration(
    values: Floats, positive: npt.NDArray[np.bool_], shares: Floats
) -> tuple[float, float]:
    """(scale > 0, offset) so that sigmoid(scale * value + offset) is a probability.

    Platt's: targets are a little off 0 and 1, the more so the fewer examples there are.
    """
    count = int(np.count_nonzero(positive))
    targets = np.where(positive, (count + 1) / (count + 2), 1 / (len(positive) - count + 2))
    width = float(values.std()) or 1.0
    points = np.stack([values / width, np.ones_like(values)], axis=1)
    found = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        p = sigmoid(points @ found)
        slope = points.T @ (shares * (p - targets))
        curve = (points * (shares * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ points
        step = np.clip(np.linalg.solve(curve + 1e-6 * np.eye(2), slope), -1.0, 1.0)
        found = found - step
        if float(np.abs(step).max()) < _DONE:
            break
    return max(float(found[0]), _LEAST_SCALE) / width, float(found[1])


def _fair_values(fit: Fit, vectors: Floats, positive: npt.NDArray[np.bool_]) -> Floats:
    """What the finished probe would say of photos like the examples.

    Left out, a positive is judged by a probe that has one example fewer: of many that is nothing,
    of two it is half of all that is known. So a part of what seeing it has added is given back,
    the less the more examples there are; of one there is nothing else.
    """
    seen = vectors @ fit.weights + fit.bias
    values, count = fit.left_out.copy(), np.count_nonzero(positive)
    least = float(values[~positive].mean()) if count == 1 else values[positive]
    values[positive] = least + _UNSEEN / count * (seen[positive] - least)
    return values


def _units(halves: npt.NDArray[np.float16]) -> Floats:
    wide = halves.astype(np.float64)
    lengths = np.sqrt(np.add.reduce(wide * wide, axis=1, keepdims=True))
    return np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)


def _shares(positive: npt.NDArray[np.bool_], balance: float) -> Floats:
    """A weight for each example: 1 for a negative, and for a positive the odds ** balance."""
    count = np.count_nonzero(positive)
    return np.where(positive, ((len(positive) - count) / count) ** balance, 1.0)
