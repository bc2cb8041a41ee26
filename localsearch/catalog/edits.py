"""What a user says of an input beside its tags and metadata: where it was taken, and that something
of it was changed.

Never looks at a picture. Invariant: a place is both numbers or none.
"""

from __future__ import annotations

import sqlite3

Place = tuple[float, float] | tuple[None, None]


def set_place(conn: sqlite3.Connection, key: int, place: Place, now_ms: int) -> None:
    """Keep where a picture was taken: latitude and longitude in degrees, or that nobody knows."""
    conn.execute(
        "UPDATE inputs SET lat = ?, lon = ?, modified_ms = ? WHERE key = ?", (*place, now_ms, key)
    )


def note_edit(conn: sqlite3.Connection, key: int, now_ms: int) -> None:
    """Note that an input was changed by hand: tags stand in a table of their own."""
    conn.execute("UPDATE inputs SET modified_ms = ? WHERE key = ?", (now_ms, key))
