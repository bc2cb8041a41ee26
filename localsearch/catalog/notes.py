"""Notes: small JSON documents by kind and id, that a face of the library keeps beside inputs.

Never looks into a document. What a kind means is its writer's own: names of a user's concepts,
for instance, whose tags go by other words. Invariants: ids of one kind come in the order of making;
a counter rises with every change of any note.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from localsearch.catalog.input_reads import is_text
from localsearch.catalog.lists import select_in
from localsearch.catalog.settings import current_value, next_value
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError

COUNTER: Final = "notes"
"""The counter that rises with every change."""


class Note(NamedTuple):
    """One document, as JSON; `made_ms` is when it was first put, in UTC since 1970."""

    id: str
    text: str
    made_ms: int


_SELECT: Final = "SELECT id, document, made_ms FROM notes WHERE kind = ?"


def put(conn: sqlite3.Connection, kind: str, id: str, document: dict[str, Any], ms: int) -> None:
    """Keep a document in place of an older one. InputError for what JSON or SQLite cannot hold."""
    try:
        text = json.dumps(document, allow_nan=False, separators=(",", ":"))
        id.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a note is a JSON object: {error}") from error
    conn.execute(
        "INSERT INTO notes (kind, id, document, made_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document",
        (kind, id, text, ms),
    )
    next_value(conn, COUNTER)


def generation(conn: sqlite3.Connection) -> int:
    """A number that rises with every change of any note."""
    return current_value(conn, COUNTER)


def of_kind(conn: sqlite3.Connection, kind: str, limit: int = -1) -> list[Note]:
    """The notes of a kind in the order of making; at most the first `limit` of them."""
    found = conn.execute(f"{_SELECT} ORDER BY made_ms, id LIMIT ?", (kind, limit))
    return [Note(*row) for row in found]


def of_ids(conn: sqlite3.Connection, kind: str, ids: Iterable[str]) -> list[Note]:
    """The notes of a kind that some ids have, in the order of making."""
    wanted = dict.fromkeys(id for id in ids if is_text(id))
    found = select_in(conn, f"{_SELECT} AND id IN (...)", wanted, kind)
    return [Note(*row) for row in sorted(found, key=_by_making)]


def _by_making(row: tuple[str, str, int]) -> tuple[int, str]:
    return row[2], row[0]


def forget(conn: sqlite3.Connection, kind: str, id: str) -> bool:
    """Drop a note; False if there was none."""
    done = conn.execute("DELETE FROM notes WHERE kind = ? AND id = ?", (kind, id))
    if done.rowcount > 0:
        next_value(conn, COUNTER)
    return done.rowcount > 0
