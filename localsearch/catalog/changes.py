"""What changed, for apps that keep a copy of their own: the newest change of each id, in order.

The triggers in `tables` write it, so that no writer can forget it; `renew` only mends it.
Invariants: an id has one line, its newest change; sequences rise and are never handed out again,
so that "all since sequence N" is all that an app which has seen N does not know. A change is
whatever alters what an app sees of an input: its state, content, place, tags, metadata, or that it
was purged (`gone`).

A library that comes back from its backup has another history than the one that apps have followed:
`begin_anew` moves its sequences beyond all that were told, and `beginning` tells them apart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from localsearch.catalog import settings
from localsearch.deferred import NamedTuple

APART: Final = 1 << 32
"""Between the sequences before and after a recovery: more changes than a backup can lack."""

_BEGINNING: Final = "changes begin after"  # the setting
_MOST: Final = 2**63 - 1  # what SQLite takes for a number


class ChangeRow(NamedTuple):
    """The newest change of an id; `gone` where it was purged and stands for no input now."""

    sequence: int
    id: str
    gone: bool


def since(conn: sqlite3.Connection, sequence: int, limit: int = 1000) -> list[ChangeRow]:
    """At most `limit` changes after `sequence`, in order; 0 gives every id there ever was.

    Ask again after the last one's sequence. An id that changes in between comes again, at the end.
    """
    sequence, limit = min(sequence, _MOST), min(limit, _MOST)
    found = conn.execute(
        "SELECT sequence, id, gone FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
        (sequence, limit),
    )
    return [ChangeRow(number, id, gone == 1) for number, id, gone in found]


def last(conn: sqlite3.Connection) -> int:
    """The last sequence that was handed out; 0 before the first change."""
    found = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return 0 if found is None else int(found[0])


def beginning(conn: sqlite3.Connection) -> int:
    """Sequences below this one, but 0, were told before the library came back from a backup."""
    return int(settings.value(conn, _BEGINNING, 0))


def begin_anew(conn: sqlite3.Connection) -> None:
    """Go on with sequences that no app can have seen: the library comes back from a backup."""
    reached = last(conn)
    apart = max(APART, reached + 1)
    conn.execute("UPDATE changes SET sequence = sequence + ?", (apart,))
    conn.execute("DELETE FROM sqlite_sequence WHERE name = 'changes'")
    conn.execute(
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('changes', ?)", (reached + apart,)
    )
    settings.put(conn, _BEGINNING, beginning(conn) + apart)


def check(conn: sqlite3.Connection) -> list[str]:
    """Ids whose line is absent, or says the contrary of what is; empty if all is well."""
    lacking = "SELECT id FROM inputs LEFT JOIN changes USING (id) WHERE changes.gone IS NOT 0"
    lying = (
        "SELECT id FROM changes LEFT JOIN inputs USING (id)"
        " WHERE changes.gone = 0 AND inputs.key IS NULL"
    )
    return [id for (id,) in conn.execute(f"{lacking} UNION {lying} ORDER BY id")]


def renew(conn: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Note these ids as changed just now, or gone if they stand for no input."""
    for id in ids:
        conn.execute("DELETE FROM changes WHERE id = ?", (id,))
        conn.execute(
            "INSERT INTO changes (id, gone)"
            " VALUES (?1, NOT EXISTS (SELECT 1 FROM inputs WHERE id = ?1))",
            (id,),
        )
