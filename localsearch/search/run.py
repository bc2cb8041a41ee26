"""Runs a tree over a snapshot and gives rows with scores, best first.

The walk, hop by hop: the tree -> `snapshot.universe_of` (which rows it speaks of) -> `plan.plan`
(pure; asks each clause for size and cost, and so looks every concept name up) -> one of three
rankings below:

- one visual leaf, alone or multiplied with others: the other parts first (`matching.all_rows`);
  then `visual.best_scanned` or `visual.best_product` over these, if they are many, else all of
  them are scored;
- a lone concept without filters: rows and values in one go from the postings;
- else the set (`matching.rows_of`; if it is empty no model is run), the scores of its rows
  (`matching.values_of`; 1 where nothing ranks), quantised once.

-> `selection.cut`, a partial sort. The catalog is asked for filters only; `page` asks it for the
rows of one page. Never builds a hit, never writes. Invariant: whatever the route, rows and scores
are those of the oracle in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from localsearch import scores
from localsearch.errors import InputError
from localsearch.records import Ranked, Why
from localsearch.rows import Rows, RowSet, to_array
from localsearch.scores import Quantised
from localsearch.search import matching, selection, visual
from localsearch.search.clauses.concept import index_of, threshold_of
from localsearch.search.plan import EXACT, SCAN, Node, Plan, plan
from localsearch.search.snapshot import Snapshot, remember_values, universe_of, vector_of
from localsearch.search.terms import Concept, Like, Term


@dataclass(frozen=True, slots=True)
class Result:
    """A cut of the ranked list. `total` counts the whole list: rows that pass filters, floors and
    `min_score`, so that paging through it meets just so many hits.
    """

    ranked: Ranked
    total: int
    offset: int
    route: str
    plan: Plan
    universe: RowSet


def run(
    snapshot: Snapshot,
    tree: Term,
    *,
    limit: int,
    offset: int = 0,
    min_score: float = 0.0,
) -> Result:
    """The `limit` hits after the first `offset`. Any size is fine; past the end it is empty.

    Raises InputError (limit < 1, offset < 0, min_score outside [0, 1]), QueryUnknownConcept,
    and what the snapshot's `query_vector` raises.
    """
    _whole(limit, 1, "limit")
    _whole(offset, 0, "offset")
    return _run(snapshot, tree, offset, offset + limit, _floor(min_score))


def run_all(snapshot: Snapshot, tree: Term, *, min_score: float = 0.0) -> Result:
    """The whole ranked list: 6 bytes a hit. It outlives the transaction of the snapshot."""
    return _run(snapshot, tree, 0, None, _floor(min_score))


def chunks(ranked: Ranked, size: int = 256) -> Iterator[Ranked]:
    """A ranked list in pieces, in order: what a scan makes hits of, one piece after another."""
    for start in range(0, len(ranked.rows), size):
        part = slice(start, start + size)
        yield Ranked(ranked.rows[part], ranked.scores[part])


def reasons_of(snapshot: Snapshot, result: Result, rows: Rows) -> list[tuple[Why, ...]]:
    """Why each of some rows of a result is a hit: see `matching.reasons_of`."""
    like_route = SCAN if result.route == SCAN else EXACT
    return matching.reasons_of(snapshot, result.plan.root, rows, result.universe, like_route)


def _run(snapshot: Snapshot, tree: Term, start: int, stop: int | None, floor: int) -> Result:
    if not isinstance(tree, Term):
        raise InputError(f"not a term: {tree!r}", hint="a text becomes one by parse(text)")
    universe = universe_of(snapshot, tree)
    made = plan(tree, lambda leaf: matching.estimate_of(snapshot, leaf), len(universe))
    ask = _Ask(snapshot, made, universe, start, stop, floor)
    if made.lone is not None and isinstance(made.lone.term, Like):
        return _by_likeness(ask, made.lone.term)
    return _by_scores(ask)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One search, planned; `stop` None: to the end; `floor` is the 16-bit `min_score`."""

    snapshot: Snapshot
    plan: Plan
    universe: RowSet
    start: int
    stop: int | None
    floor: int

    def result(self, ranked: Ranked, total: int, route: str) -> Result:
        return Result(ranked, total, self.start, route, self.plan, self.universe)

    def end(self, count: int) -> int:
        return count if self.stop is None else self.stop


