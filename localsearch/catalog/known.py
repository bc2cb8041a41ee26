"""What the catalog knows of a folder, for comparing it with what lies there now.

Never writes and never looks at a disk. Invariant: removed and missing inputs are known too, so
that they are recognised and not added again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from localsearch.catalog.inputs import IGNORED
from localsearch.catalog.places import below
from localsearch.deferred import NamedTuple
from localsearch.records import Facts

_SELECT = (
    "SELECT key, row, id, root, folder, name, size, mtime_ns, digest, state, content_state,"
    " removed FROM inputs"
)


class Known(NamedTuple):
    """A file as it was last seen.

    A named tuple, not a dataclass: a sync without a change makes one for every photo (0.4 against
    1.6 µs).
    """

    key: int
    row: int
    id: str
    root: int | None
    folder: bytes  # absolute where root is None
    name: bytes
    size: int | None
    mtime_ns: int | None
    digest: bytes | None
    state: str
    content_state: str
    removed: bool


def known_in(conn: sqlite3.Connection, root: int | None, folder: bytes) -> dict[bytes, Known]:
    """Inputs right in a folder, by name, in the order of names."""
    found = conn.execute(
        f"{_SELECT} WHERE {_of_root(root)} AND folder = ? ORDER BY name", (*_roots(root), folder)
    )
    return {one.name: one for one in _made(found)}


def known_at(
    conn: sqlite3.Connection, root: int | None, folder: bytes, name: bytes
) -> Known | None:
    """The input of exactly this path, or None."""
    found = conn.execute(
        f"{_SELECT} WHERE {_of_root(root)} AND folder = ? AND name = ?",
        (*_roots(root), folder, name),
    )
    return next(_made(found), None)


def known_below(conn: sqlite3.Connection, root: int | None, folder: bytes = b"") -> Iterator[Known]:
    """Inputs in a folder and all folders under it, by (folder, name) in byte order.

    Streams: take it to its end, or close it, inside the transaction.
    """
    yield from known_in(conn, root, folder).values()
    test = "folder >= ? AND folder < ?" if folder else "folder > x''"
    bounds = below(folder) if folder else ()
    found = conn.execute(
        f"{_SELECT} WHERE {_of_root(root)} AND {test} ORDER BY folder, name",
        (*_roots(root), *bounds),
    )
    yield from _made(found)


def folders_of(conn: sqlite3.Connection, root: int | None) -> list[bytes]:
    """Folders that hold an input of any state, in byte order.

    Byte order of whole paths is not the order of a walk: "a b" stands between "a" and "a/b".
    """
    found = conn.execute(
        f"SELECT DISTINCT folder FROM inputs WHERE {_of_root(root)} ORDER BY folder", _roots(root)
    )
    return [folder for (folder,) in found]


def places_of(conn: sqlite3.Connection, digest: bytes, limit: int = 8) -> list[Known]:
    """Inputs with this content, with or without a file, removed ones too; oldest first."""
    found = conn.execute(f"{_SELECT} WHERE digest = ? ORDER BY key LIMIT ?", (digest, limit))
    return [*_made(found)]


def missing_with(conn: sqlite3.Connection, digest: bytes, limit: int = 8) -> list[Known]:
    """Missing inputs with this content: a file that turns up elsewhere was moved from there.

    Removed ones count: a photo that was removed, and then moved, stays removed. Those that an
    ignore rule hides do not: their files are where they were.
    """
    found = conn.execute(
        f"{_SELECT} WHERE digest = ? AND state = 'missing' AND name IS NOT NULL"
        " AND reason <> ? ORDER BY key LIMIT ?",
        (digest, IGNORED, limit),
    )
    return [*_made(found)]


def shown_below(conn: sqlite3.Connection, root: int) -> dict[bytes, int]:
    """Photos that are neither missing nor removed, by first-level folder (b"": right in the root).

    What a sync compares with what it sees, before it believes that they are gone.
    """
    counts: dict[bytes, int] = {}
    found = conn.execute(
        "SELECT folder, count(*) FROM inputs"
        " WHERE root = ? AND removed = 0 AND state <> 'missing' GROUP BY folder",
        (root,),
    )
    for folder, count in found:
        first = folder.split(b"/", 1)[0]
        counts[first] = counts.get(first, 0) + count
    return counts


def _of_root(root: int | None) -> str:
    # The partial index of inputs outside every root asks for `name IS NOT NULL`.
    return "root IS NULL AND name IS NOT NULL" if root is None else "root = ?"


def _roots(root: int | None) -> tuple[int, ...]:
    return () if root is None else (root,)


def _made(found: Iterable[tuple[Any, ...]]) -> Iterator[Known]:
    for key, row, id, root, folder, name, size, mtime_ns, digest, state, content, removed in found:
        yield Known(
            key, row, id, root, folder, name, size, mtime_ns, digest, state, content, removed == 1
        )


def facts_of_digest(conn: sqlite3.Connection, digest: bytes) -> Facts | None:
    """What is known of a content that some input has, so that a copy need not be decoded."""
    found = conn.execute(
        "SELECT width, height, format, taken_at, taken_raw, lat, lon, camera FROM inputs"
        " WHERE digest = ? AND width IS NOT NULL AND content_state = 'ok' LIMIT 1",
        (digest,),
    ).fetchone()
    return None if found is None else Facts(*found)
