"""What is asked of a synthetic store: common concepts in turn, and pictures that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

import localsearch as ls
from benchmarks.bare import LIMIT, Bare, Singles, exact_products
from localsearch.scores import Quantised

LISTS = 6
"""Common concepts that are asked for one after the other: none is remembered for the next."""

PICTURES = 64

T = TypeVar("T")
Picture = tuple[str, Singles]
Likeness = npt.NDArray[np.float32]


class InTurn(Generic[T]):
    """Items one after the other; a search and its bare call are asked the same one in a round."""

    def __init__(self, items: Sequence[T]) -> None:
        self._searched: Iterator[T] = cycle(items)
        self._bare: Iterator[T] = cycle(items)

    def for_search(self) -> T:
        """The next one of the search."""
        return next(self._searched)

    def for_bare(self) -> T:
        """The next one of the bare call."""
        return next(self._bare)


class Questions:
    """Chosen by how often each concept occurs, and pictures at random (seeded)."""

    def __init__(self, bare: Bare) -> None:
        self.bare = bare
        rows = len(bare.rows)
        self.common = [name for name, _ in bare.concepts[:LISTS]]
        self.fifth = [name for name, _ in _nearest(bare.concepts, rows / 5)[:2]]
        self.hundredth, self.hundredth_rows = _nearest(bare.concepts, rows / 100)[0]
        chosen = np.random.default_rng(7).choice(bare.rows, min(PICTURES, rows), replace=False)
        self.ids = bare.ids(chosen.tolist())
        self.vectors = np.stack([bare.vector(row) for row in chosen.tolist()])

    def __str__(self) -> str:
        counts = dict(self.bare.concepts)
        names = [*self.common, *self.fifth, self.hundredth]
        return ", ".join(f"{name} {counts[name]:,}" for name in names)

    def pictures(self) -> InTurn[Picture]:
        """Ids with their stored vectors."""
        return InTurn(list(zip(self.ids, self.vectors, strict=True)))

    def recall(self, library: ls.Library, exact: Likeness | None = None) -> float:
        """The mean share of the exact best that searches for the pictures give."""
        if exact is None:
            exact = exact_products(self.bare, self.vectors)
        place = {row: at for at, row in enumerate(self.bare.rows.tolist())}
        shares = []
        for id, likeness in zip(self.ids, exact, strict=True):
            page = library.search(ls.like(id=id), limit=LIMIT)
            found = [place[library.get(hit.id).row] for hit in page]
            # Searches rank by 16-bit scores: who has the same score is as good.
            shares.append(share_of_best(self.bare.visual.scores(likeness), np.array(found)))
        return float(np.mean(shares))


def share_of_best(values: Likeness | Quantised, found: npt.NDArray[np.integer]) -> float:
    """How many of those with the highest values stand at the places `found`.

    Equal counts as equal, to one step of a score: float32 sums may differ by less.
    """
    least = float(np.partition(values, -LIMIT)[-LIMIT])
    slack = 1 if values.dtype == np.uint16 else 1e-6
    return min(1.0, np.count_nonzero(values[found] >= least - slack) / LIMIT)


def _nearest(concepts: Sequence[tuple[str, int]], count: float) -> list[tuple[str, int]]:
    """Concepts that about so many rows show, the nearest first."""
    return sorted(concepts, key=lambda pair: abs(pair[1] - count))
