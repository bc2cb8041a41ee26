"""Postings in memory: what a tail has instead of a file, and what a file is written from.

Pure. Invariants: a concept lists exactly the rows whose probability reaches its floor; keys rise
strictly, so two listings are joined by one merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import dataclass
from localsearch.rows import Rows, RowSet, from_array, positions_in
from localsearch.scores import Quantised

if TYPE_CHECKING:
    import numpy.typing as npt

# Concepts of one pass: 64 x 4,096 rows are compared at a time, so the mask stays small.
_CONCEPTS: Final = 64


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Listing:
    """The postings of some rows: `keys` uint64 [P] (concept * 2**32 + row), `values` uint16 [P].

    Answers as `Postings` does, from memory.
    """

    concepts: int
    keys: npt.NDArray[np.uint64]
    values: Quantised
    starts: npt.NDArray[np.intp] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        edges = np.arange(self.concepts + 1, dtype=np.uint64) << np.uint64(32)
        object.__setattr__(self, "starts", np.searchsorted(self.keys, edges))

    def rows_of(self, concept: int, at_least: int) -> RowSet:
        """The rows listed under a concept whose value is `at_least` or more; a new set."""
        rows, values = self.values_of(concept)
        return from_array(rows[values >= at_least])

    def values_of(self, concept: int) -> tuple[Rows, Quantised]:
        """All rows listed under a concept, ascending, and their values."""
        part = slice(int(self.starts[concept]), int(self.starts[concept + 1]))
        return self.keys[part].astype(np.uint32), self.values[part]

    def values_at(self, concept: int, rows: Rows) -> Quantised:
        """The value of each of `rows` under a concept; 0 where it is not listed."""
        return values_among(*self.values_of(concept), rows)

    def count(self, concept: int) -> int:
        """How many rows are listed under a concept."""
        return int(self.starts[concept + 1] - self.starts[concept])

    def only(self, rows: Rows) -> Listing:
        """The postings of some rows (ascending) of these."""
        kept = positions_in(rows, self.keys.astype(np.uint32))[1]
        return Listing(self.concepts, self.keys[kept], self.values[kept])


def listing(rows: Rows, probabilities: Quantised, floors: Quantised) -> Listing:
    """List `rows` uint32 [n] by `probabilities` uint16 [n, C] over `floors` uint16 [C]."""
    order = np.argsort(rows)
    keys: list[npt.NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    values: list[Quantised] = [np.zeros(0, np.uint16)]
    for first in range(0, len(floors), _CONCEPTS):
        part = probabilities[order, first : first + _CONCEPTS].T
        concepts, positions = np.nonzero(part >= floors[first : first + _CONCEPTS, None])
        values.append(part[concepts, positions])
        high = (concepts + first).astype(np.uint64) << np.uint64(32)
        keys.append(high | rows[order][positions])
    return Listing(len(floors), np.concatenate(keys), np.concatenate(values))


def joined(parts: Sequence[Listing]) -> Listing:
    """The postings of several listings that share no row; at least one."""
    keys = np.concatenate([part.keys for part in parts])
    # The stable sort finds the runs that rise already and merges them: linear for a few parts.
    order = np.argsort(keys, kind="stable")
    values = np.concatenate([part.values for part in parts])
    return Listing(parts[0].concepts, keys[order], values[order])


def values_among(known: Rows, values: Quantised, rows: Rows) -> Quantised:
    """The value of each of `rows`, looked up in a list of known rows; 0 where it is not there."""
    if not len(known):
        return np.zeros(len(rows), np.uint16)
    positions, found = positions_in(known, rows)
    return np.where(found, values[positions], np.uint16(0))
