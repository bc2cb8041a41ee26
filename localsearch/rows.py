"""Sets of rows: sorted uint32 arrays and compressed bitmaps, and the way between the two.

Pure: touches neither disk nor catalog, and never knows what a row stands for. A row is an
internal uint32. Invariant: arrays of rows are strictly ascending.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from pyroaring import BitMap

if TYPE_CHECKING:
    import numpy.typing as npt

RowSet: TypeAlias = BitMap
Rows: TypeAlias = "npt.NDArray[np.uint32]"


def empty() -> RowSet:
    """A new set without rows."""
    return BitMap()


def from_array(rows: npt.NDArray[np.integer]) -> RowSet:
    """The set of the rows in an array (any order, doubles allowed)."""
    # The bytes go over as they are: from a numpy array BitMap takes number by number, 10x as long.
    flat = array("I")
    flat.frombytes(np.ascontiguousarray(rows, dtype=np.uint32).tobytes())
    return BitMap(flat)


def to_array(rows: RowSet) -> Rows:
    """The rows of a set, ascending, uint32 [n]."""
    return np.frombuffer(rows.to_array(), dtype=np.uint32)


def positions_in(
    sorted_rows: Rows, rows: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where each of `rows` stands in `sorted_rows`: (positions intp [n], found bool [n]).

    The position of a row that was not found is 0 and means nothing.
    """
    if not len(sorted_rows):
        return np.zeros(len(rows), np.intp), np.zeros(len(rows), np.bool_)
    wanted = np.asarray(rows, dtype=np.uint32)
    first, last = int(sorted_rows[0]), int(sorted_rows[-1])
    if last - first + 1 == len(sorted_rows):  # no gap: a row tells its place
        found = (wanted >= first) & (wanted <= last)
        positions = np.where(found, wanted - np.uint32(first), 0).astype(np.intp)
        return positions, found
    positions = np.searchsorted(sorted_rows, wanted).astype(np.intp, copy=False)
    positions[positions == len(sorted_rows)] = 0
    found = sorted_rows[positions] == wanted
    positions[~found] = 0
    return positions, found


def places_from(first: int, rows: Rows) -> npt.NDArray[np.intp]:
    """Places of rows in a table that begins with `first`; numpy takes such twice as fast."""
    places = rows.astype(np.intp)
    places -= first
    return places
