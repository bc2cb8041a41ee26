"""How well a graph finds: asked with sampled queries, and compared with an exact scan.

Never asks what a user asked. The queries are drawn from the graph's number, so that a measurement
can be repeated. Invariant: what counts is the score, so rows that are equally near count equally.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.deferred import dataclass
from localsearch.graph.files import Stopped
from localsearch.graph.vectors import units
from localsearch.rows import Rows, RowSet, to_array

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.graph import OpenGraph
    from localsearch.segments.live_set import LiveSet

Singles: TypeAlias = "npt.NDArray[np.float32]"

QUERIES: Final = 200
"""Enough to know a recall of 0.99 to about 0.002, and a second's work beside minutes."""

BEST: Final = 20
"""Recall is measured at the first page."""

ENOUGH: Final = 0.99
LADDER: Final = (100, 128, 192, 256, 384, 512)
"""The breadths (ef) that are tried; the first that finds enough is taken. None is below WINDOW,
which hnswlib would raise it to."""

WINDOW: Final = 100
"""Distinct vectors that a search asks for: five pages of 20, or one of 100."""

# An edited copy, and a picture of something like it: the length of the noise that is added.
_NEAR, _FAR = 0.25, 0.75
_BLOCK: Final = 4096
# Sums of 512 products in single precision, in two different orders.
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Recall:
    """The breadth chosen, the share of the best 20 found with it, over how many queries."""

    ef: int
    recall: float
    queries: int


def measure(
    graph: OpenGraph,
    live: LiveSet,
    seed: int,
    stop: Callable[[], bool],
    ladder: tuple[int, ...] = LADDER,
) -> Recall:
    """Try breadths until one finds enough, and leave the graph with the best. Raises Stopped."""
    rows = to_array(graph.covered & live.rows)
    graph.set_breadth(ladder[-1])
    asked = _queries(graph, live, rows, seed)
    lowest = _lowest_of_best(live, rows, asked, stop)
    found = Recall(ladder[-1], 0.0, len(asked))
    for breadth in ladder:
        graph.set_breadth(breadth)
        found = Recall(breadth, _found(graph, live, rows, asked, lowest, stop), len(asked))
        if found.recall >= ENOUGH:
            break
    return found


def _queries(graph: OpenGraph, live: LiveSet, rows: Rows, seed: int) -> Singles:
    """[Q, D] unit vectors: of each three one near a photo, one far, one between two neighbours."""
    rng = np.random.default_rng(seed)
    picked = rng.choice(rows, QUERIES)
    vectors = units(live.halves_of(picked))
    noise = units(rng.normal(size=vectors.shape))
    kinds = np.arange(len(vectors)) % 3
    lengths = np.choose(kinds, [_NEAR, _FAR, 0.0]).astype(np.float32)[:, None]
    others = vectors.copy()
    alive = graph.covered & live.rows
    for at in np.flatnonzero(kinds == 2):
        near = to_array(RowSet(graph.nearest(vectors[at])) & alive)
        if len(near):
            others[at] = units(live.halves_of(rng.choice(near, 1)))[0]
    return units(vectors + others + 2 * lengths * noise)


def _lowest_of_best(live: LiveSet, rows: Rows, asked: Singles, stop: Callable[[], bool]) -> Singles:
    """The score of the last of the best 20 of each query, among all rows. [Q]"""
    best = np.full((len(asked), BEST), -np.inf, np.float32)
    for vectors in _blocks(live, rows, stop):
        both = np.concatenate([best, asked @ vectors.T], axis=1)
        best = np.partition(both, -BEST, axis=1)[:, -BEST:]
    lowest: Singles = np.where(np.isfinite(best), best, np.inf).min(axis=1)
    return lowest


def _blocks(live: LiveSet, rows: Rows, stop: Callable[[], bool]) -> Iterator[Singles]:
    for start in range(0, len(rows), _BLOCK):
        if stop():
            raise Stopped("the recall is not measured to its end")
        yield units(live.halves_of(rows[start : start + _BLOCK]))


def _found(
    graph: OpenGraph,
    live: LiveSet,
    rows: Rows,
    asked: Singles,
    lowest: Singles,
    stop: Callable[[], bool],
) -> float:
    """The share of the best rows of all queries that are among what the graph proposes."""
    wanted, alive, hits = min(BEST, len(rows)), graph.covered & live.rows, 0
    for query, least in zip(asked, lowest, strict=True):
        if stop():
            raise Stopped("the recall is not measured to its end")
        near = to_array(RowSet(graph.nearest(query)) & alive)
        scores = units(live.halves_of(near)) @ query
        hits += min(wanted, int((scores >= least - _ROUNDING).sum()))
    return hits / (wanted * len(asked))
