"""Likeness to one query vector by way of a graph: it proposes, every proposal is scored.

Never trusts a graph with more than a proposal: scores are those of every other route, dead and
filtered rows fall out, and rows that the graph does not cover are scanned.

Pages are cuts of one list, which does not depend on the page. It begins with the *head*: of what
the graph proposed and of the uncovered rows the best, as many as the graph proposed of the allowed
rows. After it come all other allowed rows, best first, exactly. So pages neither overlap nor leave
a row out, and a row that the graph missed leads what follows the head. Whether the graph answers
at all depends on the size of the pages, on the filters and on the graph, never on the page's
number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from localsearch.records import Ranked
from localsearch.rows import RowSet, from_array, to_array
from localsearch.search import selection, visual
from localsearch.search.visual import Look

if TYPE_CHECKING:
    from localsearch.search.snapshot import GraphView


def unfit(graph: GraphView, allowed: RowSet, limit: int) -> str:
    """Why a graph is not even asked for pages of `limit` of the allowed rows; "" if it is."""
    known = allowed.intersection_cardinality(graph.covered)
    if graph.window * known < limit * len(graph.covered) or not known:
        return f"of the {graph.window} that the graph finds, filters leave fewer than a page"
    return ""


def best(
    look: Look, graph: GraphView, allowed: RowSet, *, start: int, stop: int
) -> tuple[Ranked, int] | None:
    """The places [start:stop] among the allowed rows, and how many of them lie in the head.

    None where the graph proposes less than one page: it is of no use then. `allowed` holds rows
    with a vector only.
    """
    look.check()
    found = from_array(graph.nearest(look.query)) & allowed
    if len(found) < stop - start:
        return None
    size = len(found)
    if stop <= size:
        return _head(look, graph, allowed, found, start, stop), stop - start
    head = _head(look, graph, allowed, found, 0, size)
    rest, _ = visual.best(
        look, allowed - from_array(head.rows), floor=0, start=max(start - size, 0), stop=stop - size
    )
    rows, scores = head.rows[start:], head.scores[start:]
    joined = Ranked(np.concatenate([rows, rest.rows]), np.concatenate([scores, rest.scores]))
    return joined, len(rows)


def _head(
    look: Look, graph: GraphView, allowed: RowSet, found: RowSet, start: int, stop: int
) -> Ranked:
    """The places [start:stop] among what the graph has found and what it does not cover."""
    uncovered = allowed - graph.covered - found
    rows, scores = visual.best_scores(look, to_array(found), stop, others=uncovered)
    return selection.cut(rows, scores, start, stop)
