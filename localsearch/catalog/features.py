"""What an encoder said of contents: digest -> unit vector and raw logits, as half floats.

Never holds a probability, a name or a path: new names and calibrations cost no inference. One
file an encoder. Invariant: all vectors of a file have one length, and so have all logits.

Features that a reindex computed from a thumbnail are *marked*, and give way to those of the photo
itself (`catalog.marks`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from localsearch.catalog import marks
from localsearch.catalog.database import Database
from localsearch.catalog.lists import chunks, execute_in, select_in
from localsearch.catalog.migrations import FEATURES, is_made, make, version_of
from localsearch.durable import move
from localsearch.errors import LibraryDamaged, LibraryError, LibraryMissing

if TYPE_CHECKING:
    import numpy.typing as npt

Halves: TypeAlias = "npt.NDArray[np.float16]"
Feature = tuple[bytes, Halves, Halves]

PAGE_ROWS = 4096
"""Digests that an iteration holds at once, and reads in one transaction."""


class Features:
    """The features of one encoder. Any thread may call."""

    def __init__(
        self, database: Database, encoder_digest: str, dimensions: int, classes: int
    ) -> None:
        self.path = database.path
        self.encoder_digest = encoder_digest
        self.dimensions = dimensions
        self.classes = classes
        self._database = database

    def put_many(self, features: Iterable[Feature], *, from_thumbnails: bool = False) -> int:
        """Keep (digest, vector [D], logits [K]); gives how many were new. Known ones stay.

        But those that came from a thumbnail give way to those that did not; `renewed` tells them
        until `settle`. With `from_thumbnails` the new ones are marked as such.
        """
        rows = [
            (digest, self._bytes(vector, self.dimensions), self._bytes(logits, self.classes))
            for digest, vector, logits in features
        ]
        with self._writing("keeping features") as conn:
            known = [row[0] for row in rows]
            if from_thumbnails:
                new = set(known) - _have(conn, known)
                marks.put(conn, sorted(new))
            elif give_way := marks.renew(conn, known):
                execute_in(conn, "DELETE FROM features WHERE digest IN (...)", give_way)
            done = conn.executemany(
                "INSERT INTO features (digest, vector, logits) VALUES (?, ?, ?)"
                " ON CONFLICT (digest) DO NOTHING",
                rows,
            )
            return max(0, done.rowcount)  # -1 for nothing at all

    def of(self, digests: Iterable[bytes]) -> dict[bytes, tuple[Halves, Halves]]:
        """Vector and logits by digest; unknown digests are left out."""
        wanted = list(dict.fromkeys(digests))
        vectors, logits, found = self.arrays_of(wanted)
        return {wanted[at]: (vectors[at], logits[at]) for at in np.flatnonzero(found)}

    def arrays_of(self, digests: Sequence[bytes]) -> tuple[Halves, Halves, npt.NDArray[np.bool_]]:
        """float16 [n, D], float16 [n, K], bool [n], in the order asked; unknown ones are zeros."""
        vectors = np.zeros((len(digests), self.dimensions), np.float16)
        logits = np.zeros((len(digests), self.classes), np.float16)
        found = np.zeros(len(digests), np.bool_)
        with self._reading() as conn:
            at = 0
            for chunk in chunks(digests):
                span = slice(at, at + len(chunk))
                self._fill(conn, chunk, vectors[span], logits[span], found[span])
                at += len(chunk)
        return vectors, logits, found

    def have(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those digests that have features."""
        with self._reading() as conn:
            return _have(conn, digests)

    def have_whole(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those digests that have features of the photo itself, not of its thumbnail."""
        wanted = [*digests]
        with self._reading() as conn:
            return _have(conn, wanted) - marks.marked(conn, wanted)

    def from_thumbnails(self) -> int:
        """How many contents have features of their thumbnail only."""
        with self._reading() as conn:
            return marks.count(conn)

    def renewed(self) -> list[bytes]:
        """Contents whose features gave way to better ones, and whose rows still say the old."""
        with self._reading() as conn:
            return marks.renewed(conn)

    def settle(self, digests: Iterable[bytes]) -> None:
        """Their rows are new ones now, or nobody uses these features yet: `renewed` no more."""
        gone = [*digests]
        if gone:
            with self._writing("settling features") as conn:
                marks.settle(conn, gone)

    def forget(self, digests: Iterable[bytes]) -> int:
        """Drop features of contents that are gone; gives how many there were."""
        gone = [*digests]
        with self._writing("forgetting features") as conn:
            marks.forget(conn, gone)
            return execute_in(conn, "DELETE FROM features WHERE digest IN (...)", gone)

    def count(self) -> int:
        """How many contents have features."""
        with self._reading() as conn:
            return int(conn.execute("SELECT count(*) FROM features").fetchone()[0])

    def digests(self) -> Iterator[bytes]:
        """All digests in byte order; no transaction stays open between two of them."""
        last = b""
        sql = "SELECT digest FROM features WHERE digest > ? ORDER BY digest LIMIT ?"
        while True:
            with self._reading() as conn:
                page = [row[0] for row in conn.execute(sql, (last, PAGE_ROWS))]
            yield from page
            if len(page) < PAGE_ROWS:
                return
            last = page[-1]

    def complaints(self) -> list[str]:
        """What SQLite's whole check finds; reads all of the file."""
        with _hinted(self.path):
            return self._database.complaints()

    def shrink(self) -> None:
        """Give freed pages back to the file system."""
        self._database.shrink()

    def copy_to(self, target: Path, step: Callable[[], None] = lambda: None) -> None:
        """Write a whole copy of the last committed state; see `Database.copy_to`."""
        with _hinted(self.path):
            self._database.copy_to(target, step)

    def salvage(self, encoder_digest: str, digests: Iterable[bytes]) -> int:
        """Put a new file, with what can be read of these, in the place of a damaged one.

        Gives how many it holds; the others are inferred anew. Not beside another writer.
        """
        beside = self.path.with_name(f"{self.path.name}.salvaged")
        _delete(beside)
        made = _opened(beside, False, self._database.lock_timeout)
        try:
            _agree(made, encoder_digest, self.dimensions, self.classes)
            rescued = Features(made, encoder_digest, self.dimensions, self.classes)
            guessed = self._marked()
            for chunk in chunks(digests):
                features = self._readable(chunk)
                rescued.put_many([one for one in features if one[0] not in guessed])
                poor = [one for one in features if one[0] in guessed]
                rescued.put_many(poor, from_thumbnails=True)
            count = rescued.count()
        finally:
            made.close()
        timeout = self._database.lock_timeout
        self._database.close()
        _delete(self.path)
        move(beside, self.path)
        self._database = _opened(self.path, False, timeout)
        return count

    def _marked(self) -> set[bytes]:
        """What came from thumbnails; where that cannot be read, nothing is known to."""
        try:
            with self._reading() as conn:
                return marks.all_marked(conn)
        except LibraryDamaged:
            return set()

    def _readable(self, digests: Sequence[bytes]) -> list[Feature]:
        """Those features that can be read: a damaged page is found by halves."""
        try:
            return [(digest, *both) for digest, both in self.of(digests).items()]
        except LibraryDamaged:
            if len(digests) == 1:
                return []
        middle = len(digests) // 2
        return self._readable(digests[:middle]) + self._readable(digests[middle:])

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _hinted(self.path), self._database.reading() as conn:
            yield conn

    @contextmanager
    def _writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        with _hinted(self.path), self._database.writing(doing) as conn:
            yield conn

    def _bytes(self, values: Halves, length: int) -> bytes:
        if values.shape != (length,) or values.dtype != np.float16:
            raise LibraryError(f"{values.dtype} {values.shape} where float16 ({length},) belongs")
        return values.astype("<f2", copy=False).tobytes()

    def _fill(
        self,
        conn: sqlite3.Connection,
        chunk: list[bytes],
        vectors: Halves,
        logits: Halves,
        found: npt.NDArray[np.bool_],
    ) -> None:
        """Rows come in any order and are joined at once: an array for each would cost more."""
        places: dict[bytes, list[int]] = {}
        for at, digest in enumerate(chunk):
            places.setdefault(digest, []).append(at)
        sql = "SELECT digest, vector, logits FROM features WHERE digest IN (...)"
        rows = [*select_in(conn, sql, places)]
        if not rows:
            return
        heads = self._joined([row[1] for row in rows], self.dimensions)
        tails = self._joined([row[2] for row in rows], self.classes)
        pairs = [(at, source) for source, row in enumerate(rows) for at in places[row[0]]]
        to, source = np.array(pairs, np.intp).T
        vectors[to], logits[to], found[to] = heads[source], tails[source], True

    def _joined(self, blobs: list[bytes], length: int) -> Halves:
        whole = b"".join(blobs)
        if any(len(blob) != 2 * length for blob in blobs):
            raise LibraryDamaged(f"{self.path} holds a feature of the wrong length")
        return np.frombuffer(whole, "<f2").reshape(len(blobs), length).astype(np.float16)


def _have(conn: sqlite3.Connection, digests: Iterable[bytes]) -> set[bytes]:
    sql = "SELECT digest FROM features WHERE digest IN (...)"
    return {digest for (digest,) in select_in(conn, sql, digests)}


def _delete(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def features_path(store: Path, encoder_digest: str) -> Path:
    """Where an encoder's features lie."""
    return store / f"features-{encoder_digest[:16]}.sqlite"


def other_files(store: Path, encoder_digests: Iterable[str]) -> list[Path]:
    """The features files of a store that are none of these encoders'."""
    ours = {features_path(store, digest) for digest in encoder_digests}
    digest = "[0-9a-f]" * 16
    return sorted(set(store.glob(f"features-{digest}.sqlite")) - ours)


def delete_file(path: Path) -> bool:
    """Delete a features file that nobody needs; False where it is in use (Windows)."""
    try:
        _delete(path)
    except OSError:
        return False
    return True


def forget_in(path: Path, digests: Sequence[bytes]) -> None:
    """Drop features of contents that are gone from a file that is not open here."""
    if path.exists():
        database = _opened(path, False, 10.0)
        try:
            with database.writing("forgetting features") as conn:
                marks.forget(conn, digests)
                execute_in(conn, "DELETE FROM features WHERE digest IN (...)", digests)
        finally:
            database.close()


def open_features(
    store: Path,
    encoder_digest: str,
    *,
    dimensions: int,
    classes: int,
    read_only: bool = False,
    lock_timeout: float = 10.0,
) -> Features:
    """Open an encoder's features, making the file if it is not there (LibraryMissing if
    `read_only`). LibraryDamaged if it holds another encoder's."""
    path = features_path(store, encoder_digest)
    if read_only and not path.exists():
        raise LibraryMissing(f"there is no {path}", hint="sync once without read_only")
    with _hinted(path):
        database = _opened(path, read_only, lock_timeout)
        try:
            _agree(database, encoder_digest, dimensions, classes)
        except BaseException:
            database.close()
            raise
    return Features(database, encoder_digest, dimensions, classes)


@contextmanager
def _hinted(path: Path) -> Iterator[None]:
    """Damage here is no loss but time: everything in it can be inferred anew from the photos."""
    try:
        yield
    except LibraryDamaged as fault:
        hint = f"restore it from a backup, or delete {path} and sync: all is inferred anew"
        raise LibraryDamaged(fault.message, hint=hint) from fault


def _opened(path: Path, read_only: bool, lock_timeout: float) -> Database:
    database = Database(
        path,
        read_only=read_only,
        lock_timeout=lock_timeout,
        page_size=FEATURES.page_size,
        create=not read_only,
    )
    try:
        if not read_only:
            make(database, FEATURES)
        elif not is_made(database):
            raise LibraryDamaged(f"{path} is empty")
        version_of(database, FEATURES)
    except BaseException:
        database.close()
        raise
    return database


def _agree(database: Database, encoder_digest: str, dimensions: int, classes: int) -> None:
    """Write on a new file whose it is; on an old one, compare."""
    about = {"encoder": encoder_digest, "dimensions": str(dimensions), "classes": str(classes)}
    sql = "SELECT name, value FROM about"
    with database.reading() as conn:
        found = dict(conn.execute(sql).fetchall())
    if not found and not database.read_only:
        with database.writing("naming the encoder") as conn:
            put = "INSERT INTO about (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
            conn.executemany(put, about.items())
            found = dict(conn.execute(sql).fetchall())
    if found != about:
        raise LibraryDamaged(
            f"{database.path} holds features of another encoder: {found}, expected {about}"
        )
