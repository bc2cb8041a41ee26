"""The scan: approximate cosines of many coded vectors with one query, each with its bound.

The only place with a fast int8 product. Never ranks and never decides what is a hit. Invariant:
|scores.cosines(halves, query) - approx| <= bound, for every vector and every query.

Why it holds. With unit vectors x = s*c + e and q = t*k + f (c, k codes; |e| <= error of the row,
|f| <= error of the query): x.q = s*t*(c.k) + s*c.f + e.q, so by Cauchy and Schwarz
|x.q - s*t*(c.k)| <= |s*c| * |f| + |e| <= (1 + |e|) * |f| + |e|. The sum c.k is exact in both
bodies, so they agree to the last bit. The rest is single precision, four times as fast over a
million rows as double: what its rounding adds stands in `_ROUNDING` and `_UP`.
A query in 16 bits would halve the bound and double the time; the wider bound costs re-scoring
some hundreds of vectors in 100,000. `closer` bounds these from their halves in a tenth of the time
that scoring takes, so that hardly more are scored than are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.matrix.coding import Coded, Codes, Singles, coded, rounded_up
from localsearch.matrix.read import Matrix

if TYPE_CHECKING:
    import numpy.typing as npt

Sums: TypeAlias = "npt.NDArray[np.float32] | npt.NDArray[np.float64]"
Body: TypeAlias = Callable[[Codes, Codes], Sums]
Places: TypeAlias = "npt.NDArray[np.intp] | slice"
"""Rows of one matrix: their positions, or a span of them (which copies nothing)."""

# s*t and its product with c.k are rounded once each, to 2**-24 of a number that is at most
# (1 + |e|) * (1 + |f|) <= 4: an error never exceeds 1, that of a code of zeros. So 4.8e-7.
_ROUNDING: Final = 5e-7
# A bound is one product and one sum, each rounded: more than both can take away.
_UP: Final = 1.0 + 4 * 2.0**-24
# Rows that numpy widens at once: 1,024 x 512 float32 are 2 MiB, within most second caches.
_BLOCK: Final = 1024
# 127 * 127 * 1,024 < 2**24: up to so many dimensions a float32 sum of products is exact.
_EXACT: Final = 1024
# From this share of the rows on, scanning all and picking is faster than gathering.
_GATHER_SHARE: Final = 0.1


def scan(
    matrix: Matrix | Coded, query: npt.NDArray[np.float32], places: Places | None = None
) -> tuple[Singles, Singles]:
    """(approx float32 [m], bound float32 [m]) for all rows, or for those at `places`."""
    return scan_coded(matrix, coded(query[None, :]), places)


def scan_coded(
    matrix: Matrix | Coded, asked: Coded, places: Places | None = None
) -> tuple[Singles, Singles]:
    """As `scan`, for a query that was coded once for many segments."""
    if places is None or isinstance(places, slice):
        return scan_rows(_span(matrix, places or slice(None)), asked, fast_body())
    if len(places) < _GATHER_SHARE * len(matrix):
        some = matrix.coded_at(places) if isinstance(matrix, Matrix) else matrix.at(places)
        return scan_rows(some, asked, fast_body())
    approx, bound = scan_rows(_span(matrix, slice(None)), asked, fast_body())
    return approx[places], bound[places]


def scan_rows(rows: Coded, asked: Coded, body: Body) -> tuple[Singles, Singles]:
    """The scan itself, with a body that the caller names: (approx, bound)."""
    sums = body(rows.codes, asked.codes) if len(rows) else np.zeros(0, np.float32)
    approx = rows.scales * asked.scales[0]
    approx = np.multiply(sums, approx, out=approx, casting="same_kind")
    beyond = float(asked.errors[0])
    # (1 + e) * f + e = e * (1 + f) + f
    slope, least = rounded_up(np.array([(1.0 + beyond) * _UP, (beyond + _ROUNDING) * _UP]))
    bound = rows.errors * slope
    bound += least
    return approx, bound


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


def numkong_body(codes: Codes, query: Codes) -> Sums:
    """Exact sums of products [n], of int8 [n, D] with int8 [1, D]; see `_is_short`."""
    import numkong

    if _is_short(codes):
        short = numkong.cdist(codes, query, metric="dot", out_dtype="float32")
        return np.asarray(short, np.float32).reshape(-1)
    return np.asarray(numkong.cdist(codes, query, metric="dot"), np.float64).reshape(-1)


def numpy_body(codes: Codes, query: Codes) -> Sums:
    """The same without numkong: blocks are widened to float32, which BLAS multiplies."""
    found = np.zeros(len(codes))
    for first in range(0, codes.shape[1], _EXACT):
        wanted = query[0, first : first + _EXACT].astype(np.float32)
        for start in range(0, len(codes), _BLOCK):
            part = codes[start : start + _BLOCK, first : first + _EXACT].astype(np.float32)
            found[start : start + _BLOCK] += part @ wanted
    return found.astype(np.float32) if _is_short(codes) else found


def closer(
    halves: npt.NDArray[np.float16], query: npt.NDArray[np.float32]
) -> tuple[Singles, Singles] | None:
    """(approx float32 [n], bound float32 [n]) of stored vectors [n, D]: a hundredth of the scan's.

    None where this process has no fast product of halves, and for a query without direction. With
    p the query's direction u rounded to halves, |x.u - x.p| <= |u - p|; a sum of D products in
    single precision is off by D * 2**-24 of the lengths at most, and so is a square: together by
    less than `_SUMS` times that.
    """
    wanted = query.astype(np.float64)
    length = np.sqrt(np.add.reduce(wanted * wanted))
    if not (_has_halves() and np.isfinite(length) and length > 0):
        return None
    import numkong

    wanted /= length
    rounded = wanted.astype(np.float16)
    exactly = rounded.astype(np.float64)
    dots = np.asarray(numkong.cdist(halves, rounded[None, :], metric="dot")).reshape(-1)
    squares = np.asarray(numkong.dot(halves, halves)).reshape(-1)
    norms = np.sqrt(squares * np.add.reduce(exactly * exactly))
    sound = np.isfinite(dots) & np.isfinite(norms) & (norms > 0)
    approx = np.zeros(len(halves), np.float32)
    np.divide(dots, norms, out=approx, where=sound, casting="same_kind")
    apart = np.sqrt(np.add.reduce(np.square(wanted - exactly)))
    bound = np.float32(apart + _SUMS * len(query) * 2.0**-24 + _ROUNDING)
    return approx, np.full(len(halves), bound, np.float32)


_SUMS: Final = 4
_TRIED: Final = 5e-4  # far above what single precision does to 80 products of such halves


@cache
def _has_halves() -> bool:
    """Whether numkong multiplies halves here as they are to be multiplied."""
    halves = (np.arange(-120, 120).reshape(3, 80) / 128).astype(np.float16)
    wide = halves.astype(np.float64)
    try:
        import numkong

        dots = np.asarray(numkong.cdist(halves, halves[:1], metric="dot")).reshape(-1)
        squares = np.asarray(numkong.dot(halves, halves)).reshape(-1)
        found = np.concatenate([dots, squares])
    except (ImportError, AttributeError, OSError, ValueError, TypeError, RuntimeError):
        return False
    expected = np.concatenate([wide @ wide[0], np.square(wide).sum(axis=1)])
    return found.shape == expected.shape and bool((np.abs(found - expected) < _TRIED).all())


def _is_short(codes: Codes) -> bool:
    """Whether float32, half as long as float64, holds every sum exactly."""
    return bool(codes.shape[1] <= _EXACT)


def _span(matrix: Matrix | Coded, span: slice) -> Coded:
    """A span of the rows; copies nothing."""
    rows = matrix.coded() if isinstance(matrix, Matrix) else matrix
    return Coded(rows.codes[span], rows.scales[span], rows.errors[span])
