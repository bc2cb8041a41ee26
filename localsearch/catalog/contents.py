"""Encoded bytes of inputs that have no file: the only copy there is.

Never decodes or changes them. Invariant: they go only with their input, by a purge.
"""

from __future__ import annotations

import sqlite3


def put(conn: sqlite3.Connection, key: int, data: bytes) -> None:
    """Keep the bytes of an input without a file, in place of older ones."""
    conn.execute("INSERT OR REPLACE INTO contents (input, data) VALUES (?, ?)", (key, data))


def data_of(conn: sqlite3.Connection, key: int) -> bytes | None:
    """The bytes of an input, or None: it is a file."""
    found = conn.execute("SELECT data FROM contents WHERE input = ?", (key,)).fetchone()
    return None if found is None else bytes(found[0])


def without_bytes(conn: sqlite3.Connection) -> list[str]:
    """Ids of inputs that could be read once, have no file and have no bytes here either."""
    found = conn.execute(
        "SELECT id FROM inputs LEFT JOIN contents ON contents.input = inputs.key"
        " WHERE name IS NULL AND digest IS NOT NULL AND contents.input IS NULL"
    )
    return [id for (id,) in found]
