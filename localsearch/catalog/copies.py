"""What a search for duplicates and bursts asks of inputs: contents, sizes, times; as plain columns.

Never writes. A million inputs as whole rows would be gigabytes; these are a few numbers each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from localsearch.catalog.input_reads import FEATURED
from localsearch.catalog.lists import select_in
from localsearch.deferred import NamedTuple


class ContentOf(NamedTuple):
    """The content of one input: `size` in bytes, `pixels` of the upright picture, 0 if unknown.

    `mtime_ns` is that of its file, or when it was added where it has none.
    """

    key: int
    row: int
    digest: bytes
    size: int
    pixels: int
    mtime_ns: int


def contents_after(conn: sqlite3.Connection, row: int, limit: int) -> list[ContentOf]:
    """The next live inputs above a row whose content could be indexed, ascending by row.

    An input that changes while its list is read may come twice; none is passed over.
    """
    sql = (
        "SELECT key, row, digest, coalesce(size, 0),"
        " coalesce(width, 0) * coalesce(height, 0), coalesce(mtime_ns, created_ms * 1000000)"
        f" FROM inputs WHERE {FEATURED} AND row > ? ORDER BY row LIMIT ?"
    )
    return [ContentOf(*found) for found in conn.execute(sql, (row, limit))]


def count_contents(conn: sqlite3.Connection) -> int:
    """How many inputs `contents_after` gives in all."""
    return int(conn.execute(f"SELECT count(*) FROM inputs WHERE {FEATURED}").fetchone()[0])


def taken_of(conn: sqlite3.Connection, rows: Iterable[int]) -> dict[int, str]:
    """When the pictures of rows were taken, as text; those without a time are left out."""
    sql = "SELECT row, taken_at FROM inputs WHERE taken_at IS NOT NULL AND row IN (...)"
    return dict(select_in(conn, sql, rows))
