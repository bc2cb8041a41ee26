"""The tail: rows that no segment answers for, held in memory with all that a search needs.

Immutable: whatever changes gives a new tail. Never reads the catalog or a file. Invariant: rows
ascend, and vectors, codes and listing are of exactly these rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from localsearch.deferred import dataclass
from localsearch.later import Later
from localsearch.matrix import coding
from localsearch.matrix.coding import Coded, Singles, coded
from localsearch.pack import leading
from localsearch.postings import listing as lists
from localsearch.postings.listing import Listing, listing
from localsearch.rows import Rows, RowSet, from_array, positions_in
from localsearch.scores import Quantised
from localsearch.segments.probed import Probed

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.matrix import scan as scanning
    from localsearch.matrix.scan import Places
else:
    scanning = Later("localsearch.matrix.scan")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tail:
    """Rows uint32 [n] ascending, their vectors float16 [n, D], codes, postings, and the
    concepts that each shows most, uint16 [n, 2, S].

    Postings are kept sparse: 4,096 rows by 2,000 concepts would be 16 MB, nearly all of it zeros.
    """

    rows: Rows
    row_set: RowSet
    halves: npt.NDArray[np.float16]
    coded: Coded
    listing: Listing
    shown: npt.NDArray[np.uint16]
    probed: Probed = field(default_factory=Probed, repr=False, compare=False)

    def rows_of(self, concept: int, at_least: int) -> RowSet:
        """The rows listed under a concept with at least that value; a new set."""
        return self.listing.rows_of(concept, at_least)

    def values_of(self, concept: int) -> tuple[Rows, Quantised]:
        """All rows listed under a concept, ascending, and their values."""
        return self.listing.values_of(concept)

    def values_at(self, concept: int, rows: Rows) -> Quantised:
        """The value of each of `rows` under a concept; 0 where it is not listed."""
        return self.listing.values_at(concept, rows)

    def count(self, concept: int) -> int:
        """How many rows are listed under a concept, dead ones too."""
        return self.listing.count(concept)

    def halves_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.float16]:
        """The stored vectors at some positions of `rows`, float16 [m, D]."""
        return self.halves[positions]

    def shown_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.uint16]:
        """What rows at some positions show most, uint16 [m, 2, S]."""
        return self.shown[positions]

    def scan(self, asked: Coded, places: Places | None) -> tuple[Singles, Singles]:
        """Approximate cosines with a coded query, and their bounds; see `matrix.scan`."""
        return scanning.scan_coded(self.coded, asked, places)

    def only(self, kept: RowSet) -> Tail:
        """What this tail has of some rows."""
        if self.row_set.issubset(kept):
            return self
        rows = np.array((self.row_set & kept).to_array(), np.uint32)
        positions, _ = positions_in(self.rows, rows)
        return Tail(
            rows,
            from_array(rows),
            self.halves[positions],
            self.coded.at(positions),
            self.listing.only(rows),
            self.shown[positions],
        )


def empty_tail(dimensions: int, floors: Quantised) -> Tail:
    """A tail without rows."""
    return tail_of(
        np.zeros(0, np.uint32),
        np.zeros((0, dimensions), np.float16),
        np.zeros((0, len(floors)), np.uint16),
        floors,
    )


def tail_of(
    rows: Rows, halves: npt.NDArray[np.float16], probabilities: Quantised, floors: Quantised
) -> Tail:
    """A tail of rows (any order) with vectors [n, D] and probabilities [n, C]."""
    order = np.argsort(rows)
    rows, halves = rows[order], np.ascontiguousarray(halves[order])
    probabilities = probabilities[order]
    made = listing(rows, probabilities, floors)
    return Tail(rows, from_array(rows), halves, coded(halves), made, leading(probabilities))


def joined(parts: Sequence[Tail]) -> Tail:
    """Several tails that share no row as one; at least one."""
    parts = [part for part in parts if len(part.rows)] or list(parts[:1])
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    halves = np.concatenate([part.halves for part in parts])
    codes = coding.joined([part.coded for part in parts])
    shown = np.concatenate([part.shown for part in parts])
    if (rows[1:] < rows[:-1]).any():  # rows of a damaged segment come back below others
        order = np.argsort(rows)
        rows, halves, codes, shown = rows[order], halves[order], codes.at(order), shown[order]
    postings = lists.joined([part.listing for part in parts])
    return Tail(rows, from_array(rows), halves, codes, postings, shown)
