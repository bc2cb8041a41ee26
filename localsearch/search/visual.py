"""Likeness to one query vector: exact scores, and a scan that spares most of them.

The int8 scan only proposes: it gives an approximate cosine and a bound on its error, and every
row that could still belong to the answer (of many, after a look at their halves) is scored from its
stored half-precision vector by `scores.cosines` (law 6), raised by the concepts that a text names
(`lift`). So the result is that of scoring every row, to the last bit. A scan goes block by block
and keeps of each only what may still matter. This room knows no tree: what a likeness is
combined with is the matter of `bounded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.matrix.coding import Singles
from localsearch.matrix.scan import closer
from localsearch.records import Ranked
from localsearch.rows import Rows, RowSet, empty, from_array, positions_in, to_array
from localsearch.scores import ONE, Floats, Quantised, ScoreMap, cosines
from localsearch.search import selection
from localsearch.search.lift import Lift, lift_of
from localsearch.search.terms import Like, Sum, Text
from localsearch.search.visual_terms import query_of
from localsearch.segments.best import edge_of
from localsearch.segments.live_set import Block

if TYPE_CHECKING:
    from localsearch.search.snapshot import Snapshot, Vector
    from localsearch.segments.live_set import LiveSet

# Up to here scoring every row costs less than a scan of all and then scoring the best.
_FEW: Final = 256
# Up to here scoring every row costs less than looking at their halves first.
_CLOSER: Final = 192
# Rows whose vectors are held at once when all are scored: 1 MiB of halves at 512 dimensions.
_BLOCK: Final = 1024
# Cosines of a scan and their bounds are single floats: what rounding does to a sum of the two, and
# to a number that they are compared with, is far below this.
_SLACK: Final = 1e-6
# What a raised cosine (at most 2) and its bound lose to single floats.
_ROUNDED: Final = 3e-7


class Look(NamedTuple):
    """One query vector over one live set; `check` is called between blocks of work, `lift` is what
    raises the cosines of a text.
    """

    live: LiveSet
    score_map: ScoreMap
    query: Vector
    check: Callable[[], None]
    lift: Lift | None = None


def look_of(snapshot: Snapshot, term: Like | Text | Sum) -> Look:
    """What a visual leaf asks; its vector is made at its first use."""
    vector, score_map = query_of(snapshot, term)
    lift = lift_of(snapshot, term) if isinstance(term, Text) else None
    return Look(snapshot.live, score_map, vector, snapshot.check, lift)


def best_scores(
    look: Look, rows: Rows, count: int, *, floor: int = 0, others: RowSet | None = None
) -> tuple[Rows, Quantised]:
    """Those of `rows`, and of `others`, which are scanned, that may be among the best `count` and
    score `floor` or more, and their scores: all that belong to these, and rarely many more.
    """
    if others and len(rows) + len(others) <= _CLOSER:
        rows = np.concatenate([rows, to_array(others)])
    elif others or len(rows) > _CLOSER:
        top = _Top(look.score_map, count, floor)
        for block in _near(look, rows):
            top.meet(block)
        for block in _blocks(look, others) if others else ():
            top.meet(block)
        rows, floor = top.rows(), top.needed
    return selection.reaching(rows, exact_scores(look, rows), floor)


def _near(look: Look, rows: Rows) -> Iterator[Block]:
    """The cosines of rows, nearly, from their halves: a tenth of the work of exact ones."""
    for start in range(0, len(rows), _BLOCK):
        look.check()
        part = rows[start : start + _BLOCK]
        halves = look.live.halves_of(part)
        found = closer(halves, look.query)
        if found is None:
            exact = cosines(halves, look.query).astype(np.float32)
            found = exact, np.full(len(part), _SLACK, np.float32)
        yield _raised(look, Block(part, *found))


def exact_scores(look: Look, rows: Rows) -> Quantised:
    """The 16-bit score of each row, uint16 [n], from its stored vector."""
    found = np.empty(len(rows), dtype=np.uint16)
    for start in range(0, len(rows), _BLOCK):
        look.check()
        part = slice(start, start + _BLOCK)
        halves = look.live.halves_of(rows[part])
        found[part] = look.score_map.scores(_lifted(look, rows[part], cosines(halves, look.query)))
    return found


def _lifted(look: Look, rows: Rows, plain: Floats) -> Floats:
    """The cosines that count: those with the query vector, raised by what the text names."""
    return plain if look.lift is None else np.minimum(plain + look.lift.at(rows), 1.0)


def _blocks(look: Look, allowed: RowSet | None = None) -> Iterator[Block]:
    """A scan of live rows (of the allowed ones only), its cosines raised as exact ones are."""
    for block in look.live.blocks(look.query, allowed):
        look.check()
        yield _raised(look, block)


def _raised(look: Look, block: Block) -> Block:
    """A block whose cosines are raised by what the text names."""
    if look.lift is None:
        return block
    approx = (block.approx + look.lift.at(block.rows)).astype(np.float32)
    return Block(block.rows, approx, block.bound + np.float32(_ROUNDED))


def worth_scanning(allowed: int, stop: int) -> bool:
    """Whether a scan spares much: many rows, and a page that is not deep among them."""
    return allowed > _FEW and stop < allowed // 4


def best(look: Look, allowed: RowSet, *, floor: int, start: int, stop: int) -> tuple[Ranked, int]:
    """The places [start:stop] among the allowed rows that score `floor` or more, and their number.

    `allowed` holds rows with a vector only. Scans if that spares much.
    """
    if worth_scanning(len(allowed), stop):
        return _best_scanned(look, allowed, floor, start, stop)
    rows = to_array(allowed)
    if floor > 0:  # all that reach it are counted
        rows, found = selection.reaching(rows, exact_scores(look, rows), floor)
        return selection.cut(rows, found, start, stop), len(rows)
    return selection.cut(*best_scores(look, rows, stop), start, stop), len(rows)


def reaching(look: Look, floor: int) -> RowSet:
    """All live rows that score `floor` (0..65536) or more."""
    live = look.live
    if floor <= 0:
        return live.rows
    if len(live.rows) <= _FEW:
        rows = to_array(live.rows)
        return from_array(selection.reaching(rows, exact_scores(look, rows), floor)[0])
    over = _Over(look, floor)
    found = empty()
    for block in _blocks(look):
        found |= from_array(block.rows[over.meet(block)])
    return found | from_array(over.unsure())


def bounds(look: Look, allowed: RowSet) -> tuple[Floats, Floats]:
    """Between which scores the score of each allowed row lies, ascending by row: float64 [n] each.

    `allowed` holds rows with a vector only.
    """
    rows = to_array(allowed)
    low, high = np.empty(len(rows)), np.empty(len(rows))
    for block in _blocks(look, allowed):
        places = _places(rows, block.rows)
        reach = block.bound + np.float32(_SLACK)
        low[places] = look.score_map.nearly(block.approx - reach)
        high[places] = look.score_map.nearly(block.approx + reach)
    # A step of 16 bits: more than quantising and the short way through the map take away.
    return np.maximum(low - 1 / ONE, 0.0), np.minimum(high + 1 / ONE, 1.0)


def _best_scanned(
    look: Look, allowed: RowSet, floor: int, start: int, stop: int
) -> tuple[Ranked, int]:
    top, over, total = _Top(look.score_map, stop, floor), _Over(look, floor), 0
    everything = len(allowed) == len(look.live.rows)
    for block in _blocks(look, None if everything else allowed):
        top.meet(block)
        if floor > 0:
            total += int(np.count_nonzero(over.meet(block)))
    total = len(allowed) if floor <= 0 else total + len(over.unsure())
    rows, found = best_scores(look, top.rows(), stop, floor=top.needed)
    return selection.cut(rows, found, start, stop), total


class _Top:
    """What of a scan may still be among the best `count`.

    `needed` is a score that so many surely reach: whoever scores less is not among them.
    """

    def __init__(self, score_map: ScoreMap, count: int, floor: int) -> None:
        self.needed = floor
        self._map, self._count = score_map, count
        self._bar = score_map.cosine_below(floor) - _SLACK
        self._rows: list[Rows] = []
        self._upper: list[Singles] = []
        self._best: Singles = np.zeros(0, np.float32)  # the best lower ends, at most `count`

    def meet(self, block: Block) -> None:
        """Keep what may belong to the best, and raise the bar by it."""
        lower, upper = block.approx - block.bound, block.approx + block.bound
        if not len(self._rows) and len(lower) > self._count:
            self._raise(edge_of(lower, self._count))
        close = np.flatnonzero(upper >= self._bar)
        if not len(close):
            return
        self._rows.append(block.rows[close])
        self._upper.append(upper[close])
        self._best = np.concatenate([self._best, lower[close]])
        if len(self._best) > self._count:
            place = len(self._best) - self._count
            self._best = np.partition(self._best, place)[place:]
            self._raise(float(self._best[0]))

    def _raise(self, cosine: float) -> None:
        """`count` rows have at least this cosine."""
        surely = int(self._map.scores(cosine - _SLACK))
        if surely > self.needed:
            self.needed = surely
            self._bar = self._map.cosine_below(surely) - _SLACK

    def rows(self) -> Rows:
        """The rows that are left."""
        if not self._rows:
            return np.zeros(0, np.uint32)
        kept: Rows = np.concatenate(self._rows)[np.concatenate(self._upper) >= self._bar]
        return kept


class _Over:
    """Which rows of a scan score `floor` or more: most surely do or do not, the rest is scored."""

    def __init__(self, look: Look, floor: int) -> None:
        self._look, self._floor = look, floor
        self._most = look.score_map.cosine_below(floor) - _SLACK
        self._least = _cosine_reaching(look.score_map, floor) + _SLACK
        self._unsure: list[Rows] = [np.zeros(0, np.uint32)]

    def meet(self, block: Block) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which rows of a block surely score enough; remembers those that may."""
        over = block.approx - block.bound >= self._least
        self._unsure.append(block.rows[~over & (block.approx + block.bound >= self._most)])
        return over

    def unsure(self) -> Rows:
        """Those of the others that, as their vectors tell, do."""
        rows = np.concatenate(self._unsure)
        return selection.reaching(rows, exact_scores(self._look, rows), self._floor)[0]


def _places(rows: Rows, some: Rows) -> slice | np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Where `some` stand in `rows`, both ascending: nearly always in one piece."""
    start = int(np.searchsorted(rows, some[0]))
    span = slice(start, start + len(some))
    return span if np.array_equal(rows[span], some) else positions_in(rows, some)[0]


def _cosine_reaching(score_map: ScoreMap, floor: int) -> float:
    """A cosine so high that it and every higher one surely score `floor` or more."""
    cosine, step = score_map.cosine_below(floor), 1e-9
    while cosine < 1.0 and float(score_map.mapped(cosine)) * ONE < floor - 0.5 + 1e-6:
        cosine, step = cosine + step, step * 2
    return cosine if cosine < 1.0 else np.inf
