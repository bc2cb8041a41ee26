"""One connection to one SQLite file: opened, created, copied, abandoned after a fork.

The only place that calls `sqlite3.connect`. Never begins a transaction and never knows a table.
Invariant: every connection of the house has the same settings: each commit is synced, nothing is
written outside the store, foreign keys hold.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from localsearch.durable import sync_folder
from localsearch.errors import DependencyMissing, LibraryClosed, LibraryReadOnly

OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables came with it (RETURNING and upserts are older)."""

WAL_LIMIT_BYTES = 64 << 20
"""A WAL that a long reader let grow is cut back to this at the next checkpoint."""

_COPY_PAGES = 4096
"""Pages copied between two steps: 16 MiB of the catalog, 64 MiB of the features."""

_SETTINGS = (
    "synchronous=FULL",
    "fullfsync=ON",  # macOS: a plain fsync stops at the drive's cache
    "checkpoint_fullfsync=ON",
    "foreign_keys=ON",
    "temp_store=MEMORY",  # nothing is ever written outside the store
    "trusted_schema=OFF",
    f"journal_size_limit={WAL_LIMIT_BYTES}",
)

_NOT_OPENED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)


class Connection(sqlite3.Connection):
    """A connection that remembers what the first statement of a read transaction has seen.

    `marks` are the counters of the catalog, by name, as that transaction sees them; None where
    nothing was looked up, and always while something is written.
    """

    marks: Mapping[str, int] | None = None


def marks_of(conn: sqlite3.Connection) -> Mapping[str, int] | None:
    """The counters as a read transaction of the catalog sees them; None in any other."""
    return conn.marks if isinstance(conn, Connection) else None


class Held:
    """One open connection: of which process, and how many transactions stand on it."""

    __slots__ = ("__weakref__", "connection", "depth", "pid")

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection | None = connection
        self.pid = os.getpid()
        self.depth = 0

    @property
    def usable(self) -> bool:
        """Open, and of this process."""
        return self.connection is not None and self.pid == os.getpid()

    @property
    def opened(self) -> Connection:
        """The connection, or LibraryClosed."""
        if self.connection is None:
            raise LibraryClosed("the connection was closed", hint="open the library again")
        return self.connection

    def close(self) -> None:
        """Close it; one of a parent process is abandoned."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if self.pid == os.getpid():
            connection.close()
        else:
            _abandon(connection)

    def __del__(self) -> None:
        self.close()  # the thread that owned it has ended


def _abandon(connection: sqlite3.Connection) -> None:
    """Keep a parent's connection from ever being closed here.

    Closing it would touch locks and a WAL that the parent still uses, or wait for a mutex that a
    thread of the parent held. A list would not do: it is emptied when the interpreter ends.
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def check_sqlite() -> None:
    """DependencyMissing for a SQLite library that is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise DependencyMissing(
            f"SQLite {sqlite3.sqlite_version} is too old, {needed} or newer is needed",
            hint="use a newer build of Python",
        )


def open_connection(
    path: Path, mode: str, *, timeout: float, immutable: bool = False
) -> Connection:
    """Open with SQLite's `mode` (ro, rw, rwc). Raises sqlite3.Error."""
    address = f"{path.as_uri()}?mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        address,
        uri=True,
        timeout=max(0.0, timeout),
        isolation_level=None,
        check_same_thread=False,  # `close` and a fork close those of other threads, at rest
        cached_statements=256,
        factory=Connection,
    )
    try:
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def create_file(path: Path, page_size: int, *, timeout: float) -> None:
    """Make the file, or leave it as it is; what cannot be changed later is set here."""
    if path.exists() and path.stat().st_size:
        return  # setting them again would write, at every opening
    connection = open_connection(path, "rwc", timeout=timeout)
    try:
        connection.execute(f"PRAGMA page_size={page_size}")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _switch_to_wal(connection, timeout)
    finally:
        connection.close()


def _switch_to_wal(connection: sqlite3.Connection, timeout: float) -> None:
    """Two processes that create one file at once: the switch fails busy without waiting."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def copy_file(
    connection: sqlite3.Connection, target: Path, step: Callable[[], None] = lambda: None
) -> None:
    """Copy what `connection` sees into a new file; an old `target` is replaced.

    `connection` must not be one that writes: SQLite calls it busy. `step` is called every so often
    and stops the copy by raising.
    """
    target.unlink(missing_ok=True)
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        connection.backup(copy, pages=_COPY_PAGES, progress=lambda *_: step(), sleep=0.01)
    finally:
        copy.close()
    sync_folder(target.parent)


def must_be_immutable(path: Path) -> bool:
    """True where SQLite cannot make its `-shm` and `-wal`: plain read-only mode fails there.

    With a `-wal` that holds something the file alone may be torn: LibraryReadOnly.
    """
    if os.access(path.parent, os.W_OK) and _opens_plainly(path):
        return False
    wal = path.with_name(path.name + "-wal")
    if not wal.exists() or not wal.stat().st_size:
        return True
    if _opens_plainly(path):  # its -shm is there and readable
        return False
    raise LibraryReadOnly(
        f"{path} was not closed properly and its folder cannot be written",
        hint="open it once where it can be written, or copy the store to such a place",
    )


def _opens_plainly(path: Path) -> bool:
    """Any other fault than being unable to open counts as open: it is told when it is read."""
    try:
        connection = open_connection(path, "ro", timeout=1.0)
        try:
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF not in _NOT_OPENED
    return True
