"""Answers from an open matrix file.

Keeps rows, scales and errors in memory (12 bytes a row); codes and halves stay in the file.
Never applies graves. Invariant: what is handed out was compared with its checksum.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from localsearch.durable import PAGE, BlockFile, open_blocks
from localsearch.errors import LibrarySegmentDamaged
from localsearch.matrix.coding import Coded
from localsearch.rows import Rows


class Matrix:
    """The vectors of one segment; any thread may ask. Raises LibrarySegmentDamaged throughout."""

    def __init__(self, file: BlockFile) -> None:
        self.file = file
        self.meta = file.meta
        self.rows: Rows = np.frombuffer(file.block("rows"), "<u4").astype(np.uint32)
        self._scales = np.frombuffer(file.block("scales"), "<f4").astype(np.float32)
        self._errors = np.frombuffer(file.block("errors"), "<f4").astype(np.float32)
        self.dimensions = int(file.meta.get("dimensions", 0))
        if not len(self.rows) == len(self._scales) == len(self._errors):
            raise LibrarySegmentDamaged(f"{file.path} is damaged: its columns differ in length")

    def __len__(self) -> int:
        return len(self.rows)

    def halves_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.float16]:
        """The stored vectors at some positions, float16 [m, D], a copy; checks their pages only."""
        pages = _pages_of(positions, 2 * self.dimensions)
        found = np.frombuffer(self.file.pages("halves", pages), "<f2")
        return found.reshape(len(self), self.dimensions)[positions].astype(np.float16, copy=False)

    def coded(self) -> Coded:
        """All rows in codes; the codes lie in the file: do not keep them beyond the call."""
        codes = np.frombuffer(self.file.block("codes"), np.int8)
        return Coded(codes.reshape(len(self), self.dimensions), self._scales, self._errors)

    def coded_at(self, positions: npt.NDArray[np.intp]) -> Coded:
        """Some rows in codes, a copy; checks their pages only."""
        pages = _pages_of(positions, self.dimensions)
        codes = np.frombuffer(self.file.pages("codes", pages), np.int8)
        codes = codes.reshape(len(self), self.dimensions)[positions]
        return Coded(codes, self._scales[positions], self._errors[positions])

    def close(self) -> None:
        """Give the file back."""
        self.file.close()


def _pages_of(positions: npt.NDArray[np.intp], length: int) -> list[int]:
    """The pages of a block that rows of `length` bytes at some positions lie in."""
    starts = positions.astype(np.int64) * length
    first, last = starts // PAGE, (starts + max(length - 1, 0)) // PAGE
    # No row is longer than a page (a million numbers), so it lies in its first and last page.
    return [int(page) for page in np.unique(np.concatenate([first, last]))]


def open_matrix(path: Path) -> Matrix:
    """Open a matrix file. Raises LibrarySegmentDamaged."""
    return Matrix(open_blocks(path))
