"""The bare call of each route, on what a store holds, laid out in memory as it suits that call.

The postings' route is sets of pyroaring and arrays of numpy, the scan's one int8 product of
numkong, the graph's one call of hnswlib. No catalog, no snapshot, no tree, no hits, no exact
score where an approximate one ranks: what remains when all that the house adds is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from localsearch.catalog import input_reads, open_catalog
from localsearch.catalog import packs as pack_rows
from localsearch.catalog.features import open_features
from localsearch.matrix.coding import Coded, coded
from localsearch.matrix.scan import fast_body
from localsearch.pack import Pack, load_pack
from localsearch.rows import RowSet, from_array, to_array
from localsearch.scores import ScoreMap
from localsearch.segments.live import LiveSet, advance

LIMIT = 20
_BLOCK = 8192

Rows = npt.NDArray[np.uint32]
Values = npt.NDArray[np.uint16]
Singles = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Listed:
    """One concept: which rows show it, and how much each does (rows ascending)."""

    bitmap: RowSet
    rows: Rows
    values: Values

    def of(self, rows: Rows) -> Values:
        """The values of some of its rows, ascending."""
        if not len(rows) or len(rows) < len(self.rows) >> 4:
            return self.values[np.searchsorted(self.rows, rows)]
        wanted = np.zeros(int(self.rows[-1]) + 1, np.bool_)
        wanted[rows] = True
        return self.values[wanted[self.rows]]


class Bare:
    """What a store's segments hold, in arrays. `concepts` are (name, rows that show it)."""

    def __init__(self, store: Path) -> None:
        self.store = store
        live, pack = _held(store)
        names = pack.vocabulary.names
        self.live: LiveSet = live
        self.visual: ScoreMap = pack.visual
        self.rows: Rows = to_array(live.rows)
        self._index = {name: index for index, name in enumerate(names)}
        counts = [(live.count(index), name) for index, name in enumerate(names)]
        self.concepts = [(name, count) for count, name in sorted(counts, reverse=True)]
        self._lists: dict[str, Listed] = {}

    def listed(self, name: str) -> Listed:
        """The list of a concept, read once."""
        if name not in self._lists:
            index = self._index[name]
            rows, values = self.live.listed(index)
            self._lists[name] = Listed(from_array(rows), rows, values)
        return self._lists[name]

    @cached_property
    def codes(self) -> Coded:
        """All vectors as int8, in the order of `rows`."""
        parts = [
            coded(self.live.halves_of(self.rows[start : start + _BLOCK]))
            for start in range(0, len(self.rows), _BLOCK)
        ]
        return Coded(
            np.concatenate([part.codes for part in parts]),
            np.concatenate([part.scales for part in parts]),
            np.concatenate([part.errors for part in parts]),
        )

    def vector(self, row: int) -> Singles:
        """The stored vector of a row."""
        (halves,) = self.live.halves_of(np.array([row], np.uint32))
        return np.asarray(halves, np.float32)

    def ids(self, rows: list[int]) -> list[str]:
        """The public ids of rows, in their order."""
        catalog = open_catalog(self.store, read_only=True)
        try:
            with catalog.reading() as conn:
                return [one.id for one in input_reads.by_rows(conn, rows)]
        finally:
            catalog.close()

    # --- the calls ---

    def concept(self, name: str) -> Rows:
        """The best of one list."""
        listed = self.listed(name)
        return listed.rows[_best(listed.values)]

    def all_of(self, names: tuple[str, ...]) -> Rows:
        """The best of the rows that are in each list, by the product of their values."""
        lists = [self.listed(name) for name in names]
        rows = to_array(RowSet.intersection(*(each.bitmap for each in lists)))
        scores = np.ones(len(rows))
        for each in lists:
            scores *= each.of(rows)
        return rows[_best(scores)]

    def without(self, name: str, others: tuple[str, ...]) -> Rows:
        """The best of a list among the rows that are in none of the others."""
        listed = self.listed(name)
        rows = to_array(listed.bitmap.difference(*(self.listed(one).bitmap for one in others)))
        return rows[_best(listed.of(rows))]

    def scan(self, query: Singles) -> Rows:
        """The best of all int8 products."""
        asked = coded(query[None, :])
        return self.rows[_best(fast_body()(self.codes.codes, asked.codes) * self.codes.scales)]

    def scan_with(self, query: Singles, name: str) -> Rows:
        """The best of one list by value times likeness: int8 products of its rows only."""
        listed = self.listed(name)
        places = np.searchsorted(self.rows, listed.rows)
        asked = coded(query[None, :])
        scores = fast_body()(self.codes.codes[places], asked.codes) * self.codes.scales[places]
        return listed.rows[_best(scores * float(asked.scales[0]) * listed.values)]


class BareGraph:
    """hnswlib on the file of a store's graph."""

    def __init__(self, file: Path, dimensions: int, ef: int) -> None:
        import hnswlib

        self.index: Any = hnswlib.Index(space="ip", dim=dimensions)
        self.index.load_index(str(file))
        self.index.set_ef(ef)

    def nearest(self, query: Singles, window: int) -> Rows:
        """One call: the labels of the `window` best."""
        labels, _ = self.index.knn_query(query, k=window, num_threads=1)
        return np.asarray(labels[0], np.uint32)


def exact_products(bare: Bare, queries: Singles) -> npt.NDArray[np.float32]:
    """Float32 cosines [queries, rows] of stored vectors, by plain products a block at a time."""
    found = np.empty((len(queries), len(bare.rows)), np.float32)
    units = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    for start in range(0, len(bare.rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        wide = bare.live.halves_of(bare.rows[part]).astype(np.float32)
        wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
        found[:, part] = units @ wide.T
    return found


def _best(scores: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Positions of the highest, best first."""
    if len(scores) > LIMIT:
        some = np.argpartition(scores, len(scores) - LIMIT)[-LIMIT:]
        return some[np.argsort(scores[some])[::-1]]
    return np.argsort(scores)[::-1]


def _held(store: Path) -> tuple[LiveSet, Pack]:
    """What the segments and the tail hold, and the store's pack."""
    catalog = open_catalog(store, read_only=True)
    try:
        with catalog.reading() as conn:
            active = pack_rows.active(conn)
            assert active is not None
            pack = load_pack(store / active.folder)
            features = open_features(
                store,
                pack.encoder_digest,
                dimensions=pack.dimensions,
                classes=pack.classes,
                read_only=True,
            )
            live = advance(None, conn, features, pack, store)
            features.close()
    finally:
        catalog.close()
    return live, pack
