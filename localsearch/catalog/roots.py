"""Photo folders of a library: how they are called, where they were, how to know them again.

Never looks at a disk. Invariant: a root's key is never used again, so that an input never lands
in another root of the same name.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from localsearch.catalog import settings
from localsearch.catalog.input_reads import is_text
from localsearch.catalog.places import joined
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError

HOME_SETTING = "home root"
"""Setting: the key of the root that the store lies in, if it lies in one."""

SAMPLE_PHOTOS = 32
"""Enough that no other folder has the same by chance, few enough to look up in a moment."""


class RootRow(NamedTuple):
    """A root. `path` is absolute, as bytes of the operating system; `volume_path` lies inside the
    volume; `sample` holds (relative path, size) of some of its photos; `ignore` the user's rules.
    """

    key: int
    name: str
    path: bytes
    volume_id: str | None
    volume_path: bytes | None
    sample: tuple[tuple[bytes, int], ...]
    ignore: tuple[str, ...]
    online: bool


def put(
    conn: sqlite3.Connection,
    *,
    name: str,
    path: bytes,
    volume_id: str | None = None,
    volume_path: bytes | None = None,
    ignore: Sequence[str] = (),
    online: bool = True,
) -> int:
    """Add a root; gives its key. InputError for a name that another root has."""
    if not name.isprintable() or not is_text(name):
        raise InputError(
            f"{name!r} cannot be the name of a root", hint="choose printable characters: --name"
        )
    if by_name(conn, name) is not None:
        raise InputError(f"there is a root called {name!r}", hint="choose another name")
    done = conn.execute(
        "INSERT INTO roots (name, path, volume_id, volume_path, ignore, online)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING key",
        (name, path, volume_id, volume_path, json.dumps(list(ignore)), int(online)),
    )
    return int(done.fetchone()[0])


def all_roots(conn: sqlite3.Connection) -> list[RootRow]:
    """Every root, by name."""
    return [_made(conn, row) for row in conn.execute("SELECT * FROM roots ORDER BY name")]


def by_name(conn: sqlite3.Connection, name: str) -> RootRow | None:
    """The root of that name."""
    if not is_text(name):
        return None
    found = conn.execute("SELECT * FROM roots WHERE name = ?", (name,)).fetchone()
    return None if found is None else _made(conn, found)


def by_key(conn: sqlite3.Connection, key: int) -> RootRow | None:
    """The root of that key."""
    found = conn.execute("SELECT * FROM roots WHERE key = ?", (key,)).fetchone()
    return None if found is None else _made(conn, found)


class RootChanges(TypedDict, total=False):
    """What of a root may change."""

    name: str
    path: bytes
    volume_id: str | None
    volume_path: bytes | None
    sample: Sequence[tuple[bytes, int]]
    ignore: Sequence[str]
    online: bool


def replace(conn: sqlite3.Connection, key: int, **changes: Unpack[RootChanges]) -> None:
    """Change what is named of a root; the rest stays. InputError for another root's name."""
    other = by_name(conn, changes["name"]) if "name" in changes else None
    if other is not None and other.key != key:
        raise InputError(f"there is a root called {other.name!r}", hint="choose another name")
    columns: dict[str, Any] = {**changes}
    sample = columns.pop("sample", None)
    if "ignore" in columns:
        columns["ignore"] = json.dumps(list(columns["ignore"]))
    for column, value in columns.items():  # names are those of RootChanges
        conn.execute(f"UPDATE roots SET {column} = ? WHERE key = ?", (value, key))
    if sample is not None:
        _keep_sample(conn, key, sample)


def paths_now(conn: sqlite3.Connection) -> dict[int, Path]:
    """Absolute path of each root by key: where it was last seen; the home root moves with its
    store, so that a store that came along with its photos tells the right places at once."""
    found = conn.execute("SELECT key, path FROM roots")
    paths = {key: Path(os.fsdecode(path)) for key, path in found}
    home = settings.value(conn, HOME_SETTING)
    if home in paths:
        file = conn.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
        paths[home] = Path(file[0]).parent.parent
    return paths


def inputs_in(conn: sqlite3.Connection, key: int) -> int:
    """How many inputs of a root are not removed."""
    sql = "SELECT count(*) FROM inputs WHERE root = ? AND removed = 0"
    return int(conn.execute(sql, (key,)).fetchone()[0])


def take_sample(conn: sqlite3.Connection, key: int) -> tuple[tuple[bytes, int], ...]:
    """Choose photos spread evenly over a root, by path; `replace` keeps them."""
    sql = " FROM inputs WHERE root = ? AND removed = 0 AND state = 'ok' AND size IS NOT NULL"
    count = conn.execute(f"SELECT count(*){sql}", (key,)).fetchone()[0]
    every = max(1, count // SAMPLE_PHOTOS)
    found = conn.execute(f"SELECT folder, name, size{sql} ORDER BY folder, name", (key,))
    chosen = [row for place, row in enumerate(found) if place % every == 0][:SAMPLE_PHOTOS]
    return tuple((joined(folder, name), size) for folder, name, size in chosen)


def _keep_sample(conn: sqlite3.Connection, key: int, sample: Sequence[tuple[bytes, int]]) -> None:
    conn.execute("DELETE FROM root_samples WHERE root = ?", (key,))
    conn.executemany(
        "INSERT INTO root_samples (root, path, size) VALUES (?, ?, ?)",
        [(key, path, size) for path, size in sample],
    )


def _made(
    conn: sqlite3.Connection, row: tuple[int, str, bytes, str | None, bytes | None, str, int]
) -> RootRow:
    key, name, path, volume_id, volume_path, ignore, online = row
    sample = conn.execute(
        "SELECT path, size FROM root_samples WHERE root = ? ORDER BY path", (key,)
    )
    rules = tuple(json.loads(ignore))
    return RootRow(
        key, name, path, volume_id, volume_path, tuple(sample.fetchall()), rules, online == 1
    )
