"""Tags: a user's (or a file's own) word on an input, true or false.

Never a model's guess. Invariants: a name is compared casefolded (NFC) and shown as it was first
written; a user's word is never overwritten by a file's.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np

from localsearch.catalog.input_reads import LIVE, rows_from
from localsearch.catalog.lists import select_in
from localsearch.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

LONGEST_NAME = 200

COUNTED = 4096
"""A guess at a size counts so far: some 0.2 ms."""


def put(
    conn: sqlite3.Connection,
    key: int,
    tag: str,
    value: bool,
    origin: Literal["user", "file"] = "user",
) -> None:
    """Say that an input has a tag (or, `value` false, has it not)."""
    conn.execute(
        "INSERT INTO tags (input, tag, value, origin) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (input, tag) DO UPDATE SET value = excluded.value, origin = excluded.origin"
        " WHERE excluded.origin = 'user' OR tags.origin = 'file'",
        (key, _number_for(conn, tag), int(value), origin),
    )


def forget(conn: sqlite3.Connection, key: int, tag: str) -> bool:
    """Take a tag off an input; False if it had none of that name."""
    number = _number_of(conn, tag)
    done = conn.execute("DELETE FROM tags WHERE input = ? AND tag = ?", (key, number))
    return done.rowcount > 0


def tags_of(conn: sqlite3.Connection, keys: Iterable[int]) -> dict[int, dict[str, bool]]:
    """Tags of inputs, by key and name; an input without any has no entry."""
    found: dict[int, dict[str, bool]] = {}
    sql = (
        "SELECT tags.input, tag_names.name, tags.value FROM tags"
        " JOIN tag_names USING (tag) WHERE tags.input IN (...)"
        " ORDER BY tags.input, tag_names.folded"
    )
    for key, name, value in select_in(conn, sql, keys):
        found.setdefault(key, {})[name] = bool(value)
    return found


def rows_with(
    conn: sqlite3.Connection, tag: str, value: bool | None = True
) -> npt.NDArray[np.uint32]:
    """Rows whose input has the tag with that value (None: either), ascending, in any state."""
    sql = (
        "SELECT inputs.row FROM tags JOIN inputs ON inputs.key = tags.input"
        " WHERE tags.tag = ? AND tags.value BETWEEN ? AND ?"
    )
    least, most = (0, 1) if value is None else (int(value), int(value))
    return rows_from(conn, sql, (_number_of(conn, tag), least, most))


def size_with(conn: sqlite3.Connection, tag: str, value: bool = True) -> int | None:
    """How many inputs, live or not, have the tag with that value; None: more than `COUNTED`."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM tags WHERE tag = ? AND value = ? LIMIT ?)"
    asked = (_number_of(conn, tag), int(value), COUNTED + 1)
    found = int(conn.execute(sql, asked).fetchone()[0])
    return None if found > COUNTED else found


def all_tags(conn: sqlite3.Connection) -> list[tuple[str, int]]:
    """(name, live inputs of which it is true) of every tag in use, by name."""
    found = conn.execute(
        "SELECT tag_names.name,"
        f" coalesce(sum(tags.value = 1 AND {LIVE}), 0)"
        " FROM tags JOIN tag_names USING (tag) JOIN inputs ON inputs.key = tags.input"
        " GROUP BY tags.tag ORDER BY tag_names.folded"
    )
    return found.fetchall()


def _number_of(conn: sqlite3.Connection, tag: str) -> int | None:
    found = conn.execute("SELECT tag FROM tag_names WHERE folded = ?", (_folded(tag),)).fetchone()
    return None if found is None else int(found[0])


def stored_name(tag: str) -> str:
    """A tag as it is stored where it is new. InputError for what can be none."""
    name = unicodedata.normalize("NFC", tag).strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InputError(
            f"{tag!r} cannot be a tag", hint=f"1 to {LONGEST_NAME} printable characters"
        )
    return name


def _number_for(conn: sqlite3.Connection, tag: str) -> int:
    name = stored_name(tag)
    number = _number_of(conn, name)
    if number is not None:
        return number
    done = conn.execute(
        "INSERT INTO tag_names (folded, name) VALUES (?, ?) RETURNING tag", (_folded(name), name)
    )
    return int(done.fetchone()[0])


def _folded(tag: str) -> str:
    """Casefolding may undo NFC, so that comes last; a lone surrogate cannot be stored."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", tag).strip().casefold())
    return folded.encode("utf-8", "replace").decode()
