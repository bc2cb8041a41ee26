"""What a planned tree means: its rows, its scores, its reasons.

Sets follow set algebra within the universe; scores follow section 4 of the design (product,
larger, filters 1). This room never orders hits and never decides a route.
Invariant: `values_of` is asked only for rows that `rows_of` holds, in ascending order.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.records import Why
from localsearch.rows import Rows, RowSet, to_array
from localsearch.scores import Floats, larger, product
from localsearch.search.clauses import CLAUSES
from localsearch.search.clauses.clause import BITMAP, VECTORS
from localsearch.search.plan import CATALOG, EXACT, POSTINGS, Estimate, Node, cheapest_first
from localsearch.search.snapshot import Measured, Snapshot, known_values, remember_values
from localsearch.search.terms import VISUAL, And, Not, Or, Term, leaves_of

if TYPE_CHECKING:
    import numpy.typing as npt

# Up to here asking the bitmap row by row (0.1 us each) beats writing out a table of all rows.
_FEW: Final = 512


def estimate_of(snapshot: Snapshot, leaf: Term) -> Estimate:
    """What the planner is told of a leaf. Looks names up: QueryUnknownConcept comes from here."""
    clause = CLAUSES[type(leaf)]
    return Estimate(clause.size(snapshot, leaf), clause.cost(leaf), clause.values is not None)


def rows_of(snapshot: Snapshot, node: Node, universe: RowSet) -> RowSet:
    """The rows of the universe that match. Stops asking as soon as nothing can match any more."""
    with measured(snapshot, node.term) as took:
        found = _rows_of(snapshot, node, universe)
        took.rows = len(found)
    return found


def _rows_of(snapshot: Snapshot, node: Node, universe: RowSet) -> RowSet:
    if isinstance(node.term, And):
        return all_rows(snapshot, node.children, universe)
    if isinstance(node.term, Or):
        return RowSet.union(*(rows_of(snapshot, each, universe) for each in node.children))
    if isinstance(node.term, Not):
        return universe - rows_of(snapshot, node.children[0], universe)
    return _leaf_rows(snapshot, node.term) & universe


def all_rows(snapshot: Snapshot, nodes: Iterable[Node], universe: RowSet) -> RowSet:
    """The rows that match each of several nodes, cheapest first; the universe if there is none."""
    found = universe
    for node in cheapest_first(nodes):
        if not found:
            break
        found = found & rows_of(snapshot, node, universe)
    return found


def values_of(snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet) -> Floats:
    """The scores of matching rows (ascending), float64 [n], before the last quantising."""
    if not node.ranks:
        return np.ones(len(rows))
    with measured(snapshot, node.term):
        return _values_of(snapshot, node, rows, universe)


def _values_of(snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet) -> Floats:
    if isinstance(node.term, And):
        ranking = [each for each in node.children if each.ranks]
        return product([values_of(snapshot, each, rows, universe) for each in ranking])
    if isinstance(node.term, Or):
        return larger([_branch(snapshot, each, rows, universe) for each in node.children])
    return _leaf_values(snapshot, node.term, rows)


@contextmanager
def _measuring(trace: dict[Term, Measured], term: Term) -> Iterator[Measured]:
    took, begun = trace.setdefault(term, Measured()), time.perf_counter()
    try:
        yield took
    finally:
        took.seconds += time.perf_counter() - begun


def measured(snapshot: Snapshot, term: Term) -> AbstractContextManager[Measured]:
    """A block of work for one term, whose time goes into the trace of the snapshot, if any."""
    if snapshot.trace is None:
        return nullcontext(Measured())
    return _measuring(snapshot.trace, term)


def reasons_of(
    snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet, like_route: str
) -> list[tuple[Why, ...]]:
    """For each row that matches, the leaves that made it a hit, in the order of the text.

    A NOT stands as one of them, with score 1. `like_route` names how visual leaves were found.
    """
    reasons: list[list[Why]] = [[] for _ in range(len(rows))]
    ask = _Reasons(snapshot, rows, universe, like_route, reasons)
    _collect(ask, node, np.argsort(rows))  # all of them match the whole
    return [tuple(each) for each in reasons]


class _Reasons(NamedTuple):
    snapshot: Snapshot
    rows: Rows
    universe: RowSet
    like_route: str
    found: list[list[Why]]


def _collect(ask: _Reasons, node: Node, places: npt.NDArray[np.intp]) -> None:
    """Adds the reasons that one part of the tree gives rows (at `places`) which match it."""
    rows = ask.rows[places]
    if not len(rows):
        return
    if isinstance(node.term, And | Or):
        for child in node.children:
            _collect(ask, child, _matching_places(ask, node, child, places))
        return
    text = str(node.term)
    scores = values_of(ask.snapshot, node, rows, ask.universe).tolist()
    for place, score, route in zip(places, scores, _routes(ask, node, rows), strict=True):
        ask.found[place].append(Why(text, score, route))
    also = None if isinstance(node.term, Not) else CLAUSES[type(node.term)].also
    if also is not None:
        for place, reasons in zip(places, also(ask.snapshot, node.term, rows), strict=True):
            ask.found[place] += reasons


def _matching_places(
    ask: _Reasons, node: Node, child: Node, places: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """The rows of an OR that match one of its branches; those of an AND match all."""
    if isinstance(node.term, And):
        return places
    return places[matches(ask.snapshot, child, ask.rows[places], ask.universe)]


def _routes(ask: _Reasons, node: Node, rows: Rows) -> Sequence[str]:
    if isinstance(node.term, Not):
        inner = {CLAUSES[type(leaf)].cost(leaf) for leaf in leaves_of(node.term)}
        word = EXACT if VECTORS in inner else POSTINGS if inner == {BITMAP} else CATALOG
        return [word] * len(rows)
    if isinstance(node.term, VISUAL):
        return [ask.like_route] * len(rows)
    return CLAUSES[type(node.term)].routes(ask.snapshot, node.term, rows)


def _leaf_rows(snapshot: Snapshot, leaf: Term) -> RowSet:
    if leaf not in snapshot.sets:
        snapshot.check()
        snapshot.sets[leaf] = CLAUSES[type(leaf)].rows(snapshot, leaf)
    return snapshot.sets[leaf]


def _leaf_values(snapshot: Snapshot, leaf: Term, rows: Rows) -> Floats:
    known = known_values(snapshot, leaf, rows)
    if known is not None:
        return known
    values = CLAUSES[type(leaf)].values
    assert values is not None  # `ranks` of a leaf says just this
    snapshot.check()
    found = values(snapshot, leaf, rows)
    remember_values(snapshot, leaf, rows, found)
    return found


def matches(snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet) -> npt.NDArray[np.bool_]:
    """Which of some rows (ascending) match a part of the tree."""
    found = rows_of(snapshot, node, universe)
    if len(rows) <= _FEW:
        return np.fromiter((row in found for row in rows.tolist()), np.bool_, len(rows))
    table = np.zeros(int(rows[-1]) + 1, dtype=np.bool_)
    held = to_array(found)
    table[held[held < len(table)]] = True
    return table[rows]


def _branch(snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet) -> Floats:
    """The score that one branch of an OR gives: none (0) to rows that it does not match."""
    found = np.zeros(len(rows))
    matching = matches(snapshot, node, rows, universe)
    found[matching] = values_of(snapshot, node, rows[matching], universe)
    return found
