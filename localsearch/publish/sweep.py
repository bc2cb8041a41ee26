"""Deletes segments that no longer count: the only place that deletes derived files.

Never touches a folder that the catalog names, nor one that was dropped less than two generations
ago: a search that still stands on an older list finds its files. Never fails a command: what is
in use, as on Windows, goes next time. Invariant: runs under `publish.lock` only, so an unnamed
folder that the catalog never heard of is no one's work in progress.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from localsearch.catalog import segment_names
from localsearch.errors import LibraryBusy
from localsearch.log import logger
from localsearch.segments.segment import FOLDER
from localsearch.writer_lock import WriterLock

if TYPE_CHECKING:
    from localsearch.catalog import Catalog

KEPT_GENERATIONS: Final = 2
"""Lists for which the files of a dropped segment stay."""

_log = logger()


def sweep_segments(catalog: Catalog, store: Path, *, lock_timeout: float = 0.0) -> tuple[str, ...]:
    """Delete what can go; gives the names. Nothing if another process publishes."""
    try:
        with WriterLock(store / "publish.lock").hold(lock_timeout, "sweeping segments"):
            return sweep_locked(catalog, store)
    except LibraryBusy:
        return ()


def sweep_locked(catalog: Catalog, store: Path) -> tuple[str, ...]:
    """As `sweep_segments`, for one who holds `publish.lock`."""
    here, forgotten = _leftovers(catalog, store)
    gone = {name for name in here if deleted(store / FOLDER / name)}
    forgotten -= set(here) - gone
    if forgotten:
        with catalog.writing("forgetting swept segments") as conn:
            segment_names.forget_dropped(conn, sorted(forgotten))
    return tuple(sorted(gone))


def has_leftovers(catalog: Catalog, store: Path) -> bool:
    """Whether a sweep might find something; reads only, so that a sync without changes may ask.

    Without the lock, what another process is writing looks like a leftover too.
    """
    return any(_leftovers(catalog, store))


def _leftovers(catalog: Catalog, store: Path) -> tuple[list[str], set[str]]:
    """Names in the folder that may go, and names that the catalog need not remember then."""
    folder = store / FOLDER
    here = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    with catalog.reading() as conn:
        named = {row.name for row in segment_names.named(conn)}
        dropped = set(segment_names.dropped(conn))
        oldest = segment_names.generation(conn) - KEPT_GENERATIONS + 1
        ripe = set(segment_names.dropped(conn, oldest))
    # Orphans were never named: their writer died, for nobody else holds the lock now.
    orphans = here - named - dropped
    return sorted((ripe & here) | orphans), ripe


def deleted(path: Path) -> bool:
    """Whether the folder is gone now; "in use" means later."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as fault:
        _log.info("a segment cannot be deleted yet: %s", fault.strerror)
        return False
    return True
