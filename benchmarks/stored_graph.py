"""What the catalog says of a store's graph, and where its file lies."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredGraph:
    """A graph: its hnswlib file, how it is asked, what was measured when it was made."""

    file: Path
    rows: int
    ef: int
    window: int
    recall: float


def graph_of(store: Path) -> StoredGraph:
    """The graph that the catalog names. LookupError if it names none."""
    catalog = sqlite3.connect(f"file:{store / 'catalog.sqlite'}?mode=ro", uri=True)
    try:
        found = catalog.execute(
            "SELECT name, rows, ef, window, recall FROM graphs"
            " WHERE dropped IS NULL ORDER BY number DESC LIMIT 1"
        ).fetchone()
    finally:
        catalog.close()
    if found is None:
        raise LookupError(f"{store} has no graph")
    name, rows, ef, window, recall = found
    file = store / "graphs" / name / "graph.bin"
    return StoredGraph(file, rows, ef, window, recall)


def has_graph(store: Path) -> bool:
    """Whether the catalog names one."""
    try:
        graph_of(store)
    except LookupError:
        return False
    return True
