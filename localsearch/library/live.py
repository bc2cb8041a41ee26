"""The derived state that one process holds: opened segments and tail, always swapped whole.

A damaged segment is set aside at once (its rows are answered from the features) and built anew
by the next writer; it never makes a search fail and is never trusted again. Invariant: what
`current` gives is what the transaction sees that it was given, whatever other threads have seen.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from dataclasses import replace
from pathlib import Path

from localsearch.catalog import graves, input_reads, segment_names
from localsearch.catalog.features import Features
from localsearch.errors import LibrarySegmentDamaged
from localsearch.log import logger
from localsearch.pack import Pack
from localsearch.rows import empty
from localsearch.segments.live import LiveSet, advance
from localsearch.segments.tail import empty_tail

Marks = tuple[int, int, int]
_REMEMBERED = 4  # older live sets that are used again while some search still holds them


class LiveState:
    """Keeps the newest LiveSet; thread-safe. All handles of one store in a process share it.

    It holds no open catalog or features: they come with each call and may be closed after it.
    """

    def __init__(self, pack: Pack, store: Path) -> None:
        self._pack, self._store = pack, store
        self.begin_anew()

    def begin_anew(self) -> None:
        """Hold nothing. Also for a child after a fork: a thread that is not there had the lock."""
        self._lock = threading.Lock()
        self._live: LiveSet | None = None
        self._older: list[weakref.ref[LiveSet]] = []
        self._bad: frozenset[str] = frozenset()

    def current(self, conn: sqlite3.Connection, features: Features) -> LiveSet:
        """The state that `conn`'s transaction sees."""
        marks = (segment_names.generation(conn), input_reads.last_row(conn), graves.last(conn))
        with self._lock:
            held, bad = self._held(marks), self._bad
            live = advance(held, conn, features, self._pack, self._store, bad)
            if live is not held and (self._live is None or _marks(self._live) <= _marks(live)):
                self._remember(self._live)
                self._live = live
            elif live is not held:
                self._remember(live)
            return live

    def settled(self, conn: sqlite3.Connection, features: Features) -> LiveSet:
        """As `current`, for one who does not look again: what has no files is set aside at once."""
        while True:
            try:
                return self.current(conn, features)
            except LibrarySegmentDamaged as fault:
                if not fault.missing:
                    raise
                self.set_aside(fault.segment)

    def _held(self, marks: Marks) -> LiveSet | None:
        """What to go on from: the newest, unless the transaction began before that was made.

        Publishing takes rows out of the newest tail that an older list has in no segment, so
        for such a transaction only the opened files are of use.
        """
        newest = self._live
        if newest is None or all(a <= b for a, b in zip(_marks(newest), marks, strict=True)):
            return newest
        known = [live for live in (ref() for ref in self._older) if live is not None]
        same = next((live for live in known if _marks(live) == marks), None)
        return same or replace(
            newest,
            generation=-1,
            last_row=0,
            last_grave=0,
            tail=empty_tail(self._pack.dimensions, self._pack.floors),
            graves=empty(),
            lacking=(),
            damaged=(),
            notes=(),
        )

    def _remember(self, live: LiveSet | None) -> None:
        if live is not None:
            self._older = [weakref.ref(live), *self._older[: _REMEMBERED - 1]]

    def set_aside(self, segment: str) -> None:
        """Never ask this segment again; the next `current` answers its rows from the features."""
        logger().warning("segment %s is damaged and will be built anew", segment)
        with self._lock:
            self._bad = self._bad | {segment}
            self._live, self._older = None, []

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
            self._live, self._older, self._bad = None, [], frozenset()


def _marks(live: LiveSet) -> Marks:
    return live.generation, live.last_row, live.last_grave
