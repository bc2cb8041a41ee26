"""The open catalog of one store: a held resource over `catalog.sqlite`.

Never holds rows in memory: the modules of functions beside it take the connection of one of its
transactions. Invariant: an open catalog has the schema version of this program.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localsearch.catalog import packs
from localsearch.catalog.connection import Connection
from localsearch.catalog.database import Database
from localsearch.catalog.migrations import CATALOG, STORE_FORMAT, is_made, make, migrate
from localsearch.errors import LibraryDamaged, LibraryPackChanged, LibraryReadOnly

FILE_NAME = "catalog.sqlite"

_MADE_AFTER_IT = ("features-*.sqlite", "thumbs.sqlite", "segments/*/postings.bin")
"""What a store has only once its catalog stood."""


class Catalog:
    """Truth about inputs, tags, roots, segments and packs. Any thread may call."""

    def __init__(self, store: Path, database: Database) -> None:
        self.store = store
        self.path = database.path
        self.read_only = database.read_only
        self.schema = STORE_FORMAT
        self._database = database
        self.standing: tuple[str, int] | None = None

    def stand_on(self, pack_digest: str, era: int) -> None:
        """From now on its transactions are for one who uses this pack, with the files of this era.

        Where they see that another pack is active, or was in between, they raise
        LibraryPackChanged before anything is read or written: nothing can be mixed, and no
        features go where nobody looks.
        """
        self.standing = pack_digest, era

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state until the block ends; see `Database.reading`."""
        with self._database.reading(self._look) as conn:
            yield conn

    def _look(self, conn: Connection) -> None:
        """One statement for what nearly every read needs, in place of several: between them
        other threads would take the interpreter's lock."""
        pack_digest, conn.marks = packs.marks(conn)
        if pack_digest is not None:
            self._check_pack(conn, (pack_digest, conn.marks.get(packs.ERA, 0)))

    @contextmanager
    def writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        """A connection in a write transaction; LibraryBusy names `doing` to others."""
        with self._database.writing(doing) as conn:
            now = packs.standing(conn)
            if now is not None:
                self._check_pack(conn, now)
            yield conn

    def _check_pack(self, conn: sqlite3.Connection, now: tuple[str, int]) -> None:
        if self.standing is None or now == self.standing:
            return
        active = packs.active(conn)
        assert active is not None
        raise LibraryPackChanged(
            f"this library has changed to the pack {active.name} {active.version} meanwhile",
            hint="make the call again: it uses the new pack",
        )

    def data_version(self) -> int:
        """A number that differs once anyone, in any process, has committed."""
        return self._database.data_version()

    def complaints(self) -> list[str]:
        """What SQLite's whole check finds; reads all of the file."""
        return self._database.complaints()

    def shrink(self) -> None:
        """Give freed pages back to the file system, after a purge."""
        self._database.shrink()

    def copy_to(self, target: Path, step: Callable[[], None] = lambda: None) -> None:
        """Write a whole copy of the last committed state; see `Database.copy_to`."""
        self._database.copy_to(target, step)

    def close(self) -> None:
        """Close all connections; nothing that was committed is lost."""
        self._database.close()


def create_catalog(store: Path, *, lock_timeout: float = 10.0) -> Catalog:
    """Make the store's folder and catalog; opens it if another process was quicker.

    An empty catalog is finished (a creation was cut off) unless features lie beside it: then it
    was emptied, and is LibraryDamaged; so is a store that has lost its catalog.
    """
    check_not_lost(store)
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryReadOnly(f"{store} cannot be made: {error.strerror}") from error
    if (store / FILE_NAME).exists():
        _refuse_emptied(store)
    database = Database(
        store / FILE_NAME, lock_timeout=lock_timeout, page_size=CATALOG.page_size, create=True
    )
    return _ready(store, database, new=True)


def open_catalog(store: Path, *, read_only: bool = False, lock_timeout: float = 10.0) -> Catalog:
    """Open a store's catalog, and migrate an older one unless `read_only`.

    Raises LibraryMissing, LibraryTooNew, LibraryDamaged, LibraryReadOnly.
    """
    database = Database(store / FILE_NAME, read_only=read_only, lock_timeout=lock_timeout)
    return _ready(store, database, new=False)


def has_lost_catalog(store: Path) -> bool:
    """Whether there is no catalog although files lie here that are made after it."""
    # In this order: while another process creates the store, its catalog is there first.
    return _was_used(store) and not (store / FILE_NAME).exists()


def check_not_lost(store: Path) -> None:
    """LibraryDamaged where a new, empty library would stand in for one whose catalog is lost."""
    if has_lost_catalog(store):
        raise LibraryDamaged(
            f"{store / FILE_NAME} is missing, although other files of the library are there",
            hint="restore it from a backup (localsearch recover FILE), "
            f"or delete {store} to start anew",
        )


def _was_used(store: Path) -> bool:
    return any(any(store.glob(pattern)) for pattern in _MADE_AFTER_IT)


def _ready(store: Path, database: Database, *, new: bool) -> Catalog:
    try:
        if new:
            make(database, CATALOG)
        elif not is_made(database):
            raise _emptied(store)
        migrate(database)
    except BaseException:
        database.close()
        raise
    return Catalog(store, database)


def _refuse_emptied(store: Path) -> None:
    """Never make a fresh catalog where other files tell that there was a full one."""
    if not _was_used(store):
        return
    database = Database(store / FILE_NAME)
    try:
        if not is_made(database):
            raise _emptied(store)
    finally:
        database.close()


def _emptied(store: Path) -> LibraryDamaged:
    return LibraryDamaged(
        f"{store / FILE_NAME} is empty", hint="restore it from a backup, or make a new library"
    )