def _by_scores(ask: _Ask) -> Result:
    """Every row that matches is scored."""
    rows, found = selection.reaching(*_scored(ask), ask.floor)
    ranked = selection.cut(rows, found, ask.start, ask.end(len(rows)))
    return ask.result(ranked, len(rows), EXACT if ask.plan.route == SCAN else ask.plan.route)


def _scored(ask: _Ask) -> tuple[Rows, Quantised]:
    """Every row that matches, with its score."""
    snapshot, root, lone = ask.snapshot, ask.plan.root, ask.plan.lone
    if lone is not None and isinstance(lone.term, Concept) and not ask.plan.others:
        index = index_of(snapshot, lone.term)
        rows, found = snapshot.live.top_values(index, threshold_of(lone.term))
        remember_values(snapshot, lone.term, rows, scores.value_of(found))
        return rows, found
    rows = to_array(matching.rows_of(snapshot, root, ask.universe))
    if not len(rows):  # ask no clause for values: the vector of a picture may be dear
        return rows, np.zeros(0, dtype=np.uint16)
    return rows, scores.quantise(matching.values_of(snapshot, root, rows, ask.universe))


def _by_likeness(ask: _Ask, term: Like) -> Result:
    """One visual leaf, alone or multiplied: scanned if what the other parts leave is much."""
    snapshot, ranking = ask.snapshot, [node for node in ask.plan.others if node.ranks]
    allowed = matching.all_rows(snapshot, ask.plan.others, ask.universe) & snapshot.live.rows
    scanning = visual.worth_scanning(len(allowed), ask.end(len(allowed)))
    if not allowed or (ranking and not scanning):
        return _by_scores(ask)
    if ranking:
        return _by_product(ask, term, allowed, ranking)
    floor = max(ask.floor, scores.at_least(term.min_score or 0.0))
    return (_scanned if scanning else _unscanned)(ask, term, allowed, floor)


def _by_product(ask: _Ask, term: Like, allowed: RowSet, ranking: list[Node]) -> Result:
    snapshot, rows = ask.snapshot, to_array(allowed)
    ranked, total = visual.best_product(
        snapshot.live,
        snapshot.pack.visual,
        vector_of(snapshot, term),
        rows,
        [matching.values_of(snapshot, node, rows, ask.universe) for node in ranking],
        floor=ask.floor,
        start=ask.start,
        stop=ask.end(len(rows)),
    )
    return ask.result(ranked, total, SCAN)


def _scanned(ask: _Ask, term: Like, allowed: RowSet, floor: int) -> Result:
    snapshot = ask.snapshot
    ranked, total = visual.best_scanned(
        snapshot.live,
        snapshot.pack.visual,
        vector_of(snapshot, term),
        allowed,
        floor=floor,
        start=ask.start,
        stop=ask.end(len(allowed)),
    )
    order = np.argsort(ranked.rows)
    values = scores.value_of(ranked.scores)
    remember_values(snapshot, term, ranked.rows[order], values[order])
    return ask.result(ranked, total, SCAN)


def _unscanned(ask: _Ask, term: Like, allowed: RowSet, floor: int) -> Result:
    snapshot = ask.snapshot
    query = vector_of(snapshot, term)
    rows, found = visual.best_all(snapshot.live, snapshot.pack.visual, query, allowed, floor)
    remember_values(snapshot, term, rows, scores.value_of(found))
    ranked = selection.cut(rows, found, ask.start, ask.end(len(rows)))
    return ask.result(ranked, len(rows), EXACT)


def _floor(min_score: float) -> int:
    if isinstance(min_score, bool) or not isinstance(min_score, int | float):
        raise InputError(f"min_score is a number from 0 to 1, not {min_score!r}")
    if not 0.0 <= min_score <= 1.0:
        raise InputError(f"min_score is a number from 0 to 1, not {min_score!r}")
    return scores.at_least(float(min_score))


def _whole(value: int, least: int, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} is a whole number from {least} on, not {value!r}")
