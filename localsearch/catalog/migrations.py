"""How the three SQLite files are made, told apart, and brought from older versions to this one.

Their tables stand in `tables`. Invariants: a file is made or migrated in one transaction;
a migration starts only after a whole copy of the file lies beside it; a newer file is refused;
a reader never migrates. Versions, application ids, table and column names are *frozen*: they
change by a migration that is appended to `MIGRATIONS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from localsearch.catalog import tables
from localsearch.catalog.database import Database
from localsearch.deferred import NamedTuple
from localsearch.durable import free_bytes
from localsearch.errors import (
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryTooNew,
)

STORE_FORMAT = 4
"""Schema version of `catalog.sqlite` that this program writes."""

OLDEST_READABLE = 1
"""Oldest schema version that `migrate` starts from."""

SPARE_BYTES = 16 << 20
"""Wanted beside a copy of the catalog: room for the migration's own WAL."""


class FileKind(NamedTuple):
    """One of the three files: how it is called, marked, laid out and made."""

    words: str
    application_id: int
    version: int
    page_size: int
    ddl: str


CATALOG = FileKind("catalog", 0x4C534341, STORE_FORMAT, 4096, tables.CATALOG)
# Half floats at pages of 4 KiB cost 1.1 times their payload; at 16 KiB next to nothing.
FEATURES = FileKind("features file", 0x4C534645, 1, 16384, tables.FEATURES)
THUMBNAILS = FileKind("thumbnails file", 0x4C535448, 1, 4096, tables.THUMBNAILS)


class Migration(NamedTuple):
    """One step of the catalog's schema: SQL text, or a function of the connection."""

    before: int
    after: int
    change: str | Callable[[sqlite3.Connection], None]


def _to_2(connection: sqlite3.Connection) -> None:
    """What apps have not heard of yet is everything: each input is a change, by row."""
    from localsearch.catalog import metadata_terms

    for statement in _statements(tables.ADDED_IN_2):
        connection.execute(statement)
    connection.execute("INSERT INTO changes (id, gone) SELECT id, 0 FROM inputs ORDER BY row")
    metadata_terms.put_all(connection)


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, 2, _to_2),
    Migration(2, 3, tables.ADDED_IN_3),
    Migration(3, 4, tables.ADDED_IN_4),
)
"""Append only. Each step goes from `before` to `after`, in order."""


def is_made(database: Database) -> bool:
    """False for a file without any table: a creation that was cut off, or an emptied file."""
    with database.reading() as connection:
        return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is not None


def make(database: Database, kind: FileKind) -> None:
    """Make the tables, unless another process has made them meanwhile."""
    with database.writing(f"making the {kind.words}") as connection:
        if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is not None:
            return
        for statement in _statements(kind.ddl):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={kind.application_id}")
        connection.execute(f"PRAGMA user_version={kind.version}")


def version_of(database: Database, kind: FileKind, newest: int | None = None) -> int:
    """The schema version of a made file. LibraryDamaged if it is no such file, LibraryTooNew."""
    newest = kind.version if newest is None else newest
    with database.reading() as connection:
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if mark != kind.application_id or version < 1:
        raise LibraryDamaged(
            f"{database.path} is no {kind.words} of localsearch", hint="restore it from a backup"
        )
    if version > newest:
        raise LibraryTooNew(
            f"{database.path} has schema version {version}, this program knows up to {newest}",
            hint="install a newer localsearch; nothing was changed",
        )
    return version


def migrate(
    database: Database,
    *,
    migrations: tuple[Migration, ...] = MIGRATIONS,
    newest: int = STORE_FORMAT,
) -> int:
    """Bring a catalog to version `newest`; gives the version it had.

    LibraryReadOnly for an older one that was opened to read, LibraryFull if a copy finds no room.
    """
    found = version_of(database, CATALOG, newest)
    if found == newest:
        return found
    if found < OLDEST_READABLE:
        raise LibraryError(
            f"{database.path} has schema version {found}, the oldest known is {OLDEST_READABLE}",
            hint="open it once with an older localsearch",
        )
    if database.read_only:
        raise LibraryReadOnly(
            f"{database.path} has schema version {found} and must become {newest} first",
            hint="open the library once without read_only",
        )
    for step in migrations:
        _migrate_one(database, step)
    if version_of(database, CATALOG, newest) != newest:
        raise LibraryError(f"no migration leads from version {found} to {newest}")
    return found


def _migrate_one(database: Database, step: Migration) -> None:
    with database.writing(f"migrating the catalog to version {step.after}") as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] != step.before:
            return  # done before, perhaps by another process while this one waited
        _copy_aside(database, step.after)
        connection.execute("PRAGMA defer_foreign_keys=ON")  # a step may rebuild a table
        if callable(step.change):
            step.change(connection)
        else:
            for statement in _statements(step.change):
                connection.execute(statement)
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise LibraryError(f"migration to {step.after} would leave {broken[0]} incoherent")
        connection.execute(f"PRAGMA user_version={step.after}")


def _copy_aside(database: Database, version: int) -> None:
    path = database.path
    wal = path.with_name(path.name + "-wal")
    needed = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    free = free_bytes(path.parent)
    if free < 2 * needed + SPARE_BYTES:  # the copy, and a change that rewrites all
        raise LibraryFull(
            f"a migration of {path} needs {2 * needed + SPARE_BYTES} free bytes, there are {free}",
            hint="free some space; nothing was changed",
        )
    database.copy_to(path.with_name(f"{path.name}.before-v{version}"))


def _statements(sql: str) -> Iterator[str]:
    """Single statements; `executescript` would not do, it commits before it starts."""
    statement = ""
    for piece in sql.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):  # not within a text or a trigger
            if statement.strip() != ";":
                yield statement
            statement = ""
