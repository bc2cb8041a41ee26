"""Deletes graphs that no longer count.

The one that was dropped last stays, for a reader that is loading it; older ones go, as a graph
takes gigabytes and who misses its file loads the newest. Never fails a command: what is in use
goes next time. Invariant: runs under `graph.lock` only, so an unnamed folder is no one's work.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from localsearch.catalog import graphs
from localsearch.errors import LibraryBusy
from localsearch.graph.files import FOLDER
from localsearch.publish.sweep import deleted
from localsearch.writer_lock import WriterLock

if TYPE_CHECKING:
    from localsearch.catalog import Catalog

LOCK: Final = "graph.lock"


def sweep_graphs(catalog: Catalog, store: Path) -> tuple[str, ...]:
    """Delete what can go; gives the names. Nothing if another process builds."""
    try:
        with WriterLock(store / LOCK).hold(0.0, "sweeping graphs"):
            return sweep_locked(catalog, store)
    except LibraryBusy:
        return ()


def sweep_locked(catalog: Catalog, store: Path) -> tuple[str, ...]:
    """As `sweep_graphs`, for one who holds `graph.lock`."""
    folder = store / FOLDER
    here = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    with catalog.reading() as conn:
        counting = graphs.all_named(conn)
        dropped = set(graphs.dropped(conn))
        # Where none counts any more, the last one was found damaged: nobody loads that.
        ripe = set(graphs.dropped(conn, max((row.number for row in counting), default=None)))
    orphans = here - dropped - {row.name for row in counting}
    gone = {name for name in (ripe & here) | orphans if deleted(folder / name)}
    forgotten = ripe - (here - gone)
    if forgotten:
        with catalog.writing("forgetting swept graphs") as conn:
            graphs.forget_dropped(conn, sorted(forgotten))
    return tuple(sorted(gone))
