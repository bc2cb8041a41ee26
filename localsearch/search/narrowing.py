"""Which of many matching rows can be on a page at all, where concepts rank.

A score only grows with its parts, and no part is above 1: whoever has too little in one factor of
a product is out, whatever the others say; the best of several alternatives are among the best of
each. So most rows of common concepts are never looked up in all lists. It never gives a score.
Invariant: of the rows that match, those that are left hold the best `stop`, with 16-bit scores and
ties by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from localsearch.rows import Rows, RowSet, from_array, to_array
from localsearch.scores import ONE, quantise, value_of
from localsearch.search import matching
from localsearch.search.clauses.concept import index_of, threshold_of
from localsearch.search.plan import Node
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import And, Concept, Or
from localsearch.segments.listed import Listed

# Up to here scoring all costs no more than finding out which can be spared.
_FEW: Final = 2048
# Lists that are held while a search narrows products: 6 bytes a row each.
_LISTS: Final = 3
# Rows that are scored first, to know what the others must reach: one of so many, and at least.
_SHARE: Final = 16
_SAMPLE: Final = 512
# More than the roundings of a product of many factors add up to, far less than a step of 16 bits.
_SLACK: Final = 1e-9


def narrowed(snapshot: Snapshot, node: Node, matches: RowSet, universe: RowSet, stop: int) -> Rows:
    """Those of the rows that match (all of them) that may be among the best `stop`, ascending."""
    if len(matches) <= max(_FEW, 8 * stop):
        return to_array(matches)
    if not node.ranks:
        return to_array(matches)[:stop]  # all score 1
    if isinstance(node.term, And):
        return _by_product(snapshot, node, matches, universe, stop)
    if isinstance(node.term, Or):
        parts = [_branch(snapshot, each, universe, stop) for each in node.children]
        return np.unique(np.concatenate(parts))
    return to_array(matches)


def _by_product(
    snapshot: Snapshot, node: Node, matches: RowSet, universe: RowSet, stop: int
) -> Rows:
    """The best of some rows tell what all others must reach, in each factor: in one few do."""
    factors = [each for each in node.children if each.ranks]
    lists = _lists_of(snapshot, factors)
    rows = to_array(matches)
    # One stretch, which lies in one place of each list.
    some = rows[: max(len(rows) // _SHARE, _SAMPLE, 2 * stop)]
    scores = quantise(matching.values_of(snapshot, node, some, universe))
    needed = int(np.partition(scores, len(scores) - stop)[len(scores) - stop])
    bar = (needed - 0.5) / ONE - _SLACK
    # Who is in no list of a concept has 0 there: with a bar above 0 it goes by itself.
    least = int(bar * ONE)
    sizes = {factor: listed.count(least) for factor, listed in lists.items()}
    factors.sort(key=lambda factor: sizes.get(factor, factor.size))
    if least > 0 and sizes.get(factors[0], len(rows)) < len(rows):
        few = lists[factors[0]].reaching(least)
        rows, reach = few.rows, value_of(few.values)
    else:
        reach = matching.values_of(snapshot, factors[0], rows, universe)
    for factor in factors[1:]:
        reach = reach * matching.values_of(snapshot, factor, rows, universe)
        kept = np.flatnonzero(reach >= bar)
        rows, reach = rows[kept], reach[kept]
    return to_array(from_array(rows) & matches)


def _lists_of(snapshot: Snapshot, factors: Sequence[Node]) -> dict[Node, Listed]:
    """The shortest lists of a product's concepts, held for the rest of this search."""
    found, held = dict[Node, Listed](), snapshot.lists
    for factor in sorted(factors, key=lambda one: one.size):
        if isinstance(factor.term, Concept):
            index = index_of(snapshot, factor.term)
            if index not in held and len(held) < _LISTS:
                held[index] = snapshot.live.listed(index)
            if index in held:
                found[factor] = held[index]
    return found


def _branch(snapshot: Snapshot, node: Node, universe: RowSet, stop: int) -> Rows:
    """The rows that may be among the best `stop` of one alternative, ascending."""
    if isinstance(node.term, Concept):
        index, least = index_of(snapshot, node.term), threshold_of(node.term)
        return np.sort(snapshot.live.best(index, least, stop)[0])
    return narrowed(snapshot, node, matching.rows_of(snapshot, node, universe), universe, stop)
