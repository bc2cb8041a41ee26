"""The tables, indexes and triggers of the three SQLite files: all DDL stands here, as text.

Never runs a statement. Invariant: what a version added is *frozen*; a new library gets the same
texts in the same order as one that was migrated. Table and column names change by a migration.

The triggers keep `changes`: whatever alters what an app sees of an input (a line of `inputs`, its
tags, the name or place of its root) puts its id at the end, so that no writer can forget it.
"""

from __future__ import annotations

_CATALOG_1 = """
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

ADDED_IN_2 = """
CREATE TABLE graphs (
    name TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    encoder_digest TEXT NOT NULL,
    rows INTEGER NOT NULL,
    last_row INTEGER NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    links INTEGER NOT NULL,
    ef INTEGER NOT NULL,
    window INTEGER NOT NULL,
    recall REAL,
    queries INTEGER NOT NULL,
    built_ms INTEGER NOT NULL,
    dropped INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE metadata_terms (
    term INTEGER NOT NULL,
    input INTEGER NOT NULL REFERENCES inputs (key) ON DELETE CASCADE,
    PRIMARY KEY (term, input)
) STRICT, WITHOUT ROWID;
CREATE INDEX metadata_terms_input ON metadata_terms (input);

CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    gone INTEGER NOT NULL CHECK (gone IN (0, 1))
) STRICT;

CREATE INDEX inputs_taken ON inputs (taken_at, row) WHERE taken_at IS NOT NULL;
CREATE INDEX inputs_position ON inputs (lat, lon, row) WHERE lat IS NOT NULL AND lon IS NOT NULL;
CREATE INDEX inputs_camera ON inputs (camera, row) WHERE camera IS NOT NULL;

CREATE TRIGGER inputs_added AFTER INSERT ON inputs BEGIN
    DELETE FROM changes WHERE id = new.id;
    INSERT INTO changes (id, gone) VALUES (new.id, 0);
END;
CREATE TRIGGER inputs_changed AFTER UPDATE ON inputs WHEN
    (old.row, old.root, old.folder, old.name, old.digest, old.size, old.state, old.reason,
        old.removed, old.modified_ms)
    IS NOT (new.row, new.root, new.folder, new.name, new.digest, new.size, new.state, new.reason,
        new.removed, new.modified_ms)
    OR (old.width, old.height, old.format, old.taken_at, old.lat, old.lon, old.camera,
        old.source_url, old.metadata)
    IS NOT (new.width, new.height, new.format, new.taken_at, new.lat, new.lon, new.camera,
        new.source_url, new.metadata)
BEGIN
    DELETE FROM changes WHERE id = new.id;
    INSERT INTO changes (id, gone) VALUES (new.id, 0);
END;
CREATE TRIGGER inputs_renamed AFTER UPDATE OF id ON inputs WHEN old.id IS NOT new.id BEGIN
    DELETE FROM changes WHERE id IN (old.id, new.id);
    INSERT INTO changes (id, gone) VALUES (old.id, 1), (new.id, 0);
END;
CREATE TRIGGER inputs_deleted AFTER DELETE ON inputs BEGIN
    DELETE FROM changes WHERE id = old.id;
    INSERT INTO changes (id, gone) VALUES (old.id, 1);
END;
CREATE TRIGGER tags_added AFTER INSERT ON tags BEGIN
    DELETE FROM changes WHERE id = (SELECT id FROM inputs WHERE key = new.input);
    INSERT INTO changes (id, gone) SELECT id, 0 FROM inputs WHERE key = new.input;
END;
CREATE TRIGGER tags_changed AFTER UPDATE ON tags WHEN
    (old.input, old.tag, old.value) IS NOT (new.input, new.tag, new.value)
BEGIN
    DELETE FROM changes WHERE id = (SELECT id FROM inputs WHERE key = new.input);
    INSERT INTO changes (id, gone) SELECT id, 0 FROM inputs WHERE key = new.input;
END;
CREATE TRIGGER tags_deleted AFTER DELETE ON tags BEGIN
    DELETE FROM changes WHERE id = (SELECT id FROM inputs WHERE key = old.input);
    INSERT INTO changes (id, gone) SELECT id, 0 FROM inputs WHERE key = old.input;
END;
CREATE TRIGGER roots_changed AFTER UPDATE ON roots WHEN
    (old.name, old.path) IS NOT (new.name, new.path)
BEGIN
    DELETE FROM changes WHERE id IN (SELECT id FROM inputs WHERE root = new.key);
    INSERT INTO changes (id, gone) SELECT id, 0 FROM inputs WHERE root = new.key ORDER BY row;
END;
"""
"""What schema version 2 added. Each trigger deletes and inserts: `OR REPLACE` inside a trigger
gives way to what the statement outside says of conflicts."""

ADDED_IN_3 = """
CREATE TABLE taught (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    made_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE taught_examples (
    taught INTEGER NOT NULL REFERENCES taught (key) ON DELETE CASCADE,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    input INTEGER REFERENCES inputs (key) ON DELETE SET NULL,
    positive INTEGER NOT NULL CHECK (positive IN (0, 1)),
    sampled INTEGER NOT NULL CHECK (sampled IN (0, 1)),
    PRIMARY KEY (taught, digest),
    CHECK (NOT (positive AND sampled))
) STRICT, WITHOUT ROWID;
CREATE INDEX taught_examples_input ON taught_examples (input) WHERE input IS NOT NULL;

CREATE TABLE taught_probes (
    taught INTEGER NOT NULL REFERENCES taught (key) ON DELETE CASCADE,
    encoder_digest TEXT NOT NULL,
    direction BLOB NOT NULL,
    scale REAL NOT NULL,
    offset REAL NOT NULL,
    floor INTEGER NOT NULL CHECK (floor BETWEEN 1 AND 65535),
    positives INTEGER NOT NULL,
    negatives INTEGER NOT NULL,
    found INTEGER NOT NULL,
    wrong INTEGER NOT NULL,
    precision REAL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (taught, encoder_digest)
) STRICT, WITHOUT ROWID;
"""
"""What schema version 3 added."""

ADDED_IN_4 = """
CREATE TABLE notes (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX inputs_source ON inputs (source_url, row) WHERE source_url IS NOT NULL;
"""
"""What schema version 4 added."""

CATALOG = _CATALOG_1 + ADDED_IN_2 + ADDED_IN_3 + ADDED_IN_4

FEATURES = """
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

FROM_THUMBNAILS = """
CREATE TABLE IF NOT EXISTS from_thumbnails (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    renewed INTEGER NOT NULL CHECK (renewed IN (0, 1))
) STRICT, WITHOUT ROWID
"""
"""A table of the features file that is made with its first row: most stores never need it."""

THUMBNAILS = """
CREATE TABLE thumbnails (
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    fingerprint INTEGER NOT NULL,
    jpeg BLOB NOT NULL
) STRICT;
"""
