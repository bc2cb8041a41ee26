"""The derived state that one process holds: opened segments and tail, always swapped whole.

A damaged segment is set aside at once (its rows are answered from the features) and built anew
by the next writer; it never makes a search fail and is never trusted again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading

from localsearch.catalog.truth import Truth
from localsearch.pack import Pack
from localsearch.segments.live import LiveSet, advance

_log = logging.getLogger("localsearch")


class LiveState:
    """Keeps the newest LiveSet; thread-safe."""

    def __init__(self, truth: Truth, pack: Pack) -> None:
        self._truth, self._pack = truth, pack
        self._lock = threading.Lock()
        self._live: LiveSet | None = None
        self._bad: frozenset[str] = frozenset()

    def current(self, conn: sqlite3.Connection) -> LiveSet:
        """The state that `conn`'s transaction sees."""
        with self._lock:
            self._live = advance(
                self._live, conn, self._truth.features, self._pack, self._truth.store, self._bad
            )
            return self._live

    def set_aside(self, segment: str) -> None:
        """Never ask this segment again; the next `current` answers its rows from the features."""
        _log.warning("segment %s is damaged and will be built anew", segment)
        with self._lock:
            self._bad = self._bad | {segment}
            self._live = None

    def damaged(self) -> tuple[str, ...]:
        """Names of segments that were found damaged and are still named by the catalog."""
        with self._lock:
            found = self._live.damaged if self._live is not None else ()
            return tuple(sorted(self._bad.union(found)))

    def lacking(self) -> bool:
        """Whether some photos could not be shown because their features were not there."""
        with self._lock:
            return self._live is not None and bool(self._live.lacking)

    def forget(self) -> None:
        """Drop everything; the next call opens afresh."""
        with self._lock:
            self._live, self._bad = None, frozenset()
