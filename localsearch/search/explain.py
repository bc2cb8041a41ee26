"""How a query is run: every part with what was expected and found, what it took, and why.

Runs the search itself, with a trace in its snapshot; so what is told has happened. It never
changes what is found and never makes a hit.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from localsearch.records import Explained, Explanation
from localsearch.search.clauses import CLAUSES
from localsearch.search.clauses.clause import BITMAP, HELD, INDEXED, TABLE, VECTORS
from localsearch.search.plan import Node, cheapest_first
from localsearch.search.run import Result, run
from localsearch.search.snapshot import Measured, Snapshot
from localsearch.search.terms import VISUAL, And, Not, Or, Term
from localsearch.search.told import floors_and_concepts, left_out

_HOW: Final = {
    HELD: "held in memory",
    BITMAP: "postings",
    INDEXED: "catalog, by an index",
    TABLE: "catalog, every input",
    VECTORS: "vectors, those that reach its score",
}


def explain(
    snapshot: Snapshot, tree: Term, *, limit: int = 20, min_score: float = 0.0
) -> Explanation:
    """Run the first page of a query and tell how. Raises what `run` raises."""
    traced = replace(snapshot, trace={})
    begun = time.perf_counter()
    result = run(traced, tree, limit=limit, min_score=min_score)
    whole = Measured(result.total, time.perf_counter() - begun)
    assert traced.trace is not None
    # The root is known as a whole, also where a short way took its parts one by one.
    trace = {**traced.trace, tree: whole}
    return Explanation(
        tree=_explained(result, trace, result.plan.root),
        route=result.route,
        total=result.total,
        milliseconds=whole.seconds * 1000,
        notes=_notes(snapshot, result),
    )


def _explained(result: Result, trace: dict[Term, Measured], node: Node) -> Explained:
    took = trace.get(node.term)
    return Explained(
        term=str(node.term),
        estimate=node.size,
        rows=None if took is None else took.rows,
        milliseconds=None if took is None else took.seconds * 1000,
        note="not asked" if took is None else _note(result, node),
        children=tuple(_explained(result, trace, child) for child in node.children),
    )


def _note(result: Result, node: Node) -> str:
    if isinstance(node.term, Not):
        return "filters"
    does = "ranks" if node.ranks else "filters"
    if isinstance(node.term, And | Or):
        return f"{does}{_order(node)}"
    if isinstance(node.term, VISUAL) and node.ranks and node.term.min_score is None:
        return f"{does}: {result.route}"
    return f"{does}: {_HOW[CLAUSES[type(node.term)].cost(node.term)]}"


def _order(node: Node) -> str:
    """In which order the parts of an AND are asked, where it is not that of the text."""
    order = [node.children.index(each) + 1 for each in cheapest_first(node.children)]
    if isinstance(node.term, Or) or order == sorted(order):
        return ""
    return f", parts asked in the order {', '.join(map(str, order))}"


def _notes(snapshot: Snapshot, result: Result) -> tuple[str, ...]:
    live, graph = snapshot.live, snapshot.graph
    tree = result.plan.root.term
    notes = [f"{result.route}: {result.note}"] if result.note else []
    notes += [*left_out(snapshot, tree), *floors_and_concepts(snapshot, tree)]
    segments = "1 segment" if len(live.segments) == 1 else f"{len(live.segments)} segments"
    notes.append(
        f"{len(live.rows)} rows to find: {segments} and {len(live.tail.rows)} rows in the tail"
    )
    if graph is not None:
        notes.append(f"a graph of {len(graph.covered)} rows is loaded")
    return (*notes, *live.notes)
