"""One open segment: a folder with postings and matrix of the same rows (`writing` makes it).

Never knows which of its rows are alive. Invariant: both files name the segment, its pack and its
span of rows, so a file of another segment under its name is noticed at open.

`without` lists rows of the span that were alive but had no features when it was written: the
live set keeps looking for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from localsearch.catalog.segment_names import SegmentRow
from localsearch.errors import LibrarySegmentDamaged
from localsearch.later import Later
from localsearch.matrix.coding import Coded, Singles
from localsearch.matrix.read import Matrix, open_matrix
from localsearch.postings.read import Postings, open_postings
from localsearch.rows import Rows, RowSet, from_array
from localsearch.scores import Quantised
from localsearch.segments.probed import Probed

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.matrix import scan as scanning
    from localsearch.matrix.scan import Places
else:
    scanning = Later("localsearch.matrix.scan")

FOLDER: Final = "segments"
"""The folder of a store that holds the folders of segments. Frozen."""

POSTINGS: Final = "postings.bin"  # frozen
MATRIX: Final = "matrix.bin"  # frozen


class Segment:
    """An open segment; any thread may ask. LibrarySegmentDamaged carries its name."""

    def __init__(self, row: SegmentRow, postings: Postings, matrix: Matrix) -> None:
        self.row = row
        self.name = row.name
        self.rows: Rows = matrix.rows
        self.row_set: RowSet = from_array(matrix.rows)
        self.without: tuple[int, ...] = tuple(matrix.meta["without"])
        self.postings, self.matrix = postings, matrix
        self.probed = Probed()

    def rows_of(self, concept: int, at_least: int) -> RowSet:
        """The rows listed under a concept with at least that value; a new set."""
        with _as(self.name):
            return self.postings.rows_of(concept, at_least)

    def values_of(self, concept: int) -> tuple[Rows, Quantised]:
        """All rows listed under a concept, ascending, and their values."""
        with _as(self.name):
            return self.postings.values_of(concept)

    def values_at(self, concept: int, rows: Rows) -> Quantised:
        """The value of each of `rows` under a concept; 0 where it is not listed."""
        with _as(self.name):
            return self.postings.values_at(concept, rows)

    def count(self, concept: int) -> int:
        """How many rows are listed under a concept, dead ones too."""
        return self.postings.count(concept)

    def halves_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.float16]:
        """The stored vectors at some positions of `rows`, float16 [m, D]."""
        with _as(self.name):
            return self.matrix.halves_at(positions)

    def shown_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.uint16]:
        """What rows at some positions show most, uint16 [m, 2, S]; S is 0 if that was not kept."""
        with _as(self.name):
            return self.matrix.shown_at(positions)

    def scan(self, asked: Coded, places: Places | None) -> tuple[Singles, Singles]:
        """Approximate cosines with a coded query, and their bounds; see `matrix.scan`."""
        with _as(self.name):
            return scanning.scan_coded(self.matrix, asked, places)

    def check_all(self) -> None:
        """Compare every byte of both files. Raises LibrarySegmentDamaged."""
        with _as(self.name):
            self.postings.file.check_all()
            self.matrix.file.check_all()

    def close(self) -> None:
        """Give both files back."""
        self.postings.close()
        self.matrix.close()


def open_segment(store: Path, row: SegmentRow) -> Segment:
    """Open a segment that the catalog names. Raises LibrarySegmentDamaged, with its name."""
    folder = store / FOLDER / row.name
    with _as(row.name), contextlib.ExitStack() as closing:
        postings = open_postings(folder / POSTINGS)
        closing.callback(postings.close)
        matrix = open_matrix(folder / MATRIX)
        closing.callback(matrix.close)
        for path, meta in ((POSTINGS, postings.meta), (MATRIX, matrix.meta)):
            _check_meta(folder / path, meta, row)
        if len(matrix.rows) != row.rows:
            raise LibrarySegmentDamaged(
                f"{folder} is damaged: expected {row.rows} rows, found {len(matrix.rows)}"
            )
        segment = Segment(row, postings, matrix)
        closing.pop_all()
        return segment


def _check_meta(path: Path, meta: dict[str, Any], row: SegmentRow) -> None:
    found, kind = meta.get("segment"), path.stem
    if found != row._asdict() or meta.get("kind") != kind:
        raise LibrarySegmentDamaged(
            f"{path} is damaged: expected {kind} of {row}, found {meta.get('kind')} of {found}",
            hint="it is rebuilt from the features by the next sync",
        )


@contextlib.contextmanager
def _as(name: str) -> Iterator[None]:
    """Let damage that is noticed below carry the name of the segment."""
    try:
        yield
    except LibrarySegmentDamaged as fault:
        fault.segment = name
        raise
