"""The three SQLite files' tables (all DDL stands here) and how older files become new ones.

Never reads or writes a row of a table. Invariants: a file is made or migrated in one transaction;
a migration starts only after a whole copy of the file lies beside it; a newer file is refused;
a reader never migrates. Versions, application ids, table and column names are *frozen*: they
change by a migration that is appended to `MIGRATIONS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from localsearch.catalog.database import Database
from localsearch.durable import free_bytes
from localsearch.errors import (
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryTooNew,
)

STORE_FORMAT = 1
"""Schema version of `catalog.sqlite` that this program writes."""

OLDEST_READABLE = 1
"""Oldest schema version that `migrate` starts from."""

SPARE_BYTES = 16 << 20
"""Wanted beside a copy of the catalog: room for the migration's own WAL."""

_CATALOG = """
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE roots (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    path BLOB NOT NULL,
    volume_id TEXT,
    volume_path BLOB,
    ignore TEXT NOT NULL DEFAULT '[]',
    online INTEGER NOT NULL DEFAULT 1 CHECK (online IN (0, 1))
) STRICT;

CREATE TABLE root_samples (
    root INTEGER NOT NULL REFERENCES roots (key) ON DELETE CASCADE,
    path BLOB NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (root, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE inputs (
    key INTEGER PRIMARY KEY,
    row INTEGER NOT NULL UNIQUE CHECK (row BETWEEN 1 AND 4294967295),
    id TEXT NOT NULL UNIQUE,
    root INTEGER REFERENCES roots (key),
    folder BLOB,
    name BLOB,
    folded TEXT,
    digest BLOB CHECK (digest IS NULL OR length(digest) = 32),
    size INTEGER,
    mtime_ns INTEGER,
    width INTEGER,
    height INTEGER,
    format TEXT,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    content_state TEXT NOT NULL,
    content_reason TEXT NOT NULL DEFAULT '',
    removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    taken_at TEXT,
    taken_raw TEXT,
    lat REAL,
    lon REAL,
    camera TEXT,
    source_url TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    CHECK ((folder IS NULL) = (name IS NULL)),
    CHECK (root IS NULL OR name IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX inputs_place ON inputs (root, folder, name) WHERE root IS NOT NULL;
CREATE UNIQUE INDEX inputs_rootless ON inputs (folder, name)
    WHERE root IS NULL AND name IS NOT NULL;
CREATE INDEX inputs_folded ON inputs (folded) WHERE folded IS NOT NULL;
CREATE INDEX inputs_digest ON inputs (digest) WHERE digest IS NOT NULL;
CREATE INDEX inputs_state ON inputs (removed, state, row);

CREATE TABLE contents (
    input INTEGER PRIMARY KEY REFERENCES inputs (key) ON DELETE CASCADE,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE tag_names (
    tag INTEGER PRIMARY KEY,
    folded TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE tags (
    input INTEGER NOT NULL REFERENCES inputs (key) ON DELETE CASCADE,
    tag INTEGER NOT NULL REFERENCES tag_names (tag),
    value INTEGER NOT NULL CHECK (value IN (0, 1)),
    origin TEXT NOT NULL CHECK (origin IN ('user', 'file')),
    PRIMARY KEY (input, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_tag ON tags (tag, value, input);

CREATE TABLE graves (
    sequence INTEGER PRIMARY KEY,
    row INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE segments (
    name TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    first_row INTEGER NOT NULL,
    last_row INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    pack_digest TEXT NOT NULL,
    dropped INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE packs (
    role TEXT NOT NULL PRIMARY KEY CHECK (role IN ('active', 'building', 'previous')),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    encoder_digest TEXT NOT NULL,
    pack_digest TEXT NOT NULL,
    folder TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_FEATURES = """
CREATE TABLE about (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE features (
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    vector BLOB NOT NULL,
    logits BLOB NOT NULL
) STRICT;
"""

_THUMBNAILS = """
CREATE TABLE thumbnails (
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    fingerprint INTEGER NOT NULL,
    jpeg BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class FileKind:
    """One of the three files: how it is called, marked, laid out and made."""

    words: str
    application_id: int
    version: int
    page_size: int
    ddl: str


CATALOG = FileKind("catalog", 0x4C534341, STORE_FORMAT, 4096, _CATALOG)
# Half floats at pages of 4 KiB cost 1.1 times their payload; at 16 KiB next to nothing.
FEATURES = FileKind("features file", 0x4C534645, 1, 16384, _FEATURES)
THUMBNAILS = FileKind("thumbnails file", 0x4C535448, 1, 4096, _THUMBNAILS)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the catalog's schema: SQL text, or a function of the connection."""

    before: int
    after: int
    change: str | Callable[[sqlite3.Connection], None]


MIGRATIONS: tuple[Migration, ...] = ()
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
