"""What a score means: calibration, score maps, 16-bit quantising, and how scores combine.

Pure arithmetic: never knows a row, a model or a file. Invariant: each value is computed by
itself, in a fixed order of sums, so it is the same to the last bit whatever its neighbours are;
what leaves is a quantised integer 0..65535 that stands for q / 65535.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.deferred import dataclass

if TYPE_CHECKING:
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float64]"
Quantised: TypeAlias = "npt.NDArray[np.uint16]"

ONE: Final = 65535
"""The quantised score 1.0. Frozen: it stands in segments."""

# Rows of one pass of `cosines`: 256 x 512 float64 are 1 MiB, which stays in the second cache.
_BLOCK: Final = 256


def quantise(values: npt.ArrayLike) -> Quantised:
    """Probabilities or scores to 16 bits: nearest, halves to even, clipped to [0, 1].

    Raises ValueError for NaN.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if np.isnan(numbers).any():
        raise ValueError("a score is not a number")
    return np.rint(np.clip(numbers, 0.0, 1.0) * ONE).astype(np.uint16)


def value_of(quantised: npt.ArrayLike) -> Floats:
    """Quantised scores back to float64 in [0, 1]: q / 65535."""
    return np.asarray(quantised, dtype=np.float64) / ONE


def at_least(threshold: float) -> int:
    """The smallest q with q / 65535 >= threshold; 65536 (above all) when there is none.

    Exact, in the very division of `value_of`: no score below the threshold passes, and a score
    that was shown passes when it is given back: `at_least(value_of(q)) == q` for every q.
    Raises ValueError for NaN.
    """
    if threshold != threshold:
        raise ValueError("a threshold is not a number")
    if threshold <= 0.0:
        return 0
    if threshold > 1.0:
        return ONE + 1
    guess = int(threshold * ONE)
    # The product rounds: the true one is the guess or a neighbour.
    return next(q for q in range(max(guess - 1, 0), guess + 3) if q / ONE >= threshold)


def sigmoid(values: npt.ArrayLike) -> Floats:
    """1 / (1 + exp(-x)) in float64, without overflow."""
    numbers = np.asarray(values, dtype=np.float64)
    small = np.exp(-np.abs(numbers))
    return np.where(numbers >= 0, 1.0, small) / (1.0 + small)


def calibrated(raw: npt.ArrayLike, scale: npt.ArrayLike, offset: npt.ArrayLike) -> Floats:
    """Raw scores to probabilities: sigmoid(scale * raw + offset), element by element."""
    numbers = np.asarray(raw, dtype=np.float64)
    return sigmoid(
        numbers * np.asarray(scale, dtype=np.float64) + np.asarray(offset, dtype=np.float64)
    )


@dataclass(frozen=True, init=False)
class ScoreMap:
    """A piecewise-linear map from cosines to scores, strictly increasing, [-1, 1] onto [0, 1].

    `knots` are (cosine, score) pairs; the first is (-1, 0) and the last (1, 1). ValueError if not.
    """

    knots: tuple[tuple[float, float], ...]
    _x: Floats = field(init=False, repr=False, compare=False)
    _y: Floats = field(init=False, repr=False, compare=False)

    def __init__(self, knots: Sequence[Sequence[float]]) -> None:
        table = np.asarray([tuple(knot) for knot in knots], dtype=np.float64)
        if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] != 2:
            raise ValueError("a score map needs at least two (cosine, score) pairs")
        if not np.isfinite(table).all() or not (np.diff(table, axis=0) > 0).all():
            raise ValueError("a score map must rise strictly in cosine and in score")
        if tuple(table[0]) != (-1.0, 0.0) or tuple(table[-1]) != (1.0, 1.0):
            raise ValueError("a score map must lead from (-1, 0) to (1, 1)")
        object.__setattr__(self, "knots", tuple((float(x), float(y)) for x, y in table))
        object.__setattr__(self, "_x", np.ascontiguousarray(table[:, 0]))
        object.__setattr__(self, "_y", np.ascontiguousarray(table[:, 1]))

    def mapped(self, cosines: npt.ArrayLike) -> Floats:
        """Scores before quantising, float64 in [0, 1]."""
        inside = np.clip(np.asarray(cosines, dtype=np.float64), -1.0, 1.0)
        left = np.clip(np.searchsorted(self._x, inside, side="right") - 1, 0, len(self._x) - 2)
        share = (inside - self._x[left]) / (self._x[left + 1] - self._x[left])
        return self._y[left] + share * (self._y[left + 1] - self._y[left])

    def nearly(self, cosines: npt.ArrayLike) -> Floats:
        """As `mapped`, but off by some 1e-15 and in a quarter of the time: for bounds only."""
        return np.interp(np.asarray(cosines, dtype=np.float64), self._x, self._y)

    def scores(self, cosines: npt.ArrayLike) -> Quantised:
        """Quantised scores, uint16, of cosines of any shape. Raises ValueError for NaN."""
        return quantise(self.mapped(cosines))

    def cosine_below(self, q: int) -> float:
        """A cosine so low that every cosine under it surely scores less than `q`."""
        if q <= 0:
            return -np.inf
        edge = (min(q, ONE + 1) - 0.5) / ONE
        if edge > 1.0:
            return np.inf  # nothing scores as much
        cosine = float(np.interp(edge, self._y, self._x))
        # Step down until rounding can no longer lift anything below over the edge.
        step = 1e-12
        while cosine > -1.0 and float(self.mapped(cosine)) * ONE > q - 0.5 - 1e-9:
            cosine, step = cosine - step, step * 2
        return max(cosine, -1.0)


