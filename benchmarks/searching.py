"""Warm searches in one process, each against the bare arithmetic and rows that answer it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np

import localsearch as ls
from benchmarks.figures import Figure, Result, spread
from benchmarks.timing import in_turn, ratios, walls
from benchmarks.workspace import Stored, Workspace

LIMIT = 20
_QUERIES = 10  # pictures that are asked for in turn


def run(work: Workspace) -> Result:
    """On a store of the sample's size and on that of the tree."""
    figures: list[Figure] = []
    notes = []
    for stored in (work.some_stored, work.tree_stored):
        with ls.open(store=stored.store, read_only=True) as library:
            made, note = _measure(library, stored, work.sizes.quick_rounds)
        figures += made
        notes.append(note)
    return Result(tuple(figures), tuple(notes))


def _measure(library: ls.Library, stored: Stored, rounds: int) -> tuple[list[Figure], str]:
    rows = library.status().inputs
    common = commonest(library, rows)
    a, b, c, *_ = (ls.concept(name) for name, _ in common)
    without = ~ls.concept(common[3][0]) & ~ls.concept(common[4][0])
    ids = cycle([hit.id for hit in library.search(a, limit=_QUERIES)])
    bare = Bare(stored.store, rows)
    works: dict[str, Callable[[], object]] = {
        "bare page": bare.page,
        "concept": lambda: library.search(a, limit=LIMIT),
        "and": lambda: library.search(a & b & c, limit=LIMIT),
        "and not": lambda: library.search(a & without, limit=LIMIT),
        "bare product": bare.product,
        "like": lambda: library.search(ls.like(id=next(ids)), limit=LIMIT),
        "like and": lambda: library.search(ls.like(id=next(ids)) & a, limit=LIMIT),
    }
    runs = in_turn(works, rounds)
    shown = {
        "concept": ("one concept", "bare page"),
        "and": ("three, AND", "bare page"),
        "and not": ("three, AND NOT", "bare page"),
        "like": ("visual", "bare product"),
        "like and": ("visual AND concept", "bare product"),
    }
    figures = []
    for name, (words, against) in shown.items():
        title = f"{rows:,} rows: {words}, {LIMIT} hits"
        figures.append(spread(title, walls(runs[name], 1e3), "ms"))
        figures.append(spread(f"... over the {against}", ratios(runs[name], runs[against]), "x"))
    for name in ("bare page", "bare product"):
        figures.append(spread(f"{rows:,} rows: {name}", walls(runs[name], 1e3), "ms"))
    lists = ", ".join(f"{name} {total:,}" for name, total in common)
    return figures, f"{rows:,} rows, concepts asked for: {lists}"


def commonest(library: ls.Library, rows: int) -> list[tuple[str, int]]:
    """The three concepts with the longest lists, and two that a fifth of the photos show."""
    totals = [
        (one.name, library.search(ls.concept(one.id), limit=1).total) for one in library.concepts()
    ]
    longest = sorted(totals, key=lambda pair: -pair[1])[:3]
    middling = sorted(totals, key=lambda pair: abs(pair[1] - rows / 5))[:2]
    return longest + middling


class Bare:
    """What numpy and SQLite need at least, on arrays that lie in memory already."""

    def __init__(self, store: Path, rows: int) -> None:
        rng = np.random.default_rng(1)
        self._values = rng.integers(0, 65536, rows, dtype=np.uint16)
        self._vectors = rng.standard_normal((rows, 512), dtype=np.float32)
        self._query = rng.standard_normal(512, dtype=np.float32)
        self._catalog = sqlite3.connect(f"file:{store / 'catalog.sqlite'}?mode=ro", uri=True)

    def page(self) -> list[object]:
        """The best of one column, and their rows of the catalog."""
        return self._rows(self._values)

    def product(self) -> list[object]:
        """The best of all float32 products, and their rows of the catalog."""
        # Not `@`: its threads wait for each other longer than a small product takes.
        return self._rows(np.einsum("ij,j->i", self._vectors, self._query))

    def _rows(self, scores: np.ndarray[tuple[int], np.dtype[np.generic]]) -> list[object]:
        best = np.argpartition(scores, -LIMIT)[-LIMIT:]
        marks = ",".join(map(str, (best + 1).tolist()))
        return self._catalog.execute(f"SELECT * FROM inputs WHERE row IN ({marks})").fetchall()
