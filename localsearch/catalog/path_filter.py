"""Rows by the pattern of their path: each distinct folder is looked at once, then its names.

Never writes. Invariant: the rows are those whose whole path `places.glob_matcher` takes; that a
pattern is taken apart costs and saves time only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.catalog.input_reads import is_text, rows_of_text
from localsearch.catalog.places import Glob, taken_apart

if TYPE_CHECKING:
    import numpy.typing as npt

COUNTED: Final = 4096
"""A guess counts so far; beyond, nothing is known."""

# A name in which each byte is a character: NFC leaves it, so SQLite may compare it.
_PLAIN: Final = "length(CAST(name AS TEXT)) = length(name)"


def rows_of_path(
    conn: sqlite3.Connection, glob: str, root: str | None = None
) -> npt.NDArray[np.uint32]:
    """Rows whose relative path matches (see `places.glob_matcher`), ascending, in any state.

    Without `root`, paths in every root, and absolute ones of inputs outside the roots.
    """
    pattern = taken_apart(glob)
    texts: list[str] = []
    named: list[int] = []
    for key in _roots(conn, root):
        for first, last in _runs(_folders(conn, key, pattern.start), pattern):
            place, values = _place(key)
            test = f"{place} AND folder BETWEEN ? AND ?"
            bounds: Sequence[int | bytes] = (*values, first, last)
            if pattern.is_affix:
                texts += _by_affix(conn, test, bounds, pattern)
            else:
                named += _by_name(conn, test, bounds, pattern)
    rows = np.concatenate([rows_of_text(texts), np.array(named, dtype=np.uint32)])
    rows.sort()
    return rows


def size_of_path(conn: sqlite3.Connection, glob: str, root: str | None = None) -> int | None:
    """A guess at how many match: those whose path begins as the pattern does; None: not known."""
    pattern = taken_apart(glob)
    if not pattern.start:
        return None
    count = 0
    for key in _roots(conn, root):
        test, values = _place(key)
        sql = (
            f"SELECT count(*) FROM (SELECT 1 FROM inputs WHERE {test}"
            " AND folder >= ? AND folder < ? LIMIT ?)"
        )
        bounds = (pattern.start[:-1], pattern.start[:-1] + b"0")
        count += conn.execute(sql, (*values, *bounds, COUNTED - count)).fetchone()[0]
        if count >= COUNTED:
            return None
    return count


def _roots(conn: sqlite3.Connection, root: str | None) -> list[int | None]:
    if root is None:
        return [None, *(key for (key,) in conn.execute("SELECT key FROM roots ORDER BY key"))]
    if not is_text(root):
        return []
    return [key for (key,) in conn.execute("SELECT key FROM roots WHERE name = ?", (root,))]


def _place(root: int | None) -> tuple[str, tuple[int, ...]]:
    # The partial indexes of places ask for these words.
    if root is None:
        return "root IS NULL AND name IS NOT NULL", ()
    return "root = ?", (root,)


def _folders(conn: sqlite3.Connection, root: int | None, start: bytes) -> list[bytes]:
    """Distinct folders that begin with plain text (and a few more), in byte order."""
    test, values = _place(root)
    least, most = (start[:-1], start[:-1] + b"0") if start else (b"", None)
    # One look at the index for each folder, not for each photo. (With two lower bounds
    # in one statement SQLite may begin at the lower one: hence `least` in the first look only.)
    sql = (
        "WITH RECURSIVE folders (folder) AS ("
        f" SELECT (SELECT min(folder) FROM inputs WHERE {test} AND folder >= ?)"
        f" UNION ALL SELECT (SELECT min(folder) FROM inputs WHERE {test}"
        " AND folder > folders.folder) FROM folders"
        " WHERE folders.folder IS NOT NULL AND (? IS NULL OR folders.folder < ?))"
        " SELECT folder FROM folders WHERE folder IS NOT NULL AND (? IS NULL OR folder < ?)"
    )
    found = conn.execute(sql, (*values, least, *values, most, most, most, most))
    return [folder for (folder,) in found]


def _runs(folders: Iterable[bytes], pattern: Glob) -> Iterator[tuple[bytes, bytes]]:
    """First and last of neighbouring folders that match: one statement can ask for all of them."""
    for fits, run in groupby(folders, key=pattern.folders):
        if fits:
            all_of_it = [*run]
            yield all_of_it[0], all_of_it[-1]


def _by_affix(
    conn: sqlite3.Connection, test: str, values: Sequence[int | bytes], pattern: Glob
) -> Iterator[str]:
    """Texts of rows whose names are right if they begin and end so, which SQLite can tell.

    Of plain names, that is, and of an ending: what stands before it cannot change it, but a mark
    behind a beginning can. A second look asks for the others, where there are any.
    """
    fits, ends = _affixes(pattern)
    if not ends:
        sql = f"SELECT group_concat(row) FROM inputs WHERE {test}"
        yield conn.execute(sql, values).fetchone()[0] or ""
        return
    sure, known = (_PLAIN, []) if pattern.prefix else (fits, ends)
    sql = (
        f"SELECT group_concat(CASE WHEN {sure} THEN row END), count(*) FROM inputs"
        f" WHERE {test} AND ({fits} OR NOT {_PLAIN})"
    )
    text, count = conn.execute(sql, (*known, *values, *ends)).fetchone()
    yield text or ""
    if count > (text.count(",") + 1 if text else 0):
        names = pattern.names or (lambda name: True)
        sql = f"SELECT row, name FROM inputs WHERE {test} AND NOT {sure} AND NOT {_PLAIN}"
        found = conn.execute(sql, (*values, *known))
        yield ",".join(str(row) for row, name in found if names(name))


def _by_name(
    conn: sqlite3.Connection, test: str, values: Sequence[int | bytes], pattern: Glob
) -> Iterable[int]:
    """Rows of which each name is compared, but for plain ones that end otherwise."""
    fits, ends = _affixes(pattern)
    sql = f"SELECT row, folder, name FROM inputs WHERE {test}"
    if ends:
        sql += f" AND ({fits} OR NOT {_PLAIN})"
    found = conn.execute(sql, (*values, *ends))
    if pattern.is_whole:
        return (row for row, folder, name in found if pattern.matches(folder, name))
    names = pattern.names or (lambda name: True)
    return (row for row, _, name in found if names(name))


def _affixes(pattern: Glob) -> tuple[str, list[int | bytes]]:
    """What a name of plain characters must begin and end with."""
    prefix, suffix = pattern.prefix, pattern.suffix
    tests, values = list[str](), list[int | bytes]()
    if prefix:
        tests.append("substr(name, 1, ?) = ?")
        values += [len(prefix), prefix]
    if suffix:
        tests.append("substr(name, -?) = ?")
        values += [len(suffix), suffix]
    if prefix and suffix:
        tests.append("length(name) >= ?")  # the two may not overlap
        values.append(len(prefix) + len(suffix))
    return f"({' AND '.join(tests)})" if tests else "", values
