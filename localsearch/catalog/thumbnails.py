"""Small JPEGs and perceptual fingerprints of contents, made in the decode that was paid anyway.

Never decodes or makes one. Invariant: what is missing here costs a decode, never an answer. So a
damaged file is no fault: it is deleted and made anew; where nothing may be written it is left
alone, and counts as empty.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from localsearch.catalog.database import Database
from localsearch.catalog.lists import execute_in, select_in
from localsearch.catalog.migrations import THUMBNAILS, is_made, make, version_of
from localsearch.errors import LibraryDamaged, LibraryMissing
from localsearch.log import logger

FILE_NAME = "thumbs.sqlite"

T = TypeVar("T")


class Thumbnails:
    """Thumbnails by content digest. Any thread may call.

    `note` tells what was wrong with the file, if anything. Without a `database` there are none,
    and none are kept.
    """

    def __init__(self, path: Path, database: Database | None, note: str = "") -> None:
        self.path, self.note = path, note
        self._database = database
        self._lock = threading.Lock()  # for replacing the file

    def put_many(self, thumbnails: Iterable[tuple[bytes, bytes, int]]) -> int:
        """Keep (digest, JPEG, fingerprint of 64 bits); gives how many were new. Known ones stay."""
        rows = [(digest, _signed(print_), jpeg) for digest, jpeg, print_ in thumbnails]

        def put(conn: sqlite3.Connection) -> int:
            done = conn.executemany(
                "INSERT INTO thumbnails (digest, fingerprint, jpeg) VALUES (?, ?, ?)"
                " ON CONFLICT (digest) DO NOTHING",
                rows,
            )
            return max(0, done.rowcount)  # -1 for nothing at all

        return self._changed("keeping thumbnails", put)

    def of(self, digest: bytes) -> bytes | None:
        """The JPEG of a content, or None."""
        sql = "SELECT jpeg FROM thumbnails WHERE digest = ?"
        found = self._asked(lambda conn: conn.execute(sql, (digest,)).fetchone(), None)
        return None if found is None else bytes(found[0])

    def fingerprints(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Fingerprints (0 to 2**64 - 1) by digest; unknown digests are left out."""
        sql = "SELECT digest, fingerprint FROM thumbnails WHERE digest IN (...)"
        return self._asked(
            lambda conn: {row[0]: row[1] % 2**64 for row in select_in(conn, sql, digests)}, {}
        )

    def have(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those digests that have a thumbnail."""
        sql = "SELECT digest FROM thumbnails WHERE digest IN (...)"
        return self._asked(
            lambda conn: {digest for (digest,) in select_in(conn, sql, digests)}, set()
        )

    def forget(self, digests: Iterable[bytes]) -> int:
        """Drop thumbnails of contents that are gone; gives how many there were."""
        sql, gone = "DELETE FROM thumbnails WHERE digest IN (...)", [*digests]
        return self._changed("forgetting thumbnails", lambda conn: execute_in(conn, sql, gone))

    def count(self) -> int:
        """How many thumbnails there are."""
        sql = "SELECT count(*) FROM thumbnails"
        return self._asked(lambda conn: int(conn.execute(sql).fetchone()[0]), 0)

    def complaints(self) -> list[str]:
        """What SQLite's whole check finds; reads all of the file."""
        return self._database.complaints() if self._database is not None else [self.note]

    def shrink(self) -> None:
        """Give freed pages back to the file system."""
        database = self._database
        if database is not None:
            try:
                database.shrink()
            except LibraryDamaged as fault:
                self._replace(database, fault)

    def renew(self) -> None:
        """Put a new, empty file in the place of a damaged one; thumbnails are made as needed."""
        if self._database is not None:
            self._replace(self._database, LibraryDamaged(f"{self.path} is damaged"))

    def copy_to(self, target: Path, step: Callable[[], None] = lambda: None) -> bool:
        """Write a whole copy of the last committed state; False where there is none to copy."""
        database = self._database
        if database is None:
            return False
        database.copy_to(target, step)
        return True

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._database is not None:
                self._database.close()

    def _asked(self, ask: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What `ask` finds; `otherwise` where the file is damaged."""
        database = self._database
        if database is None:
            return otherwise
        try:
            with database.reading() as conn:
                return ask(conn)
        except LibraryDamaged as fault:
            self._replace(database, fault)
            return otherwise

    def _changed(self, doing: str, change: Callable[[sqlite3.Connection], int]) -> int:
        """What `change` gives; a damaged file is made anew first."""
        database = self._database
        if database is None:
            return 0
        try:
            with database.writing(doing) as conn:
                return change(conn)
        # Missing: another process has found the damage and put a new file there.
        except (LibraryDamaged, LibraryMissing) as fault:
            database = self._replace(database, fault)
        if database is None:
            return 0
        with database.writing(doing) as conn:
            return change(conn)

    def _replace(self, old: Database, fault: Exception) -> Database | None:
        """Another database for one that turned out damaged or gone while it was open."""
        with self._lock:
            if self._database is old:
                old.close()
                damaged = isinstance(fault, LibraryDamaged)
                self._database, self.note = _anew(
                    self.path, old.read_only, old.lock_timeout, delete=damaged
                )
            return self._database


def open_thumbnails(
    store: Path, *, read_only: bool = False, lock_timeout: float = 10.0
) -> Thumbnails:
    """Open a store's thumbnails, making the file if it is not there (LibraryMissing if
    `read_only`: then there are none). A damaged file is made anew, and `note` tells it."""
    path = store / FILE_NAME
    if read_only and not path.exists():
        raise LibraryMissing(f"there is no {path}", hint="sync once without read_only")
    try:
        return Thumbnails(path, _opened(path, read_only, lock_timeout))
    except LibraryDamaged:
        return Thumbnails(path, *_anew(path, read_only, lock_timeout))


def no_thumbnails(store: Path) -> Thumbnails:
    """Those of a store that has none and may not be written."""
    path = store / FILE_NAME
    return Thumbnails(path, None, f"there is no {path}")


def _anew(
    path: Path, read_only: bool, lock_timeout: float, *, delete: bool = True
) -> tuple[Database | None, str]:
    """(a new empty file in place of a damaged one, what to tell); None if it cannot be replaced."""
    if read_only:
        return None, _told(f"{path.name} is damaged: thumbnails are made from the photos")
    try:
        for end in ("", "-wal", "-shm") if delete else ():
            path.with_name(path.name + end).unlink(missing_ok=True)
    except OSError as fault:  # Windows: another process has it open
        return None, _told(f"{path.name} is damaged and cannot be deleted: {fault.strerror}")
    note = _told(f"{path.name} was damaged and is made anew")
    return _opened(path, read_only, lock_timeout), note


def _told(note: str) -> str:
    logger().warning("%s", note)
    return note


def _opened(path: Path, read_only: bool, lock_timeout: float) -> Database:
    database = Database(
        path,
        read_only=read_only,
        lock_timeout=lock_timeout,
        page_size=THUMBNAILS.page_size,
        create=not read_only,
    )
    try:
        if not read_only:
            make(database, THUMBNAILS)
        elif not is_made(database):
            raise LibraryDamaged(f"{path} is empty")
        version_of(database, THUMBNAILS)
    except BaseException:
        database.close()
        raise
    return database


def _signed(fingerprint: int) -> int:
    """SQLite's integers have a sign."""
    return fingerprint - 2**64 if fingerprint >= 2**63 else fingerprint
