"""Which rows of the tail become segments now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

FULL: Final = 4096
"""Rows of a segment: so a new process never has to read a longer tail than this."""

WORTH: Final = 256
"""Rows from which the end of a whole sync makes a segment: fewer cost a reader next to nothing."""

SPARE_BYTES: Final = 32 << 20
"""Left free on the disk beyond what a segment takes: the catalog's WAL needs room to name it."""

Item = TypeVar("Item")


def segments_to_build(tail: Sequence[Item], *, whole_sync: bool) -> list[Sequence[Item]]:
    """Cut the rows of a tail, ascending, into those of new segments; the rest stays tail."""
    return cut(tail, least=WORTH if whole_sync else FULL)


def cut(rows: Sequence[Item], *, least: int) -> list[Sequence[Item]]:
    """Pieces of `FULL` rows, and a last one if it has `least` or more."""
    pieces = [rows[start : start + FULL] for start in range(0, len(rows), FULL)]
    return [piece for piece in pieces if len(piece) >= least]


def bytes_of(rows: int, dimensions: int, concepts: int) -> int:
    """The most that a segment of so many rows is expected to take on the disk."""
    # halves and codes; a posting takes some 4 bytes, and a photo rarely has more than 200
    return rows * (3 * dimensions + 12 + 4 * min(concepts, 200)) + 64 * concepts + (1 << 16)
