"""The graph that one process holds: loaded behind the searches, always swapped whole.

No search waits for it: while there is none in memory, `view` says so and the search scans. What
is wrong with a graph (no hnswlib, no memory, a damaged file) costs speed only and is told in
words. Never builds or deletes one. Invariants: hnswlib sees no file whose digest was not
compared, and is imported only where a child process has lived through it; a graph stays right for
ever (its rows are right or dead), so an older one answers until the newer one is in memory.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final

from localsearch.catalog import graphs
from localsearch.catalog.graphs import GraphRow
from localsearch.deferred import dataclass
from localsearch.errors import LibrarySegmentDamaged, LocalsearchError
from localsearch.graph import FOLDER, OpenGraph, available, open_graph
from localsearch.graph.files import Stopped
from localsearch.graph.hnsw import bytes_of
from localsearch.graph.trial import begin_anew as try_anew
from localsearch.log import logger
from localsearch.machine import lower_thread_priority
from localsearch.publish.graph_plan import FLOOR, Mode
from localsearch.publish.graphs import told_of

if TYPE_CHECKING:
    import sqlite3

    from localsearch.pack import Pack

DELAY_SECONDS: Final = 0.5
"""Between the first visual query and the loading: a process that asks once is gone by then."""

_PATIENCE_SECONDS: Final = 5.0  # of `close`; hnswlib's reading of a file cannot be stopped
_log = logger()


@dataclass
class _Loading:
    """One thread's work; `ended` is set whatever becomes of it."""

    row: GraphRow
    hurry: threading.Event
    stopped: threading.Event
    ended: threading.Event
    thread: threading.Thread | None = None

    def asleep(self) -> None:
        """Let the process that asks only once go first."""
        until = time.monotonic() + DELAY_SECONDS
        while time.monotonic() < until and not self.stopped.is_set():
            if self.hurry.wait(0.02):
                return


