"""Likeness to one query vector: exact scores, and a scan that spares most of them.

The int8 scan only proposes: it gives an approximate cosine and a bound on its error, and every
row that could still belong to the answer is scored from its stored half-precision vector by
`scores.cosines` (law 6). So the result is that of scoring every row, to the last bit. This room
knows no tree: what a likeness is multiplied with comes as numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from localsearch.records import Ranked
from localsearch.rows import Rows, RowSet, from_array, positions_in, to_array
from localsearch.scores import (
    ONE,
    Floats,
    Quantised,
    ScoreMap,
    cosines,
    product,
    quantise,
    value_of,
)
from localsearch.search import selection

if TYPE_CHECKING:
    from localsearch.search.snapshot import Vector
    from localsearch.segments.live_set import LiveSet

# Up to here scoring every row costs less than a scan of all and then scoring the best.
_FEW: Final = 1024
# Rows whose vectors are held at once when all are scored: 4 MiB of halves at 512 dimensions.
_BLOCK: Final = 4096
# The bounds of a scan are single floats: their own rounding is far below this.
_SLACK: Final = 1e-6


class _Proposal(NamedTuple):
    """What a scan says of each row: the true cosine lies in [lower, upper]."""

    rows: Rows
    lower: Floats
    upper: Floats


def exact_scores(live: LiveSet, visual: ScoreMap, query: Vector, rows: Rows) -> Quantised:
    """The 16-bit score of each row, uint16 [n], from its stored vector."""
    found = np.empty(len(rows), dtype=np.uint16)
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        found[part] = visual.scores(cosines(live.halves_of(rows[part]), query))
    return found


def best_all(
    live: LiveSet, visual: ScoreMap, query: Vector, allowed: RowSet, floor: int
) -> tuple[Rows, Quantised]:
    """Every allowed row that scores `floor` or more, with its score: rows ascending."""
    rows = to_array(allowed)
    return selection.reaching(rows, exact_scores(live, visual, query, rows), floor)


def worth_scanning(allowed: int, stop: int) -> bool:
    """Whether a scan spares much: many rows, and a page that is not deep among them."""
    return allowed > _FEW and stop < allowed // 4


def best_scanned(
    live: LiveSet,
    visual: ScoreMap,
    query: Vector,
    allowed: RowSet,
    *,
    floor: int,
    start: int,
    stop: int,
) -> tuple[Ranked, int]:
    """The places [start:stop] among the allowed rows that score `floor` or more, and their number.

    `allowed` holds rows with a vector only, and more than `stop` of them.
    """
    count = len(allowed)
    proposal = _scan(live, query, allowed)
    kth = np.partition(proposal.lower, count - stop)[count - stop]
    # The k-th best scores at least this, so whoever scores less is on no page up to here.
    needed = max(int(visual.scores(kth)), floor)
    close = proposal.upper >= visual.cosine_below(needed)
    rows = proposal.rows[close]
    rows, scores = selection.reaching(rows, exact_scores(live, visual, query, rows), needed)
    total = count if floor <= 0 else len(_over(live, visual, query, proposal, floor))
    return selection.cut(rows, scores, start, stop), total


def best_product(
    live: LiveSet,
    visual: ScoreMap,
    query: Vector,
    rows: Rows,
    factors: list[Floats],
    *,
    floor: int,
    start: int,
    stop: int,
) -> tuple[Ranked, int]:
    """As `best_scanned`, for the product of the likeness and other scores of `rows` (ascending).

    `factors` holds these others, float64 [n] each. More than `stop` rows.
    """
    proposal = _scan(live, query, from_array(rows))
    places, _ = positions_in(rows, proposal.rows)
    least = _multiplied(factors, places, visual.scores(proposal.lower), -1)
    most = _multiplied(factors, places, visual.scores(proposal.upper), 1)
    kth = np.partition(least, len(rows) - stop)[len(rows) - stop]
    needed = max(int(kth), floor)

    def scored(chosen: npt.NDArray[np.bool_], floor: int) -> tuple[Rows, Quantised]:
        found = exact_scores(live, visual, query, proposal.rows[chosen])
        products = _multiplied(factors, places[chosen], found, 0)
        return selection.reaching(proposal.rows[chosen], products, floor)

    sure = least >= floor
    unsure = ~sure & (most >= floor)
    total = int(np.count_nonzero(sure)) + len(scored(unsure, floor)[0])
    return selection.cut(*scored(most >= needed, needed), start, stop), total


def reaching(live: LiveSet, visual: ScoreMap, query: Vector, floor: int) -> RowSet:
    """All live rows that score `floor` (0..65536) or more."""
    if floor <= 0:
        return live.rows
    if len(live.rows) <= _FEW:
        return from_array(best_all(live, visual, query, live.rows, floor)[0])
    return from_array(_over(live, visual, query, _scan(live, query, live.rows), floor))


def _scan(live: LiveSet, query: Vector, allowed: RowSet) -> _Proposal:
    everything = len(allowed) == len(live.rows)
    rows, approximate, bound = live.scan(query, None if everything else allowed)
    middle = approximate.astype(np.float64)
    reach = bound.astype(np.float64) + _SLACK
    return _Proposal(rows, middle - reach, middle + reach)


def _multiplied(
    factors: list[Floats], places: npt.NDArray[np.intp], likeness: Quantised, room: int
) -> Quantised:
    """The 16-bit product of likeness and factors; with `room` -1 or 1, surely below or above it.

    Room is one step of the likeness, and more than what rounding does to the product.
    """
    value = np.clip(value_of(likeness) + room / ONE, 0.0, 1.0)
    return quantise(product([*(each[places] for each in factors), value]) + room * 1e-9)


def _over(live: LiveSet, visual: ScoreMap, query: Vector, proposal: _Proposal, floor: int) -> Rows:
    """Rows that score `floor` or more: most are surely over or under it, the others are scored."""
    over = proposal.lower >= _cosine_reaching(visual, floor)
    unsure = ~over & (proposal.upper >= visual.cosine_below(floor))
    rows = proposal.rows[unsure]
    scored, _ = selection.reaching(rows, exact_scores(live, visual, query, rows), floor)
    return np.concatenate([proposal.rows[over], scored])


def _cosine_reaching(visual: ScoreMap, floor: int) -> float:
    """A cosine so high that it and every higher one surely score `floor` or more."""
    cosine, step = visual.cosine_below(floor), 1e-9
    while cosine < 1.0 and float(visual.mapped(cosine)) * ONE < floor - 0.5 + 1e-6:
        cosine, step = cosine + step, step * 2
    return cosine if cosine < 1.0 else np.inf
