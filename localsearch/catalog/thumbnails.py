"""Small JPEGs and perceptual fingerprints of contents, made in the decode that was paid anyway.

Never decodes or makes one. Invariant: what is missing here costs a decode, never an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from localsearch.catalog.database import Database
from localsearch.catalog.lists import execute_in, select_in
from localsearch.catalog.migrations import THUMBNAILS, is_made, make, version_of
from localsearch.errors import LibraryDamaged, LibraryMissing

FILE_NAME = "thumbs.sqlite"


class Thumbnails:
    """Thumbnails by content digest. Any thread may call."""

    def __init__(self, database: Database) -> None:
        self.path = database.path
        self._database = database

    def put_many(self, thumbnails: Iterable[tuple[bytes, bytes, int]]) -> int:
        """Keep (digest, JPEG, fingerprint of 64 bits); gives how many were new. Known ones stay."""
        rows = [(digest, _signed(print_), jpeg) for digest, jpeg, print_ in thumbnails]
        with self._database.writing("keeping thumbnails") as conn:
            done = conn.executemany(
                "INSERT INTO thumbnails (digest, fingerprint, jpeg) VALUES (?, ?, ?)"
                " ON CONFLICT (digest) DO NOTHING",
                rows,
            )
            return max(0, done.rowcount)  # -1 for nothing at all

    def of(self, digest: bytes) -> bytes | None:
        """The JPEG of a content, or None."""
        with self._database.reading() as conn:
            sql = "SELECT jpeg FROM thumbnails WHERE digest = ?"
            found = conn.execute(sql, (digest,)).fetchone()
        return None if found is None else bytes(found[0])

    def fingerprints(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Fingerprints (0 to 2**64 - 1) by digest; unknown digests are left out."""
        sql = "SELECT digest, fingerprint FROM thumbnails WHERE digest IN (...)"
        with self._database.reading() as conn:
            return {row[0]: row[1] % 2**64 for row in select_in(conn, sql, digests)}

    def have(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those digests that have a thumbnail."""
        sql = "SELECT digest FROM thumbnails WHERE digest IN (...)"
        with self._database.reading() as conn:
            return {digest for (digest,) in select_in(conn, sql, digests)}

    def forget(self, digests: Iterable[bytes]) -> int:
        """Drop thumbnails of contents that are gone; gives how many there were."""
        with self._database.writing("forgetting thumbnails") as conn:
            return execute_in(conn, "DELETE FROM thumbnails WHERE digest IN (...)", digests)

    def count(self) -> int:
        """How many thumbnails there are."""
        with self._database.reading() as conn:
            return int(conn.execute("SELECT count(*) FROM thumbnails").fetchone()[0])

    def complaints(self) -> list[str]:
        """What SQLite's whole check finds; reads all of the file."""
        return self._database.complaints()

    def shrink(self) -> None:
        """Give freed pages back to the file system."""
        self._database.shrink()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


def open_thumbnails(
    store: Path, *, read_only: bool = False, lock_timeout: float = 10.0
) -> Thumbnails:
    """Open a store's thumbnails, making the file if it is not there (LibraryMissing if
    `read_only`: then there are none)."""
    path = store / FILE_NAME
    if read_only and not path.exists():
        raise LibraryMissing(f"there is no {path}", hint="sync once without read_only")
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
            raise LibraryDamaged(f"{path} is empty", hint="delete it and sync")
        version_of(database, THUMBNAILS)
    except BaseException:
        database.close()
        raise
    return Thumbnails(database)


def _signed(fingerprint: int) -> int:
    """SQLite's integers have a sign."""
    return fingerprint - 2**64 if fingerprint >= 2**63 else fingerprint