def cosines(halves: npt.NDArray[np.float16], query: npt.NDArray[np.float32]) -> Floats:
    """The visual cosine of each stored vector with a query, float64 [n] in [-1, 1].

    The one function for it. `halves` [n, D] as stored, `query` [D]; both are normalised here in
    float64. Bit-equal whatever rows stand beside; equal vectors give exactly 1, a zero vector 0.
    """
    wanted = np.ascontiguousarray(query, dtype=np.float64)
    found = np.zeros(len(halves), dtype=np.float64)
    for start in range(0, len(halves), _BLOCK):
        part = slice(start, start + _BLOCK)
        _cosines_into(found[part], np.ascontiguousarray(halves[part], dtype=np.float64), wanted)
    return np.clip(found, -1.0, 1.0)


@np.errstate(invalid="ignore", over="ignore")
def _cosines_into(found: Floats, rows: Floats, wanted: Floats) -> None:
    # A matrix product would sum in an order that depends on the batch; this does not.
    dots = np.add.reduce(rows * wanted, axis=1)
    squares = np.add.reduce(rows * rows, axis=1)
    # One root of the product, not a product of roots: sqrt(s * s) is s to the last bit.
    norms = np.sqrt(squares * np.add.reduce(wanted * wanted))
    sound = np.isfinite(norms) & (norms > 0)
    np.divide(dots, norms, out=found, where=sound)


def weighted_sum(
    vectors: Sequence[npt.NDArray[np.float32]], weights: Sequence[float]
) -> npt.NDArray[np.float32] | None:
    """The direction of a weighted sum of directions, float32 [D] of length 1.

    The one function for it: summed in float64, in the order given; a zero vector adds nothing.
    None where hardly anything is left: the parts cancel each other out.
    """
    most = max(map(abs, weights), default=0.0)
    if most == 0.0:
        return None
    total = np.zeros(len(vectors[0]), dtype=np.float64)
    for vector, weight in zip(vectors, weights, strict=True):
        total += _unit(np.asarray(vector, dtype=np.float64)) * (weight / most)
    # Below this the direction is that of rounding: the vectors have single precision.
    left = float(np.sqrt(np.add.reduce(total * total)))
    return _unit(total).astype(np.float32) if left > 1e-6 * len(weights) else None


def _unit(vector: Floats) -> Floats:
    length = np.sqrt(np.add.reduce(vector * vector))
    return vector / length if length > 0 else vector


# From here on exchanging neighbours, which grows with the square, is slower than sorting.
_FEW_TERMS: Final = 12


def product(values: Sequence[Floats]) -> Floats:
    """AND: the product of several scores, element by element; independent of their order."""
    if len(values) > _FEW_TERMS:
        return functools.reduce(np.multiply, np.sort(np.stack(values), axis=0))
    ordered = [*values]
    # Smallest first, by exchanging neighbours: of the few terms that a query has this is ten times
    # quicker than to sort a long array across.
    for last in range(len(ordered) - 1, 0, -1):
        for at in range(last):
            one, other = ordered[at], ordered[at + 1]
            ordered[at], ordered[at + 1] = np.minimum(one, other), np.maximum(one, other)
    return functools.reduce(np.multiply, ordered)


def larger(values: Sequence[Floats]) -> Floats:
    """OR: the larger of several scores, element by element."""
    return functools.reduce(np.maximum, values)
