"""Answers from an open postings file.

Never holds more in memory than where each list begins, and never applies graves. Invariant:
what is handed out was compared with its checksum, and is a copy that outlives the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from localsearch.durable import BlockFile, open_blocks
from localsearch.errors import LibrarySegmentDamaged
from localsearch.postings.listing import values_among
from localsearch.rows import Rows, RowSet, empty, from_array, to_array
from localsearch.scores import Quantised


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
            return self._set(concept)
        if at_least > 65535:
            return empty()
        rows, values = self.values_of(concept)
        return from_array(rows[values >= at_least])

    def values_of(self, concept: int) -> tuple[Rows, Quantised]:
        """All rows listed under a concept, ascending, and their values."""
        return to_array(self._set(concept)), self._values(concept)

    def values_at(self, concept: int, rows: Rows) -> Quantised:
        """The value of each of `rows` under a concept; 0 where it is not listed."""
        return values_among(*self.values_of(concept), rows)

    def count(self, concept: int) -> int:
        """How many rows are listed under a concept; touches no list."""
        return int(self._starts[concept + 1] - self._starts[concept])

    def close(self) -> None:
        """Give the file back."""
        self.file.close()

    def _set(self, concept: int) -> RowSet:
        if not self.count(concept):
            return empty()
        start, stop = self._offsets[concept : concept + 2].tolist()
        return RowSet.deserialize(bytes(self.file.part("bitmaps", start, stop)))

    def _values(self, concept: int) -> Quantised:
        start, stop = self._starts[concept : concept + 2].tolist()
        return np.frombuffer(self.file.part("values", 2 * start, 2 * stop), "<u2").copy()


def open_postings(path: Path) -> Postings:
    """Open a postings file. Raises LibrarySegmentDamaged."""
    return Postings(open_blocks(path))
