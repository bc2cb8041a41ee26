"""How a tree will be run: sizes, order and route. Pure: it asks no row and touches no disk.

`plan` is told what each leaf is expected to match and to cost and decides the route, once;
`cheapest_first` gives the order in which the parts of an AND are asked. A plan never changes what
a query means. `explain` shows a plan with what its run took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from localsearch.deferred import NamedTuple
from localsearch.search.terms import VISUAL, And, Concept, Not, Or, Term

POSTINGS: Final = "postings"  # ranked by probabilities out of the postings
SCAN: Final = "scan"  # visual terms rank: a scan proposes, then exact (if there are many rows)
GRAPH: Final = "graph"  # a lone visual term: a graph proposes, then exact
EXACT: Final = "exact"  # every allowed row is scored from its vector
CATALOG: Final = "catalog"  # nothing ranks: in order of row


class Estimate(NamedTuple):
    """What is known of a leaf before it is asked: how many rows, what cost (a small integer)."""

    size: int
    cost: int
    ranks: bool


class Node(NamedTuple):
    """A term with its estimate; `children` (of and, or, not) stand in the order of the text."""

    term: Term
    size: int
    cost: int
    ranks: bool
    children: tuple[Node, ...] = ()


class Plan(NamedTuple):
    """The tree, the route and, where only one leaf ranks, this leaf, which short ways exist for.

    `others` are the parts that the `lone` leaf is ANDed with: filters all of them.
    """

    root: Node
    route: str
    lone: Node | None = None
    others: tuple[Node, ...] = ()


def plan(tree: Term, estimate: Callable[[Term], Estimate], universe: int) -> Plan:
    """The plan of a tree over a universe of so many rows."""
    root = _node(tree, estimate, universe)
    if not root.ranks:
        return Plan(root, _filter_route(root))
    route = SCAN if _visual(root) else POSTINGS
    top = root.children if isinstance(tree, And) else (root,)
    ranking = [node for node in top if node.ranks]
    if len(ranking) > 1 or ranking[0].children:
        return Plan(root, route)
    return Plan(root, route, ranking[0], tuple(node for node in top if node is not ranking[0]))


def cheapest_first(nodes: Iterable[Node]) -> list[Node]:
    """The order in which the parts of an AND are asked: by cost, what it leaves, text order."""
    return sorted(nodes, key=lambda node: (node.cost, isinstance(node.term, Not), node.size))


def _node(term: Term, estimate: Callable[[Term], Estimate], universe: int) -> Node:
    if isinstance(term, Not):
        inner = _node(term.term, estimate, universe)
        return Node(term, max(universe - inner.size, 0), inner.cost, False, (inner,))
    if isinstance(term, And | Or):
        children = [_node(each, estimate, universe) for each in term.terms]
        sizes = [node.size for node in children]
        size = min(sizes) if isinstance(term, And) else min(sum(sizes), universe)
        cost = max(node.cost for node in children)
        return Node(term, size, cost, any(node.ranks for node in children), tuple(children))
    found = estimate(term)
    return Node(term, min(found.size, universe), found.cost, found.ranks)


def _visual(node: Node) -> bool:
    """Whether a visual leaf below adds to the score (one under a NOT does not)."""
    if not node.ranks:
        return False
    return isinstance(node.term, VISUAL) or any(_visual(child) for child in node.children)


def _filter_route(node: Node) -> str:
    if node.children:
        found = {_filter_route(child) for child in node.children}
        return POSTINGS if POSTINGS in found else CATALOG
    return POSTINGS if isinstance(node.term, Concept) else CATALOG
