"""Rows that are dead: segments still hold them, searches leave them out.

Never decides what dies (`inputs` does). Invariants: a row is in at most one grave; sequences rise
and are never handed out again, so that "all since sequence N" is all that is new.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from localsearch.catalog.lists import execute_in
from localsearch.catalog.settings import current_value, take_values

COUNTER = "grave"


def put(conn: sqlite3.Connection, rows: Iterable[int]) -> None:
    """Bury rows; one that lies in a grave already stays where it is."""
    new = [int(row) for row in rows]
    if not new:
        return
    first = take_values(conn, COUNTER, len(new))
    conn.executemany(
        "INSERT INTO graves (sequence, row) VALUES (?, ?) ON CONFLICT (row) DO NOTHING",
        zip(range(first, first + len(new)), new, strict=True),
    )


def since(conn: sqlite3.Connection, sequence: int) -> list[tuple[int, int]]:
    """(sequence, row) of all graves after `sequence`, in order; 0 gives all."""
    found = conn.execute(
        "SELECT sequence, row FROM graves WHERE sequence > ? ORDER BY sequence", (sequence,)
    )
    return found.fetchall()


def last(conn: sqlite3.Connection) -> int:
    """The last sequence that was handed out, also if its grave was forgotten since."""
    return current_value(conn, COUNTER)


def rows_between(conn: sqlite3.Connection, first: int, last: int) -> list[int]:
    """Dead rows from `first` to `last` (inclusive), ascending."""
    sql = "SELECT row FROM graves WHERE row BETWEEN ? AND ? ORDER BY row"
    return [row for (row,) in conn.execute(sql, (first, last))]


def count_between(conn: sqlite3.Connection, first: int, last: int) -> int:
    """How many rows from `first` to `last` (inclusive) are dead."""
    sql = "SELECT count(*) FROM graves WHERE row BETWEEN ? AND ?"
    return int(conn.execute(sql, (first, last)).fetchone()[0])


def forget_rows(conn: sqlite3.Connection, rows: Iterable[int]) -> int:
    """Drop graves of rows that no named segment holds any more; gives how many there were."""
    return execute_in(conn, "DELETE FROM graves WHERE row IN (...)", map(int, rows))
