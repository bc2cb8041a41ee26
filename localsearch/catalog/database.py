"""One SQLite file: a connection a thread, transactions, and errors in the words of the house.

Never knows a table. Invariants: a connection is used by the thread that opened it (others only
close it, while it rests); every read inside `reading()` sees one snapshot; every write inside
`writing()` is there whole or not at all; no `sqlite3.Error` leaves either of them.

Each thread has up to two connections, one that cannot write (`query_only`) and one that writes:
so a write inside a read is a transaction of its own and the reader keeps its snapshot, while a
read inside a write sees what is being written.

Forks wait a little for transactions of other threads (`forks.inside`). Connections at rest are
closed before one; those in use are abandoned, never closed, in the child, which opens its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from localsearch.catalog.connection import (
    Connection,
    Held,
    check_sqlite,
    copy_file,
    create_file,
    must_be_immutable,
    open_connection,
)
from localsearch.catalog.faults import in_our_words
from localsearch.catalog.forks import inside, watch
from localsearch.errors import LibraryBusy, LibraryClosed, LibraryMissing, LibraryReadOnly

Role = Literal["reader", "writer"]
First = Callable[[Connection], None]
"""What a read transaction does first: it must read something."""


def _take_snapshot(conn: Connection) -> None:
    # Only a read makes SQLite take its snapshot.
    conn.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()


class Database:
    """One SQLite file; any thread may call; closes what it opened.

    `create` makes the file if it is not there (page size and incremental vacuum are fixed then).
    Raises LibraryMissing, LibraryReadOnly (a folder that cannot be written and no `read_only`),
    LibraryDamaged.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        lock_timeout: float = 10.0,
        page_size: int = 4096,
        create: bool = False,
    ) -> None:
        check_sqlite()
        self.path = path.absolute()
        self.read_only = read_only
        self.lock_timeout = max(0.0, lock_timeout)
        self._local = threading.local()
        self._all: weakref.WeakSet[Held] = weakref.WeakSet()
        self._watcher: Held | None = None
        self._watchers = 0
        self._closed = False
        self._writing: tuple[str, float] = ("", 0.0)
        self._renew_locks()
        self._check_place(create)
        self._immutable = read_only and must_be_immutable(self.path)
        if create:
            with self._translated():
                create_file(self.path, page_size, timeout=self.lock_timeout)
        watch(self)

    def _renew_locks(self) -> None:
        self._lock = threading.Lock()  # for the fields; held for moments only
        self._writer = threading.Lock()  # one writer a process: fairer than SQLite's polling

    # --- transactions ---

    @contextmanager
    def reading(self, first: First = _take_snapshot) -> Iterator[Connection]:
        """A connection that sees one state of the file until the block ends.

        Inside another `reading` or `writing` of this thread it is that one's connection, and
        `first` is not done again: both see what is seen already.
        """
        writer = self._mine("writer")
        role: Role = "writer" if writer is not None and writer.depth else "reader"
        with self._read(role, first) as conn:
            yield conn

    @contextmanager
    def _read(self, role: Role, first: First = _take_snapshot) -> Iterator[Connection]:
        with inside():
            held = self._enter(role)
            try:
                with self._translated():
                    conn = held.opened
                    if held.depth == 1:
                        conn.execute("BEGIN")
                        first(conn)
                    yield conn
            finally:
                self._leave(held)

    @contextmanager
    def writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        """A connection in a write transaction: kept when the block ends, undone if it raises.

        `doing` is what others are told while they wait. Inside another `writing` of this thread
        it is a savepoint of that one. Raises LibraryBusy after `lock_timeout`, LibraryReadOnly,
        LibraryFull.
        """
        if self.read_only:
            raise LibraryReadOnly(
                f"{self.path} was opened read-only", hint="open the library without read_only"
            )
        outer = self._mine("writer")
        if outer is not None and outer.depth:
            with self._savepoint(outer) as conn:
                yield conn
            return
        deadline = time.monotonic() + self.lock_timeout
        if not self._writer.acquire(timeout=self.lock_timeout):
            raise self._busy_here()
        try:
            self._writing = (doing, time.time())
            with inside(), self._transaction(deadline) as conn:
                yield conn
        finally:
            self._writing = ("", 0.0)
            if self._writer.locked():  # not in a child that was forked inside
                self._writer.release()

    @contextmanager
    def _transaction(self, deadline: float) -> Iterator[sqlite3.Connection]:
        held = self._enter("writer")
        try:
            with self._translated():
                conn = held.opened
                left_ms = max(0, round((deadline - time.monotonic()) * 1000))
                conn.execute(f"PRAGMA busy_timeout={left_ms}")
                conn.execute("BEGIN IMMEDIATE")
                yield conn
                conn.execute("COMMIT")
        finally:
            self._leave(held)  # undoes what was not committed

    @contextmanager
    def _savepoint(self, held: Held) -> Iterator[sqlite3.Connection]:
        conn = held.opened
        name = f"inner{held.depth}"
        held.depth += 1
        try:
            with self._translated():
                conn.execute(f"SAVEPOINT {name}")
                try:
                    yield conn
                except BaseException:
                    if conn.in_transaction:  # a full disk undoes all by itself
                        conn.execute(f"ROLLBACK TO {name}")
                        conn.execute(f"RELEASE {name}")
                    raise
                conn.execute(f"RELEASE {name}")
        finally:
            held.depth -= 1

    def data_version(self) -> int:
        """A number that differs from the last one when anyone has committed in between.

        Of all threads and processes; compare for equality only.
        """
        with inside(), self._lock, self._translated():
            self._check_open()
            if self._watcher is None or not self._watcher.usable:
                self._watcher = self._connect("reader")
                self._watchers += 1
            found = self._watcher.opened.execute("PRAGMA data_version").fetchone()
            return (self._watchers << 32) | int(found[0])

    # --- care of the file ---

    def complaints(self) -> list[str]:
        """What SQLite's own whole check finds; empty when the file is sound. Reads all of it."""
        with self.reading() as conn:
            rows = conn.execute("PRAGMA integrity_check").fetchall()
            found = [str(row[0]) for row in rows if row[0] != "ok"]
            for table, rowid, parent, _ in conn.execute("PRAGMA foreign_key_check"):
                found.append(f"{table} row {rowid} points at nothing in {parent}")
        return found

    def shrink(self) -> None:
        """Give pages that a purge freed back to the file system."""
        with self.writing("giving back space") as conn:
            # Python's `execute` takes one step of this pragma, and a step frees one page.
            for _ in range(conn.execute("PRAGMA freelist_count").fetchone()[0]):
                conn.execute("PRAGMA incremental_vacuum(1)")

    def copy_to(self, target: Path, step: Callable[[], None] = lambda: None) -> None:
        """Write a whole copy of the last committed state; an old `target` is replaced.

        Others go on writing meanwhile. `step` is called every so often and stops it by raising.
        """
        with self._read("reader") as conn:
            copy_file(conn, target, step)

    def close(self) -> None:
        """Close all connections; one that another thread is using closes as that use ends."""
        with self._lock:
            self._closed = True
            for held in [*self._all]:
                if not held.depth:
                    held.close()
            self._watcher = None

    # --- connections ---

    def _mine(self, role: Role) -> Held | None:
        held: Held | None = getattr(self._local, role, None)
        return held if held is not None and held.usable else None

    def _enter(self, role: Role) -> Held:
        with self._lock:  # opening too: a fork must not meet a half-opened connection
            self._check_open()
            held = self._mine(role)
            if held is None:
                held = self._connect(role)
                setattr(self._local, role, held)
            held.depth += 1
            return held

    def _leave(self, held: Held) -> None:
        conn = held.connection
        if held.depth == 1 and conn is not None:
            conn.marks = None
        if held.depth == 1 and conn is not None and held.usable and conn.in_transaction:
            try:
                conn.execute("ROLLBACK")
            except sqlite3.Error:
                held.close()  # the next use opens anew
        with self._lock:
            held.depth -= 1
            if self._closed and not held.depth:
                held.close()

    def _connect(self, role: Role) -> Held:
        mode = "ro" if self.read_only else "rw"
        with self._translated():
            conn = open_connection(
                self.path, mode, timeout=self.lock_timeout, immutable=self._immutable
            )
            conn.execute(f"PRAGMA query_only={'ON' if role == 'reader' else 'OFF'}")
        held = Held(conn)
        self._all.add(held)
        return held

    def _check_open(self) -> None:
        if self._closed:
            raise LibraryClosed(f"{self.path.parent} was closed", hint="open the library again")

    def _check_place(self, create: bool) -> None:
        if not create and not self.path.is_file():
            raise LibraryMissing(f"there is no {self.path}", hint="make a library with: init")
        if self.read_only:
            return
        places = [self.path.parent, *([self.path] if self.path.exists() else [])]
        if not all(os.access(place, os.W_OK) for place in places):
            raise LibraryReadOnly(
                f"{self.path} cannot be written", hint="open the library with read_only=True"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise in_our_words(error, self.path) from error

    def _busy_here(self) -> LibraryBusy:
        doing, since = self._writing
        return LibraryBusy(
            f"this process is already writing ({doing or 'unknown'})",
            hint=f"waited {self.lock_timeout:g} s; try again, or raise lock_timeout",
            pid=os.getpid(),
            since=since or None,
            doing=doing,
        )

    # --- forks ---

    def before_fork(self) -> None:
        """Close what rests, and let nobody begin until the fork is done."""
        self._lock.acquire()
        for held in [*self._all]:
            if not held.depth:
                held.close()

    def after_fork_in_parent(self) -> None:
        """Go on; connections are opened again when they are needed."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: locks may be held by threads that are not here."""
        self._renew_locks()
        self._local = threading.local()
        for held in [*self._all]:
            held.close()  # of another process: abandoned
        self._all.clear()
        self._watcher = None
