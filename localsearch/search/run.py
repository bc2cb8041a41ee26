"""Runs a tree over a snapshot and gives rows with scores, best first.

The walk, hop by hop: the tree -> `snapshot.universe_of` (which rows it speaks of) -> `plan.plan`
(pure; asks each clause for size and cost, and so looks every concept name up) -> one of four
rankings below:

- one visual leaf with filters: these first (`matching.all_rows`); then `by_graph.best` if there is
  a graph that fits, else `visual.best`, which scans where there are many rows;
- a lone concept without filters: the highest values straight from the postings;
- visual leaves together with others that rank: the set (`matching.rows_of`; if it is empty no
  model is run), then `bounded.best_bounded` if it is large;
- else the set, of many rows those that may be on the page (`narrowing.narrowed`), their scores
  (`matching.values_of`; 1 where nothing ranks), quantised once.

-> `selection.cut`, a partial sort. The catalog is asked for filters only; `page` asks it for the
rows of one page. Never builds a hit, never writes. Invariant: whatever the route, scores are those
of the oracle in the tests; so are rows and their order, but for what a graph has missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from localsearch import scores
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError
from localsearch.later import Later
from localsearch.records import Ranked, Why
from localsearch.rows import Rows, RowSet, to_array
from localsearch.search import matching, selection
from localsearch.search.clauses.concept import index_of, threshold_of
from localsearch.search.narrowing import narrowed
from localsearch.search.plan import EXACT, GRAPH, POSTINGS, SCAN, Plan, plan
from localsearch.search.snapshot import Snapshot, remember_values, universe_of
from localsearch.search.terms import VISUAL, Concept, Like, Sum, Term, Text

if TYPE_CHECKING:
    from localsearch.search import bounded, by_graph, floor, visual
    from localsearch.search.visual import Look
else:
    bounded = Later("localsearch.search.bounded")
    by_graph = Later("localsearch.search.by_graph")
    floor = Later("localsearch.search.floor")
    visual = Later("localsearch.search.visual")


class Result(NamedTuple):
    """A cut of the ranked list. `total` counts the whole list: rows that pass filters, floors and
    `min_score`, so that paging through it meets just so many hits. `note` says why this route.
    """

    ranked: Ranked
    total: int
    offset: int
    route: str
    plan: Plan
    universe: RowSet
    note: str = ""


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
    QueryNoText, what the snapshot's `query_vector` raises and what its `check` does.
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
    like_route = result.route if result.route in (SCAN, GRAPH) else EXACT
    return matching.reasons_of(snapshot, result.plan.root, rows, result.universe, like_route)


def _run(snapshot: Snapshot, tree: Term, start: int, stop: int | None, floor: int) -> Result:
    if not isinstance(tree, Term):
        raise InputError(f"not a term: {tree!r}", hint="a text becomes one by parse(text)")
    universe = universe_of(snapshot, tree)
    made = plan(tree, lambda leaf: matching.estimate_of(snapshot, leaf), len(universe))
    ask = _Ask(snapshot, made, universe, start, stop, floor)
    leaf = None if made.lone is None else made.lone.term
    if isinstance(leaf, VISUAL):
        return _by_likeness(ask, leaf)
    if isinstance(leaf, Concept) and not made.others and stop is not None:
        return _by_concept(ask, leaf, stop)
    return _by_scores(ask)


class _Ask(NamedTuple):
    """One search, planned; `stop` None: to the end; `floor` is the 16-bit `min_score`."""

    snapshot: Snapshot
    plan: Plan
    universe: RowSet
    start: int
    stop: int | None
    floor: int

    def result(self, ranked: Ranked, total: int, route: str, note: str = "") -> Result:
        return Result(ranked, total, self.start, route, self.plan, self.universe, note)

    def end(self, count: int) -> int:
        return count if self.stop is None else self.stop


def _by_scores(ask: _Ask) -> Result:
    """Rows that match, ranked by whatever ranks them; with visual leaves by bounds, if many."""
    snapshot, root = ask.snapshot, ask.plan.root
    found = matching.rows_of(snapshot, root, ask.universe)
    if not found:  # ask no clause for values: the vector of a picture may be dear
        route = EXACT if ask.plan.route == SCAN else ask.plan.route
        return ask.result(
            Ranked(to_array(found), np.zeros(0, np.uint16)), 0, route, "nothing matches"
        )
    total = len(found)
    stop = ask.end(total)
    if ask.plan.route == POSTINGS and ask.floor <= 0:
        rows = narrowed(snapshot, root, found, ask.universe, stop)
    else:
        rows = to_array(found)
    if ask.plan.route == SCAN:
        if visual.worth_scanning(total, stop):
            ranked, total = bounded.best_bounded(
                *(snapshot, root, rows, ask.universe), floor=ask.floor, start=ask.start, stop=stop
            )
            return ask.result(ranked, total, SCAN, "more than one part ranks")
        route, note = EXACT, "few rows, or a deep page: each is scored"
    else:
        route, note = ask.plan.route, ""
    values = scores.quantise(matching.values_of(snapshot, root, rows, ask.universe))
    if ask.floor > 0:
        rows, values = selection.reaching(rows, values, ask.floor)
        total = len(rows)
    return ask.result(selection.cut(rows, values, ask.start, stop), total, route, note)


def _by_concept(ask: _Ask, term: Concept, stop: int) -> Result:
    snapshot = ask.snapshot
    snapshot.check()
    with matching.measured(snapshot, term) as took:
        least = max(threshold_of(term), ask.floor)
        rows, found, total = snapshot.live.best(index_of(snapshot, term), least, stop)
        took.rows = total
    ranked = selection.cut(rows, found, ask.start, stop)
    _remember(snapshot, term, ranked)
    return ask.result(ranked, total, ask.plan.route)


def _by_likeness(ask: _Ask, term: Like | Text | Sum) -> Result:
    """One visual leaf with filters: these first; then a graph, a scan or every row."""
    snapshot = ask.snapshot
    allowed = matching.all_rows(snapshot, ask.plan.others, ask.universe) & snapshot.live.rows
    if not allowed:  # the vector of a picture may be dear
        return _by_scores(ask)
    with matching.measured(snapshot, term) as took:
        look = visual.look_of(snapshot, term)
        least = max(ask.floor, floor.floor_of(snapshot, term))
        result = _by_graph(ask, look, allowed, least)
        if not isinstance(result, Result):
            result = _without_graph(ask, look, allowed, least, result)
        took.rows = result.total
    _remember(snapshot, term, result.ranked)
    return result


def _by_graph(ask: _Ask, look: Look, allowed: RowSet, floor: int) -> Result | str:
    """The result, or why the graph does not give it. Never depends on the number of the page."""
    graph = ask.snapshot.graph
    if ask.stop is None:
        return "the whole list is asked for"
    if look.lift is not None:
        return "concepts that the text names are ranked by too"
    if floor > 0:
        return "a lowest score is asked for, or a text has a floor"
    if graph is None:
        return "no graph is loaded"
    why = by_graph.unfit(graph, allowed, ask.stop - ask.start)
    found = None if why else by_graph.best(look, graph, allowed, start=ask.start, stop=ask.stop)
    if found is None:
        return why or "the graph finds fewer than a page of the allowed rows"
    ranked, proposed = found
    note = f"{proposed} of {len(ranked.rows)} from the graph, whose window is {graph.window}"
    return ask.result(ranked, len(allowed), GRAPH, note)


def _without_graph(ask: _Ask, look: Look, allowed: RowSet, floor: int, note: str) -> Result:
    stop = ask.end(len(allowed))
    route = SCAN if visual.worth_scanning(len(allowed), stop) else EXACT
    ranked, total = visual.best(look, allowed, floor=floor, start=ask.start, stop=stop)
    return ask.result(ranked, total, route, note)


def _remember(snapshot: Snapshot, term: Term, ranked: Ranked) -> None:
    """What a short way has found of a leaf is known when reasons are asked for."""
    order = np.argsort(ranked.rows)
    remember_values(snapshot, term, ranked.rows[order], scores.value_of(ranked.scores)[order])


def _floor(min_score: float) -> int:
    if isinstance(min_score, bool) or not isinstance(min_score, int | float):
        raise InputError(f"min_score is a number from 0 to 1, not {min_score!r}")
    if not 0.0 <= min_score <= 1.0:
        raise InputError(f"min_score is a number from 0 to 1, not {min_score!r}")
    return scores.at_least(float(min_score))


def _whole(value: int, least: int, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} is a whole number from {least} on, not {value!r}")
