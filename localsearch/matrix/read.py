"""Answers from an open matrix file.

Keeps rows, and once it was scanned scales and errors, in memory (12 bytes a row); codes and
halves stay in the file.
Never applies graves. Invariant: what is handed out was compared with its checksum.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from localsearch.durable import BlockFile, open_blocks
from localsearch.errors import LibrarySegmentDamaged
from localsearch.matrix.coding import Coded, Singles
from localsearch.rows import Rows

if TYPE_CHECKING:
    import numpy.typing as npt


class Matrix:
    """The vectors of one segment; any thread may ask. Raises LibrarySegmentDamaged throughout."""

    def __init__(self, file: BlockFile) -> None:
        self.file = file
        self.meta = file.meta
        self.rows: Rows = np.frombuffer(file.block("rows"), "<u4").astype(np.uint32)
        self.dimensions = int(file.meta.get("dimensions", 0))
        # Concepts that are kept of each row; segments of older versions keep none.
        self.shown = int(file.meta.get("shown", 0))
        self._steps: tuple[Singles, Singles] | None = None
        lengths = [file.length(name) for name in ("scales", "errors")]
        lengths += [file.length("shown") // self.shown] if self.shown else []
        if any(length != 4 * len(self.rows) for length in lengths):
            raise LibrarySegmentDamaged(f"{file.path} is damaged: its columns differ in length")

    def __len__(self) -> int:
        return len(self.rows)

    def halves_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.float16]:
        """The stored vectors at some positions, float16 [m, D], a copy; checks their pages only."""
        pages = _pages_of(positions, 2 * self.dimensions, self.file.page_of("halves"))
        found = np.frombuffer(self.file.pages("halves", pages), "<f2")
        return found.reshape(len(self), self.dimensions)[positions].astype(np.float16, copy=False)

    def shown_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.uint16]:
        """What rows at some positions show most, uint16 [m, 2, S]; checks their pages only."""
        if not self.shown:
            return np.zeros((len(positions), 2, 0), np.uint16)
        pages = _pages_of(positions, 4 * self.shown, self.file.page_of("shown"))
        found = np.frombuffer(self.file.pages("shown", pages), "<u2")
        return found.reshape(len(self), 2, self.shown)[positions].astype(np.uint16, copy=False)

    def coded(self) -> Coded:
        """All rows in codes; the codes lie in the file: do not keep them beyond the call."""
        codes = np.frombuffer(self.file.block("codes"), np.int8)
        return Coded(codes.reshape(len(self), self.dimensions), *self.steps())

    def coded_at(self, positions: npt.NDArray[np.intp]) -> Coded:
        """Some rows in codes, a copy; checks their pages only."""
        pages = _pages_of(positions, self.dimensions, self.file.page_of("codes"))
        codes = np.frombuffer(self.file.pages("codes", pages), np.int8)
        codes = codes.reshape(len(self), self.dimensions)[positions]
        scales, errors = self.steps()
        return Coded(codes, scales[positions], errors[positions])

    def steps(self) -> tuple[Singles, Singles]:
        """Scales and errors of all rows, float32 [n] each; read when first asked for."""
        if self._steps is None:
            scales = np.frombuffer(self.file.block("scales"), "<f4").astype(np.float32)
            errors = np.frombuffer(self.file.block("errors"), "<f4").astype(np.float32)
            self._steps = scales, errors
        return self._steps

    def close(self) -> None:
        """Give the file back."""
        self.file.close()


def _pages_of(positions: npt.NDArray[np.intp], length: int, page: int) -> list[int]:
    """The pages of a block that rows of `length` bytes at some positions lie in."""
    starts = positions.astype(np.int64) * length
    first, last = starts // page, (starts + max(length - 1, 0)) // page
    # A row may be longer than a fine page (8,192 numbers are), and then lies in several.
    steps = np.arange(int((last - first).max(initial=0)) + 1)
    # No np.unique: the first call of a process costs 30 ms, numpy loads its masked arrays for it.
    return sorted(set(np.minimum(first[:, None] + steps, last[:, None]).ravel().tolist()))


def open_matrix(path: Path) -> Matrix:
    """Open a matrix file. Raises LibrarySegmentDamaged."""
    return Matrix(open_blocks(path))
