"""Marks in a features file: which features were computed from a thumbnail.

They are as good as can be had while a photo is away, and give way to those of the photo itself.
Invariant: a content whose features gave way is *renewed* until its inputs stand on new rows, so
that a crash in between is made good by whoever comes next (`catalog.renewing`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from localsearch.catalog.lists import execute_in, select_in
from localsearch.catalog.tables import FROM_THUMBNAILS


def put(conn: sqlite3.Connection, digests: Sequence[bytes]) -> None:
    """Mark contents; one that is marked already stays as it is."""
    if digests:
        conn.execute(FROM_THUMBNAILS)
        conn.executemany(
            "INSERT INTO from_thumbnails (digest, renewed) VALUES (?, 0)"
            " ON CONFLICT (digest) DO NOTHING",
            [(digest,) for digest in digests],
        )


def renew(conn: sqlite3.Connection, digests: Sequence[bytes]) -> list[bytes]:
    """Those of them that were marked: they are renewed now."""
    found = sorted(marked(conn, digests))
    if found:
        sql = "UPDATE from_thumbnails SET renewed = 1 WHERE digest IN (...)"
        execute_in(conn, sql, found)
    return found


def marked(conn: sqlite3.Connection, digests: Iterable[bytes]) -> set[bytes]:
    """Those of them whose features are those of a thumbnail."""
    if not _is_there(conn):
        return set()
    sql = "SELECT digest FROM from_thumbnails WHERE renewed = 0 AND digest IN (...)"
    return {digest for (digest,) in select_in(conn, sql, digests)}


def all_marked(conn: sqlite3.Connection) -> set[bytes]:
    """All of these."""
    if not _is_there(conn):
        return set()
    found = conn.execute("SELECT digest FROM from_thumbnails WHERE renewed = 0")
    return {digest for (digest,) in found}


def count(conn: sqlite3.Connection) -> int:
    """How many of these there are."""
    if not _is_there(conn):
        return 0
    sql = "SELECT count(*) FROM from_thumbnails WHERE renewed = 0"
    return int(conn.execute(sql).fetchone()[0])


def renewed(conn: sqlite3.Connection) -> list[bytes]:
    """Contents whose rows are still the old ones."""
    if not _is_there(conn):
        return []
    found = conn.execute("SELECT digest FROM from_thumbnails WHERE renewed = 1")
    return [digest for (digest,) in found]


def settle(conn: sqlite3.Connection, digests: Iterable[bytes]) -> None:
    """Forget that they were renewed; what was marked anew since stays."""
    if _is_there(conn):
        sql = "DELETE FROM from_thumbnails WHERE renewed = 1 AND digest IN (...)"
        execute_in(conn, sql, digests)


def forget(conn: sqlite3.Connection, digests: Iterable[bytes]) -> None:
    """Forget all of contents that are gone."""
    if _is_there(conn):
        execute_in(conn, "DELETE FROM from_thumbnails WHERE digest IN (...)", digests)


def _is_there(conn: sqlite3.Connection) -> bool:
    sql = "SELECT 1 FROM sqlite_schema WHERE name = 'from_thumbnails'"
    return conn.execute(sql).fetchone() is not None
