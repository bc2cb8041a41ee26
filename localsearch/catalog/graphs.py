"""The graphs that count, at most one a pack's encoder: naming one is the only commit of a graph.

Never touches a graph's folder. Invariants: a number is given once; what is dropped is remembered,
with the number of the graph that took its place, until its folder is gone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple

from localsearch.catalog.lists import execute_in
from localsearch.catalog.settings import next_value as next_of
from localsearch.deferred import dataclass

_COLUMNS = (
    "name, number, encoder_digest, rows, last_row, digest, bytes, links, ef, window, recall,"
    " queries, built_ms"
)


@dataclass(frozen=True, slots=True)
class GraphRow:
    """A graph: its folder's name, its number, what it covers and how well it finds.

    `rows` are covered, none above `last_row`; `digest` (blake3, hex) and `bytes` are of its file;
    `recall` at 20 was measured with `queries` queries at `ef` and `window`, when it was built:
    at `built_ms`, milliseconds since 1970.
    """

    name: str
    number: int
    encoder_digest: str
    rows: int
    last_row: int
    digest: str
    bytes: int
    links: int
    ef: int
    window: int
    recall: float
    queries: int
    built_ms: int


def named(conn: sqlite3.Connection, encoder_digest: str) -> GraphRow | None:
    """The graph that counts for an encoder's vectors."""
    found = conn.execute(
        f"SELECT {_COLUMNS} FROM graphs WHERE dropped IS NULL AND encoder_digest = ?",
        (encoder_digest,),
    ).fetchone()
    return None if found is None else GraphRow(*found)


def all_named(conn: sqlite3.Connection) -> list[GraphRow]:
    """The graphs that count, of all encoders, by number."""
    found = conn.execute(f"SELECT {_COLUMNS} FROM graphs WHERE dropped IS NULL ORDER BY number")
    return [GraphRow(*row) for row in found]


def next_number(conn: sqlite3.Connection) -> int:
    """A number for a new graph, never given before."""
    return next_of(conn, "graph")


def name_graph(conn: sqlite3.Connection, graph: GraphRow) -> None:
    """Let a graph count, in the place of the one that its encoder had."""
    conn.execute(
        "UPDATE graphs SET dropped = ? WHERE dropped IS NULL AND encoder_digest = ?",
        (graph.number, graph.encoder_digest),
    )
    conn.execute(
        f"INSERT INTO graphs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        astuple(graph),
    )


def drop(conn: sqlite3.Connection, name: str) -> None:
    """Let a graph that cannot be used count no more, though none takes its place."""
    conn.execute("UPDATE graphs SET dropped = number WHERE dropped IS NULL AND name = ?", (name,))


def dropped(conn: sqlite3.Connection, before_number: int | None = None) -> list[str]:
    """Names dropped for a graph with a lower number than that (None: all), oldest first."""
    limit = 2**62 if before_number is None else before_number
    found = conn.execute(
        "SELECT name FROM graphs WHERE dropped < ? ORDER BY dropped, number", (limit,)
    )
    return [row[0] for row in found]


def forget_dropped(conn: sqlite3.Connection, names: Iterable[str]) -> None:
    """Forget dropped names whose folders are gone; a name that counts is never forgotten."""
    execute_in(conn, "DELETE FROM graphs WHERE dropped IS NOT NULL AND name IN (...)", names)


def forget_all(conn: sqlite3.Connection) -> None:
    """Forget every graph: in a store that was recovered no folder of one is there."""
    conn.execute("DELETE FROM graphs")
