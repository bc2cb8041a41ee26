"""Scores of linear probes over what is stored of a photo.

Pure arithmetic on arrays and one small text. Invariant: the scores of a photo are the same to the
last bit whatever stands beside it in the batch. Two rules, both frozen by the pack format:

- probes of the vector alone, in packs of format 1 and 2: products and their pairwise sum over one
  contiguous row;
- probes that read class shares too, and all of format 3: both factors are rounded to whole numbers
  so small that no sum of their products leaves the 53 bits of a float64. Every partial sum is then
  exact, so that it gives the same bits in any order, on any processor, in less than half the time.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.errors import PackDamaged

if TYPE_CHECKING:
    import numpy.typing as npt

# A number read, of size below 2, has 23 bits; the weights of a probe add up to 29: 52 in all.
_READ_BITS: Final = 22
_SUM_BITS: Final = 29


class Inputs(NamedTuple):
    """What probes read beside the vector: of Q sets of classes the square root of their share.

    Set `i` is `classes[starts[i]:starts[i + 1]]`.
    """

    classes: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]


NO_INPUTS: Final = Inputs(np.zeros(0, np.intp), np.zeros(0, np.intp))
"""Nothing beside the vector, read as whole numbers: a zero-shot pack has thousands of probes."""


class Probes(NamedTuple):
    """P probes of D + Q numbers. With `inputs`, `weights` are whole numbers in units of `units`."""

    weights: npt.NDArray[np.float64]  # [P, D + Q]
    bias: npt.NDArray[np.float64]  # [P]
    units: npt.NDArray[np.float64]  # [P], powers of two; what is read has units of 2**-22
    inputs: Inputs | None


def read_inputs(text: str, classes: int, where: str = "probe_inputs.txt") -> Inputs:
    """A line holds the numbers of the classes of one input, rising, between blanks.

    Raises PackDamaged, which names `where` and the line.
    """
    sets = list[list[int]]()
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        found = [int(word) for word in words if word.isascii() and word.isdigit()]
        rising = all(a < b for a, b in itertools.pairwise(found))
        if not found or len(found) < len(words) or not rising or found[-1] >= classes:
            raise PackDamaged(f"{where}, line {number}: expected numbers of classes, rising")
        sets.append(found)
    lengths = [len(each) for each in sets]
    starts = np.cumsum([0, *lengths])[:-1].astype(np.intp)
    return Inputs(np.array([one for each in sets for one in each], dtype=np.intp), starts)


def make_probes(table: npt.NDArray[np.float32], inputs: Inputs | None) -> Probes:
    """Probes of a table float32 [P, D + Q + 1], whose last column is the bias."""
    wide = table.astype(np.float64)
    weights, bias = np.ascontiguousarray(wide[:, :-1]), np.ascontiguousarray(wide[:, -1])
    if inputs is None:
        return Probes(weights, bias, np.ones(len(wide)), None)
    # frexp: the sum is below 2 to that exponent. Rounding adds half a unit a weight at most: there
    # is a bit left for it.
    exponents = np.frexp(np.abs(weights).sum(axis=1))[1]
    units = np.ldexp(1.0, exponents - _SUM_BITS)
    return Probes(np.rint(weights / units[:, None]), bias, units, inputs)


def probe_scores(
    probes: Probes, vectors: npt.NDArray[np.float16], shares: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Scores [n, P] of unit vectors [n, D] and the shares of classes [n, K], which sum to 1."""
    if probes.inputs is None:
        return _pairwise(probes, np.ascontiguousarray(vectors, dtype=np.float64))
    classes, starts = probes.inputs
    width = vectors.shape[1]
    read = np.empty((len(vectors), width + len(starts)), dtype=np.float64)
    read[:, :width] = vectors
    if len(starts):
        parts = np.take(shares, classes, axis=1)
        read[:, width:] = np.sqrt(np.add.reduceat(parts, starts, axis=1))
    read *= 1 << _READ_BITS
    np.rint(read, out=read)
    # Not `@`: for blocks of this size its threads wait for each other longer than one computes.
    sums = np.einsum("nd,pd->np", read, probes.weights, optimize=False)
    return np.asarray(sums * (probes.units / (1 << _READ_BITS)) + probes.bias)


def _pairwise(probes: Probes, wide: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    products = np.empty_like(wide)
    scores = np.empty((len(wide), len(probes.weights)), dtype=np.float64)
    for column, weights in enumerate(probes.weights):
        np.multiply(wide, weights, out=products)
        scores[:, column] = np.add.reduce(products, axis=1) + probes.bias[column]
    return scores