class GraphState:
    """Keeps the newest graph in memory; thread-safe. All handles of one store and process share it.

    `mode`: "never" loads none; "always" also trusts the hnswlib of a frozen program. `memory`:
    bytes that a graph may take.
    """

    def __init__(self, pack: Pack, store: Path, mode: Mode = "auto", memory: int = 1 << 31) -> None:
        self._encoder, self._dimensions = pack.encoder_digest, pack.dimensions
        self._folder, self.mode, self._memory = store / FOLDER, mode, memory
        self._hold_nothing()
        _ALL.add(self)

    def begin_anew(self) -> None:
        """In a child after a fork: the loading thread is in the parent only, and it may have held
        the locks."""
        try_anew()
        self._hold_nothing()

    def _hold_nothing(self) -> None:
        self._lock = threading.Lock()
        self._open: OpenGraph | None = None
        self._loading: _Loading | None = None
        self._refused: dict[str, str] = {}  # name -> why it is not used
        self._damaged: frozenset[str] = frozenset()
        self._number = 0  # of the open one
        self._closed = False

    def view(self, conn: sqlite3.Connection) -> OpenGraph | None:
        """The graph to ask for a visual query, if one is in memory. Returns at once.

        Begins to load the one that `conn`'s transaction names; until then an older one answers.
        """
        if self.mode == "never":
            return None
        row = graphs.named(conn, self._encoder)
        with self._lock:
            if row is None or self._closed:
                return None
            # A transaction that began before the open one was named is answered by it too.
            if self._open is not None and self._number >= row.number:
                return self._open
            if row.name not in self._refused and self._loading is None:
                self._begin(row)
            return self._open

    def ready(self, conn: sqlite3.Connection, timeout: float) -> bool:
        """Load it now if need be and wait; whether the graph that is named is in memory."""
        until = time.monotonic() + timeout
        while True:
            self.view(conn)
            with self._lock:
                loading = self._loading
            if loading is None:
                break
            loading.hurry.set()
            if not loading.ended.wait(max(until - time.monotonic(), 0.0)):
                return False
        row = graphs.named(conn, self._encoder)
        with self._lock:
            return row is not None and self._open is not None and self._number >= row.number

    def words(self, conn: sqlite3.Connection) -> str:
        """What answers visual queries, and why: one sentence."""
        if self.mode == "never":
            return 'a scan answers: opened with graph="never"'
        row = graphs.named(conn, self._encoder)
        if row is None:
            return "a scan answers: no graph is built"
        found = f"{row.rows:,} rows, finds {row.recall:.3f} of the best 20 at ef {row.ef}"
        with self._lock:
            if self._open is not None and self._open.name == row.name:
                return f"graph {row.name} answers: {found}"
            reason = self._refused.get(row.name) or self._unfit(row)
            if reason:
                return f"a scan answers: {reason}"
            state = "is being loaded" if self._loading else "is loaded at the first visual query"
            return f"a scan answers until graph {row.name} {state}: {found}"

    def damaged(self) -> frozenset[str]:
        """Names of graphs that could not be read: to be built anew."""
        with self._lock:
            return self._damaged

    def forget(self) -> None:
        """Drop what is in memory and what is known of files; the next query loads afresh."""
        self._stop()
        with self._lock:
            self._open, self._refused, self._damaged = None, {}, frozenset()

    def close(self) -> None:
        """Load nothing any more, and drop what is in memory; a search that holds it goes on."""
        with self._lock:
            self._closed = True
        self.forget()

    def _unfit(self, row: GraphRow) -> str:
        """Why this graph is not loaded, or nothing."""
        need = bytes_of(row.rows, self._dimensions)
        if row.recall < FLOOR:
            return f"the graph finds {row.recall:.3f} of the best 20, less than {FLOOR}"
        if need > self._memory:
            return (
                f"the graph takes {need >> 20} MiB, and the memory budget is"
                f" {self._memory >> 20} MiB"
            )
        return ""

    def _begin(self, row: GraphRow) -> None:
        """Start the thread; the lock is held."""
        reason = self._unfit(row)
        if reason:
            self._refused[row.name] = reason
            return
        if self._open is not None and 2 * bytes_of(row.rows, self._dimensions) > self._memory:
            self._open = None  # both at once would be too much: a scan answers for some seconds
        loading = _Loading(row, threading.Event(), threading.Event(), threading.Event())
        # A daemon: a program that ends never waits for more than the piece in hand.
        loading.thread = threading.Thread(
            target=self._load, args=(loading,), name="localsearch-graph-loading", daemon=True
        )
        try:
            loading.thread.start()
        except RuntimeError:  # the interpreter ends
            return
        self._loading = loading

    def _load(self, loading: _Loading) -> None:
        opened, reason, damaged = None, "", False
        try:
            lower_thread_priority()
            loading.asleep()
            if not loading.stopped.is_set():
                reason = available(vouched=self.mode == "always") or ""
            if not reason:
                told = told_of(loading.row, self._dimensions)
                folder = self._folder / loading.row.name
                opened = open_graph(folder, told, loading.stopped.is_set)
        except Stopped:
            pass
        except LibrarySegmentDamaged as fault:
            reason, damaged = fault.message, True
        except (LocalsearchError, MemoryError, OSError) as fault:
            reason = f"the graph cannot be loaded: {fault or 'the system has no memory for it'}"
        finally:
            self._ended(loading, opened, reason, damaged)

    def _ended(
        self, loading: _Loading, opened: OpenGraph | None, reason: str, damaged: bool
    ) -> None:
        name = loading.row.name
        with self._lock:
            if self._loading is loading:
                self._loading = None
                if reason:
                    self._refused[name] = reason
                if damaged:
                    self._damaged |= {name}
                if opened is not None:
                    self._open, self._number = opened, loading.row.number
        if reason:
            _log.warning("graph %s is not used", name)
        loading.ended.set()

    def _stop(self) -> None:
        """End the loading; waits for the thread, which looks up after each piece of the file."""
        with self._lock:
            loading, self._loading = self._loading, None
        if loading is not None and loading.thread is not None:
            loading.stopped.set()
            loading.hurry.set()
            loading.thread.join(_PATIENCE_SECONDS)


_ALL: weakref.WeakSet[GraphState] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Before the interpreter tears down what the threads stand on."""
    for state in [*_ALL]:
        state.close()
