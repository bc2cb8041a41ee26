"""Runs a tree over a snapshot and gives rows with scores, best first.

The walk, hop by hop: the tree -> `snapshot.universe_of` (which rows it speaks of) -> `plan.plan`
(pure; asks each clause for size and cost, and so looks every concept name up) -> one of three
rankings below:

- nothing ranks: `matching.rows_of`, in order of row, all scores 1;
- one visual leaf ranks: the filters first (`matching.all_rows`; nothing left: stop, no model is
  run), then `visual.best_scanned` over what they allow, or `visual.best_all` where that is less
  work;
- else: the set (`matching.rows_of`), the scores of its rows (`matching.values_of`), quantised
  once. A lone concept without filters takes both in one go from the postings.

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
from localsearch.scores import ONE, Quantised
from localsearch.search import matching, selection, visual
from localsearch.search.clauses.concept import index_of, threshold_of
from localsearch.search.plan import EXACT, SCAN, Plan, plan
from localsearch.search.snapshot import Snapshot, universe_of, vector_of
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
    if made.lone is not None and isinstance(made.lone.term, Like):
        return _by_likeness(snapshot, made, made.lone.term, universe, start, stop, floor)
    rows, found = _scored(snapshot, made, universe)
    rows, found = selection.reaching(rows, found, floor)
    ranked = selection.cut(rows, found, start, len(rows) if stop is None else stop)
    return Result(ranked, len(rows), start, made.route, made, universe)


def _scored(snapshot: Snapshot, made: Plan, universe: RowSet) -> tuple[Rows, Quantised]:
    """Every row that matches, with its score."""
    lone = made.lone
    if lone is not None and isinstance(lone.term, Concept) and not made.filters:
        index = index_of(snapshot, lone.term)
        return snapshot.live.top_values(index, threshold_of(lone.term))
    rows = to_array(matching.rows_of(snapshot, made.root, universe))
    if not made.root.ranks:
        return rows, np.full(len(rows), ONE, dtype=np.uint16)
    if not len(rows):
        return rows, np.zeros(0, dtype=np.uint16)
    return rows, scores.quantise(matching.values_of(snapshot, made.root, rows, universe))


def _by_likeness(
    snapshot: Snapshot,
    made: Plan,
    term: Like,
    universe: RowSet,
    start: int,
    stop: int | None,
    floor: int,
) -> Result:
    """The lone visual leaf; its own `min_score` is one more floor."""
    allowed = matching.all_rows(snapshot, made.filters, universe) & snapshot.live.rows
    if not allowed:
        nothing = Ranked(np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.uint16))
        return Result(nothing, 0, start, EXACT, made, universe)
    query, curve = vector_of(snapshot, term), snapshot.pack.visual
    floor = max(floor, scores.at_least(term.min_score or 0.0))
    end = len(allowed) if stop is None else stop
    if visual.worth_scanning(len(allowed), end):
        ranked, total = visual.best_scanned(
            snapshot.live, curve, query, allowed, floor=floor, start=start, stop=end
        )
        return Result(ranked, total, start, SCAN, made, universe)
    rows, found = visual.best_all(snapshot.live, curve, query, allowed, floor)
    ranked = selection.cut(rows, found, start, end)
    return Result(ranked, len(rows), start, EXACT, made, universe)


def _floor(min_score: float) -> int:
    if isinstance(min_score, bool) or not isinstance(min_score, int | float):
        raise InputError(f"min_score is a number from 0 to 1, not {min_score!r}")
    if not 0.0 <= min_score <= 1.0:
        raise InputError(f"min_score is a number from 0 to 1, not {min_score!r}")
    return scores.at_least(float(min_score))


def _whole(value: int, least: int, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} is a whole number from {least} on, not {value!r}")
