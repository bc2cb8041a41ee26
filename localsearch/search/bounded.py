"""Trees that several visual leaves rank, or one of them together with others: best first by bounds.

Scores only grow with their parts: a product with each factor, the larger of several with each of
them. So bounds of the leaves (a scan's, of a visual one) give bounds of the whole tree, and only
rows that may reach the page are scored. The result is that of scoring every row, to the last bit.
It never asks which rows match (`matching` does) and never scores a row itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.records import Ranked
from localsearch.rows import Rows, RowSet, from_array
from localsearch.scores import ONE, Floats, Quantised, larger, product, quantise
from localsearch.search import matching, selection, visual
from localsearch.search.plan import Node
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import VISUAL, And, Like, Or, Sum, Text

if TYPE_CHECKING:
    import numpy.typing as npt

# More than the roundings of a product of many factors add up to, far less than a step of 16 bits.
_SLACK: Final = 1e-9


def best_bounded(
    snapshot: Snapshot,
    root: Node,
    rows: Rows,
    universe: RowSet,
    *,
    floor: int,
    start: int,
    stop: int,
) -> tuple[Ranked, int]:
    """The places [start:stop] among rows that score `floor` or more, and the number of these.

    `rows` are all that match, ascending, and more than `stop`.
    """
    low, high = _bounds_of(snapshot, root, rows, universe)

    def scored(chosen: npt.NDArray[np.bool_], needed: int) -> tuple[Rows, Quantised]:
        some = rows[chosen]
        found = quantise(matching.values_of(snapshot, root, some, universe))
        return selection.reaching(some, found, needed)

    least, place = quantise(low - _SLACK), len(rows) - stop
    needed = max(int(np.partition(least, place)[place]), floor)
    total = len(rows)
    if floor > 0:
        sure = least >= floor
        total = int(np.count_nonzero(sure)) + len(scored(~sure & _reaches(high, floor), floor)[0])
    return selection.cut(*scored(_reaches(high, needed), needed), start, stop), total


def _reaches(high: Floats, needed: int) -> npt.NDArray[np.bool_]:
    """Whether scores of at most `high` may be `needed` or more when they are quantised."""
    return high + _SLACK >= (needed - 0.5) / ONE


def _bounds_of(
    snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet
) -> tuple[Floats, Floats]:
    """Between which scores the score of each matching row (ascending) lies, float64 [n] each."""
    if node.ranks and isinstance(node.term, And):
        parts = [_bounds_of(snapshot, each, rows, universe) for each in node.children if each.ranks]
        return product([low for low, _ in parts]), product([high for _, high in parts])
    if node.ranks and isinstance(node.term, Or):
        parts = [_branch(snapshot, each, rows, universe) for each in node.children]
        return larger([low for low, _ in parts]), larger([high for _, high in parts])
    if isinstance(node.term, VISUAL):
        return _leaf(snapshot, node.term, rows)
    exact = matching.values_of(snapshot, node, rows, universe)
    return exact, exact


def _leaf(snapshot: Snapshot, term: Like | Text | Sum, rows: Rows) -> tuple[Floats, Floats]:
    with matching.measured(snapshot, term):
        return visual.bounds(visual.look_of(snapshot, term), from_array(rows))


def _branch(snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet) -> tuple[Floats, Floats]:
    """What one branch of an OR gives: none (0) to rows that it does not match."""
    low, high = np.zeros(len(rows)), np.zeros(len(rows))
    matches = matching.matches(snapshot, node, rows, universe)
    low[matches], high[matches] = _bounds_of(snapshot, node, rows[matches], universe)
    return low, high
