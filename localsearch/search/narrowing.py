"""Which of many matching rows can be on a page at all, where concepts rank.

A score only grows with its parts, and no part is above 1: whoever has too little in one factor of
a product is out, whatever the others say; the best of several alternatives are among the best of
each. So most rows of common concepts are never looked up in all lists. It never gives a score.
Invariant: of the rows that match, those that are left hold the best `stop`, with 16-bit scores and
ties by row.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from localsearch.rows import Rows, RowSet, to_array
from localsearch.scores import ONE, quantise
from localsearch.search import matching
from localsearch.search.clauses.concept import index_of, threshold_of
from localsearch.search.plan import Node
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import And, Concept, Or

# Up to here scoring all costs no more than finding out which can be spared.
_FEW: Final = 2048
# Rows that are scored first, to know what the others must reach.
_SAMPLE: Final = 256
# More than the roundings of a product of many factors add up to, far less than a step of 16 bits.
_SLACK: Final = 1e-9


def narrowed(snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet, stop: int) -> Rows:
    """Those of the rows that match (all of them, ascending) that may be among the best `stop`."""
    if len(rows) <= max(_FEW, 8 * stop):
        return rows
    if not node.ranks:
        return rows[:stop]  # all score 1
    if isinstance(node.term, And):
        return _by_product(snapshot, node, rows, universe, stop)
    if isinstance(node.term, Or):
        parts = [_branch(snapshot, each, universe, stop) for each in node.children]
        return np.unique(np.concatenate(parts))
    return rows


def _by_product(snapshot: Snapshot, node: Node, rows: Rows, universe: RowSet, stop: int) -> Rows:
    """The rarest factor first; each next one is asked only for rows that can still make it."""
    first, *others = sorted((each for each in node.children if each.ranks), key=lambda n: n.size)
    reach = matching.values_of(snapshot, first, rows, universe)
    # Of one stretch of rows, which lie in few lists of a concept, those with most of the first.
    stretch = min(max(len(rows) // 8, 4 * stop, 2 * _SAMPLE), len(rows))
    place = stretch - min(max(2 * stop, _SAMPLE), stretch)
    best = np.sort(np.argpartition(reach[:stretch], place)[place:])
    scores = quantise(matching.values_of(snapshot, node, rows[best], universe))
    needed = int(np.partition(scores, len(scores) - stop)[len(scores) - stop])
    bar = (needed - 0.5) / ONE - _SLACK
    for factor in (None, *others):
        if factor is not None:
            reach = reach * matching.values_of(snapshot, factor, rows, universe)
        kept = np.flatnonzero(reach >= bar)
        rows, reach = rows[kept], reach[kept]
    return rows


def _branch(snapshot: Snapshot, node: Node, universe: RowSet, stop: int) -> Rows:
    """The rows that may be among the best `stop` of one alternative, ascending."""
    if isinstance(node.term, Concept):
        index, least = index_of(snapshot, node.term), threshold_of(node.term)
        return np.sort(snapshot.live.best(index, least, stop)[0])
    rows = to_array(matching.rows_of(snapshot, node, universe))
    return narrowed(snapshot, node, rows, universe, stop)
