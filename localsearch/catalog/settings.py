"""Settings (JSON values by name) and counters (numbers that only rise).

Never reads the clock or the environment. Invariant: a counter hands out each number once, because
it rises in the transaction that uses the number.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from localsearch.catalog.connection import marks_of
from localsearch.errors import LibraryError

LARGEST_ROW = 2**32 - 1
"""Rows are 32 bits in every derived file (frozen)."""


def value(conn: sqlite3.Connection, name: str, default: Any = None) -> Any:
    """A setting as it was put, or `default`."""
    found = conn.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return default if found is None else json.loads(found[0])


def put(conn: sqlite3.Connection, name: str, setting: Any) -> None:
    """Keep a setting; anything that JSON can hold."""
    conn.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, json.dumps(setting, allow_nan=False)),
    )


def forget(conn: sqlite3.Connection, name: str) -> None:
    """Drop a setting, if it is there."""
    conn.execute("DELETE FROM settings WHERE name = ?", (name,))


def current_value(conn: sqlite3.Connection, name: str) -> int:
    """The last number that a counter gave; 0 before the first."""
    marks = marks_of(conn)
    if marks is not None:
        return marks.get(name, 0)
    found = conn.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
    return 0 if found is None else int(found[0])


def next_value(conn: sqlite3.Connection, name: str) -> int:
    """The next number of a counter, from 1."""
    return take_values(conn, name, 1)


def take_values(conn: sqlite3.Connection, name: str, count: int) -> int:
    """Take `count` numbers at once; gives the first. LibraryError when rows are used up."""
    last = conn.execute(
        "INSERT INTO counters (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value",
        (name, count),
    ).fetchone()[0]
    if name == "row" and last > LARGEST_ROW:
        raise LibraryError(
            "this library has used all its 4,294,967,295 rows", hint="start a new library"
        )
    return int(last) - count + 1
