"""Notes: small JSON documents by kind and id, that a face of the library keeps beside inputs.

Never looks into a document. What a kind means is its writer's own: names of a user's concepts,
for instance, whose tags go by other words. Invariant: ids of one kind come in the order of making.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from localsearch.catalog.input_reads import is_text
from localsearch.catalog.lists import select_in
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError


class Note(NamedTuple):
    """One document; `made_ms` is when it was first put, in UTC since 1970."""

    id: str
    document: dict[str, Any]
    made_ms: int


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


def of_kind(conn: sqlite3.Connection, kind: str, ids: Iterable[str] | None = None) -> list[Note]:
    """The notes of a kind, all or those of some ids, in the order of making."""
    sql = "SELECT id, document, made_ms FROM notes WHERE kind = ?"
    if ids is None:
        found = conn.execute(f"{sql} ORDER BY made_ms, id", (kind,)).fetchall()
    else:
        wanted = dict.fromkeys(id for id in ids if is_text(id))
        found = sorted(select_in(conn, f"{sql} AND id IN (...)", wanted, kind), key=_by_making)
    return [Note(id, json.loads(text), ms) for id, text, ms in found]


def _by_making(row: tuple[str, str, int]) -> tuple[int, str]:
    return row[2], row[0]


def forget(conn: sqlite3.Connection, kind: str, id: str) -> bool:
    """Drop a note; False if there was none."""
    done = conn.execute("DELETE FROM notes WHERE kind = ? AND id = ?", (kind, id))
    return done.rowcount > 0
