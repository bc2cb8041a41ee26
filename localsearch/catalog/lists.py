"""Long lists of values in SQL: asked for in chunks of a few fixed sizes.

Never builds a temporary table (a reader cannot write) and never puts a value into the text of a
statement. Invariant: every value is asked for at least once, and rows come back once a chunk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

SIZES = (1, 8, 64, 512)
"""Lists are filled up to one of these with their last value, so that SQLite prepares four texts.

json_each would need one text, but cannot carry blobs; SQLite's own limit is 32,766 (from 3.32).
"""


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut into lists of at most the largest size."""
    rest = iter(values)
    while chunk := list(islice(rest, SIZES[-1])):
        yield chunk


def select_in(
    connection: sqlite3.Connection, sql: str, values: Iterable[Any], *before: Any
) -> Iterator[tuple[Any, ...]]:
    """Rows of `sql`, whose `(...)` stands for the list; `before` are parameters ahead of it."""
    for chunk in chunks(values):
        text, filled = _filled(sql, chunk)
        yield from connection.execute(text, (*before, *filled))


def execute_in(connection: sqlite3.Connection, sql: str, values: Iterable[Any]) -> int:
    """Run a statement that gives no rows for each chunk; gives how many rows it changed."""
    changed = 0
    for chunk in chunks(values):
        text, filled = _filled(sql, chunk)
        changed += connection.execute(text, filled).rowcount
    return changed


def _filled(sql: str, chunk: Sequence[Any]) -> tuple[str, list[Any]]:
    size = next(size for size in SIZES if size >= len(chunk))
    filled = [*chunk, *([chunk[-1]] * (size - len(chunk)))]
    return sql.replace("(...)", f"({','.join('?' * size)})"), filled
