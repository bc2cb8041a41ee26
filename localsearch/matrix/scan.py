"""The scan: approximate cosines of many coded vectors with one query, each with its bound.

The only place with a fast int8 product. Never ranks and never decides what is a hit. Invariant:
|scores.cosines(halves, query) - approx| <= bound, for every vector and every query.

Why it holds. With unit vectors x = s*c + e and q = t*k + f (c, k codes; |e| <= error of the row,
|f| <= error of the query): x.q = s*t*(c.k) + s*c.f + e.q, so by Cauchy and Schwarz
|x.q - s*t*(c.k)| <= |s*c| * |f| + |e| <= (1 + |e|) * |f| + |e|. The sum c.k is exact in both
bodies, so they agree to the last bit; what rounding to float32 adds stands in `_ROUNDING`.
A query in 16 bits would halve the bound and double the time; the wider bound costs re-scoring
some hundreds of vectors in 100,000, well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from localsearch.matrix.coding import Coded, Codes, Singles, coded, rounded_up
from localsearch.matrix.read import Matrix

Body: TypeAlias = Callable[[Codes, Codes], npt.NDArray[np.float64]]

# approx is at most 1.02 and rounded once to float32 (6e-8); the cosine itself is off by 1e-14.
_ROUNDING: Final = 1.5e-7
# Rows that numpy widens at once: 1,024 x 512 float32 are 2 MiB, within most second caches.
_BLOCK: Final = 1024
# 127 * 127 * 1,024 < 2**24: up to so many dimensions a float32 sum of products is exact.
_EXACT: Final = 1024
# From this share of the rows on, scanning all and picking is faster than gathering.
_GATHER_SHARE: Final = 0.1


def scan(
    matrix: Matrix | Coded,
    query: npt.NDArray[np.float32],
    positions: npt.NDArray[np.intp] | None = None,
) -> tuple[Singles, Singles]:
    """(approx float32 [m], bound float32 [m]) for all rows, or for those at `positions`."""
    return scan_coded(matrix, coded(query[None, :]), positions)


def scan_coded(
    matrix: Matrix | Coded, asked: Coded, positions: npt.NDArray[np.intp] | None = None
) -> tuple[Singles, Singles]:
    """As `scan`, for a query that was coded once for many segments."""
    if positions is None:
        return scan_rows(_all(matrix), asked, fast_body())
    if len(positions) < _GATHER_SHARE * len(matrix):
        some = matrix.coded_at(positions) if isinstance(matrix, Matrix) else matrix.at(positions)
        return scan_rows(some, asked, fast_body())
    approx, bound = scan_rows(_all(matrix), asked, fast_body())
    return approx[positions], bound[positions]


def scan_rows(rows: Coded, asked: Coded, body: Body) -> tuple[Singles, Singles]:
    """The scan itself, with a body that the caller names: (approx, bound)."""
    sums = body(rows.codes, asked.codes) if len(rows) else np.zeros(0)
    approx = sums * (rows.scales.astype(np.float64) * float(asked.scales[0]))
    errors = rows.errors.astype(np.float64)
    bound = (1.0 + errors) * float(asked.errors[0]) + errors + _ROUNDING
    return approx.astype(np.float32), rounded_up(bound)


@cache
def fast_body() -> Body:
    """The body of this process, chosen once: numkong where it works here, else numpy."""
    codes = np.arange(-120, 120, dtype=np.int8).reshape(3, 80)
    try:
        if (numkong_body(codes, codes[:1]) == numpy_body(codes, codes[:1])).all():
            return numkong_body
    except (ImportError, OSError, ValueError, TypeError, RuntimeError):
        pass  # not installed for this machine: numpy takes a few times as long, that is all
    return numpy_body


def numkong_body(codes: Codes, query: Codes) -> npt.NDArray[np.float64]:
    """Exact sums of products, float64 [n], of int8 [n, D] with int8 [1, D]."""
    import numkong

    return np.asarray(numkong.cdist(codes, query, metric="dot"), np.float64).reshape(-1)


def numpy_body(codes: Codes, query: Codes) -> npt.NDArray[np.float64]:
    """The same without numkong: blocks are widened to float32, which BLAS multiplies."""
    found = np.zeros(len(codes))
    for first in range(0, codes.shape[1], _EXACT):
        wanted = query[0, first : first + _EXACT].astype(np.float32)
        for start in range(0, len(codes), _BLOCK):
            part = codes[start : start + _BLOCK, first : first + _EXACT].astype(np.float32)
            found[start : start + _BLOCK] += part @ wanted
    return found


def _all(matrix: Matrix | Coded) -> Coded:
    return matrix.coded() if isinstance(matrix, Matrix) else matrix
