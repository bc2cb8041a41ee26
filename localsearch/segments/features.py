"""From stored features to what tails and segments are made of.

Reads the features file and asks the pack for probabilities; never infers and never writes. A row
whose features are missing or unreadable is told, never an exception: a photo that cannot be
found is better than a library that cannot be searched.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.catalog import input_reads
from localsearch.deferred import NamedTuple
from localsearch.errors import LibraryBusy, LibraryClosed, LibraryDamaged, LibraryError
from localsearch.rows import Rows
from localsearch.scores import Quantised

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.catalog.features import Features
    from localsearch.pack import Pack

RowDigest = tuple[int, bytes]
Halves: TypeAlias = "npt.NDArray[np.float16]"

# Rows read at once: 1,024 x 2,000 probabilities are 4 MiB, and SQLite's call is long forgotten.
_ROWS: Final = 1024
# A damaged page of SQLite hides some dozens of features: they are found one by one, but a file
# that is wholly gone must not be asked a hundred thousand times.
_TRIES: Final = 256


class Featured(NamedTuple):
    """Rows that have features: rows uint32 [n], halves [n, D], probabilities uint16 [n, C]."""

    rows: Rows
    halves: Halves
    probabilities: Quantised


def featured(
    wanted: Sequence[RowDigest], features: Features, pack: Pack
) -> Iterator[tuple[Featured, list[int]]]:
    """Features of rows, some at a time, with the rows of these that have none."""
    tries = [_TRIES]
    for start in range(0, len(wanted), _ROWS):
        chunk = wanted[start : start + _ROWS]
        vectors, logits, found = _arrays_of([digest for _, digest in chunk], features, tries)
        found &= np.isfinite(vectors).all(axis=1) & np.isfinite(logits).all(axis=1)
        rows = np.array([row for row, _ in chunk], np.uint32)
        made = pack.probabilities(vectors[found], logits[found])
        yield Featured(rows[found], vectors[found], made), rows[~found].tolist()


def still_live(conn: sqlite3.Connection, rows: Sequence[int]) -> list[RowDigest]:
    """Those of some rows that are alive and should have features, with their digests."""
    return [
        (one.row, one.digest)
        for one in input_reads.by_rows(conn, rows)
        if one.live and one.content_state == "ok" and one.digest is not None
    ]


def _arrays_of(
    digests: Sequence[bytes], features: Features, tries: list[int]
) -> tuple[Halves, Halves, npt.NDArray[np.bool_]]:
    """As `Features.arrays_of`, but what cannot be read is not found; halves until it is alone."""
    tries[0] -= 1
    try:
        return features.arrays_of(digests)
    except (LibraryBusy, LibraryClosed):
        raise
    except LibraryError as fault:
        if not isinstance(fault, LibraryDamaged) or len(digests) == 1 or tries[0] <= 0:
            return _nothing(len(digests), features)
    middle = len(digests) // 2
    first = _arrays_of(digests[:middle], features, tries)
    second = _arrays_of(digests[middle:], features, tries)
    vectors, logits, found = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    return vectors, logits, found


def _nothing(count: int, features: Features) -> tuple[Halves, Halves, npt.NDArray[np.bool_]]:
    return (
        np.zeros((count, features.dimensions), np.float16),
        np.zeros((count, features.classes), np.float16),
        np.zeros(count, np.bool_),
    )
