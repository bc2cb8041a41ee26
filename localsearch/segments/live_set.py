"""Segments, tail and graves as one: what a search asks.

Immutable, so that a search may go on with it while the next one is made. Never looks at the
catalog or the features. Invariant: each live row is in exactly one part, dead rows are in no
answer, and an answer does not depend on where a row lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from localsearch.matrix.coding import Coded, Singles, coded
from localsearch.rows import Rows, RowSet, empty, positions_in, to_array
from localsearch.scores import Quantised
from localsearch.segments.segment import Segment
from localsearch.segments.tail import Tail

Part: TypeAlias = Segment | Tail
Places: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True)
class LiveSet:
    """What one transaction saw. Every method may raise LibrarySegmentDamaged with a name.

    `generation`, `last_row` and `last_grave` are the marks of that transaction. `lacking` are live
    rows whose features are not there; `damaged` names segments that are answered from the tail;
    `notes` says both in sentences.
    """

    generation: int
    last_row: int
    last_grave: int
    pack_digest: str
    segments: tuple[Segment, ...]
    tail: Tail
    graves: RowSet
    lacking: tuple[int, ...] = ()
    damaged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rows: RowSet = field(init=False)
    """Live rows with features. Not to be changed."""
    _dead: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        held = RowSet.union(empty(), *(part.row_set for part in self.parts()))
        object.__setattr__(self, "rows", held - self.graves)
        object.__setattr__(self, "_dead", to_array(held & self.graves))

    def parts(self) -> Iterator[Part]:
        """The segments by their first row, then the tail."""
        yield from self.segments
        yield self.tail

    def rows_of(self, concept: int, at_least: int) -> RowSet:
        """Live rows listed under a concept with at least that value; a new set."""
        found = [part.rows_of(concept, at_least) for part in self.parts()]
        return RowSet.union(*found) - self.graves

    def values_at(self, concept: int, rows: Rows) -> Quantised:
        """The value of each of `rows` (any order) under a concept, uint16 [n].

        0 where a row is dead, unknown or not listed.
        """
        values = np.zeros(len(rows), np.uint16)
        for part, places, _ in self._spread(rows):
            values[places] = part.values_at(concept, rows[places])
        values[self._is_dead(rows)] = 0
        return values

    def top_values(self, concept: int, at_least: int) -> tuple[Rows, Quantised]:
        """Live rows listed under a concept with at least that value, ascending a part, and values.

        Flat arrays for a partial sort.
        """
        lists = [self._listed(part, concept, at_least) for part in self.parts()]
        rows = np.concatenate([rows for rows, _ in lists])
        values = np.concatenate([values for _, values in lists])
        return rows, values

    def _listed(self, part: Part, concept: int, at_least: int) -> tuple[Rows, Quantised]:
        rows, values = part.values_of(concept)
        kept = values >= at_least
        if len(rows):
            # The few dead are looked up in the long list, not the long list among the dead.
            start, stop = np.searchsorted(self._dead, [rows[0], int(rows[-1]) + 1])
            positions, found = positions_in(rows, self._dead[start:stop])
            kept[positions[found]] = False
        return rows[kept], values[kept]

    def count(self, concept: int) -> int:
        """How many rows are listed under a concept, some of them perhaps dead; touches no list."""
        return sum(part.count(concept) for part in self.parts())

    def halves_of(self, rows: Rows) -> npt.NDArray[np.float16]:
        """The stored vectors of rows, float16 [n, D], in the order asked.

        Raises ValueError for a row that is not here.
        """
        halves = np.zeros((len(rows), self.tail.halves.shape[1]), np.float16)
        missing = np.ones(len(rows), np.bool_)
        for part, places, positions in self._spread(rows):
            halves[places] = part.halves_at(positions)
            missing[places] = False
        if missing.any():
            raise ValueError(f"rows without a vector: {rows[missing][:5].tolist()}")
        return halves

    def scan(
        self, query: npt.NDArray[np.float32], allowed: RowSet | None = None
    ) -> tuple[Rows, Singles, Singles]:
        """(rows, approx, bound): approximate cosines of live rows, of the allowed ones only.

        |scores.cosines - approx| <= bound; rows ascend within a part.
        """
        wanted = self.rows if allowed is None else self.rows & allowed
        asked = coded(query[None, :])
        found = [_scan_part(part, asked, wanted) for part in self.parts()]
        rows, approx, bound = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(approx), np.concatenate(bound)

    def _spread(self, rows: Rows) -> Iterator[tuple[Part, Places, Places]]:
        """The parts that hold some of `rows`: part, places in `rows`, positions in the part."""
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        for part in self.parts():
            if not len(part.rows):
                continue
            # Only rows within its span are looked up: a long list goes to a hundred segments.
            start = np.searchsorted(ascending, part.rows[0], "left")
            stop = np.searchsorted(ascending, part.rows[-1], "right")
            positions, found = positions_in(part.rows, ascending[start:stop])
            if found.any():
                yield part, order[start:stop][found], positions[found]

    def _is_dead(self, rows: Rows) -> npt.NDArray[np.bool_]:
        return positions_in(self._dead, rows)[1]


def _scan_part(part: Part, asked: Coded, wanted: RowSet) -> tuple[Rows, Singles, Singles]:
    """The wanted rows of one part, ascending, with approximate cosines and bounds."""
    here = part.row_set & wanted
    if len(here) == len(part.rows):
        return part.rows, *part.scan(asked, None)
    if 2 * len(here) > len(part.rows):
        # Most are wanted, as with a few graves: finding the others is quicker.
        kept = np.ones(len(part.rows), np.bool_)
        kept[positions_in(part.rows, to_array(part.row_set - here))[0]] = False
        approx, bound = part.scan(asked, None)
        return part.rows[kept], approx[kept], bound[kept]
    rows = to_array(here)
    if not len(rows):
        return rows, np.zeros(0, np.float32), np.zeros(0, np.float32)
    return rows, *part.scan(asked, positions_in(part.rows, rows)[0])
