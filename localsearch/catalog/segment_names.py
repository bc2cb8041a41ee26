"""The list of segments that count: naming one here is the only commit of a derived file.

Never touches a segment's folder. Invariants: a name is given once; every change of the list is a
new generation; a name that was dropped is remembered, with the generation that dropped it, until
its folder is gone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from localsearch.catalog.lists import execute_in
from localsearch.catalog.settings import current_value
from localsearch.catalog.settings import next_value as next_of
from localsearch.deferred import NamedTuple

_COLUMNS = "name, number, first_row, last_row, rows, pack_digest"


class SegmentRow(NamedTuple):
    """A segment: its folder's name, its number, the rows it spans (inclusive) and how many."""

    name: str
    number: int
    first_row: int
    last_row: int
    rows: int
    pack_digest: str


def named(conn: sqlite3.Connection) -> list[SegmentRow]:
    """Segments of the current generation, by first row."""
    found = conn.execute(
        f"SELECT {_COLUMNS} FROM segments WHERE dropped IS NULL ORDER BY first_row, number"
    )
    return [SegmentRow(*row) for row in found]


def generation(conn: sqlite3.Connection) -> int:
    """Number of the current list; 0 before the first segment."""
    return current_value(conn, "generation")


def next_number(conn: sqlite3.Connection) -> int:
    """A number for a new segment, never given before."""
    return next_of(conn, "segment")


def name_segments(
    conn: sqlite3.Connection, add: Sequence[SegmentRow], drop: Iterable[str] = ()
) -> int:
    """Name some and drop others at once; gives the new generation."""
    new = next_of(conn, "generation")
    execute_in(
        conn,
        f"UPDATE segments SET dropped = {new} WHERE dropped IS NULL AND name IN (...)",
        drop,
    )
    conn.executemany(
        f"INSERT INTO segments ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        list(add),
    )
    return new


def dropped(conn: sqlite3.Connection, before_generation: int | None = None) -> list[str]:
    """Names dropped by a generation before that one (None: all dropped), oldest first."""
    limit = 2**62 if before_generation is None else before_generation
    found = conn.execute(
        "SELECT name FROM segments WHERE dropped < ? ORDER BY dropped, number", (limit,)
    )
    return [row[0] for row in found]


def forget_dropped(conn: sqlite3.Connection, names: Iterable[str]) -> None:
    """Forget dropped names whose folders are gone; a name that counts is never forgotten."""
    execute_in(conn, "DELETE FROM segments WHERE dropped IS NOT NULL AND name IN (...)", names)
