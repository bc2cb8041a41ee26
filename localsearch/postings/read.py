"""Answers from an open postings file.

Never holds more in memory than where each list begins, and never applies graves. Invariant:
what is handed out was compared with its checksum, and is a copy that outlives the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from localsearch.durable import BlockFile, open_blocks
from localsearch.errors import LibrarySegmentDamaged
from localsearch.postings.listing import values_among
from localsearch.rows import Rows, RowSet, empty, from_array, to_array
from localsearch.scores import Quantised

if TYPE_CHECKING:
    import numpy.typing as npt


class Postings:
    """The postings of one segment; any thread may ask. Raises LibrarySegmentDamaged throughout."""

    def __init__(self, file: BlockFile) -> None:
        self.file = file
        self.meta = file.meta
        self._offsets = np.frombuffer(file.block("offsets"), "<u8").astype(np.int64)
        self._starts = np.frombuffer(file.block("starts"), "<u8").astype(np.int64)
        self._lowest = np.frombuffer(file.block("lowest"), "<u2").copy()
        self.concepts = len(self._lowest)
        if len(self._offsets) != self.concepts + 1 or len(self._starts) != self.concepts + 1:
            raise LibrarySegmentDamaged(f"{file.path} is damaged: its lists do not fit together")

    def rows_of(self, concept: int, at_least: int) -> RowSet:
        """The rows listed under a concept whose value is `at_least` or more; a new set."""
        if at_least <= int(self._lowest[concept]):
            return self.set_of(concept)
        if at_least > 65535:
            return empty()
        rows, values = self.values_of(concept)
        return from_array(rows[values >= at_least])

    def set_of(self, concept: int) -> RowSet:
        """The rows listed under a concept; a new set."""
        if not self.count(concept):
            return empty()
        start, stop = self._offsets[concept : concept + 2].tolist()
        return RowSet.deserialize(bytes(self.file.part("bitmaps", start, stop)))

    def values_of(self, concept: int) -> tuple[Rows, Quantised]:
        """All rows listed under a concept, ascending, and their values."""
        return to_array(self.set_of(concept)), self._values(concept)

    def lists(self, first: int, stop: int) -> Iterator[tuple[RowSet, Quantised]]:
        """As `listed`, for concepts [first, stop): reads their bytes at once, copies no value."""
        edges = self._offsets[first : stop + 1].tolist()
        sets = self.file.part("bitmaps", edges[0], edges[-1])
        starts = self._starts[first : stop + 1].tolist()
        part = self.file.part("values", 2 * starts[0], 2 * starts[-1])
        values = np.frombuffer(part, "<u2")
        nothing = empty()
        for n in range(stop - first):
            here = values[starts[n] - starts[0] : starts[n + 1] - starts[0]]
            if not len(here):
                yield nothing, here
                continue
            data = bytes(sets[edges[n] - edges[0] : edges[n + 1] - edges[0]])
            yield RowSet.deserialize(data), here

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows are listed under each concept, int64 [C]; touches no list."""
        return np.diff(self._starts)

    def values_at(self, concept: int, rows: Rows) -> Quantised:
        """The value of each of `rows` under a concept; 0 where it is not listed."""
        return values_among(*self.values_of(concept), rows)

    def count(self, concept: int) -> int:
        """How many rows are listed under a concept; touches no list."""
        return int(self._starts[concept + 1] - self._starts[concept])

    def close(self) -> None:
        """Give the file back."""
        self.file.close()

    def _values(self, concept: int) -> Quantised:
        start, stop = self._starts[concept : concept + 2].tolist()
        return np.frombuffer(self.file.part("values", 2 * start, 2 * stop), "<u2").copy()


def open_postings(path: Path) -> Postings:
    """Open a postings file. Raises LibrarySegmentDamaged."""
    return Postings(open_blocks(path))
