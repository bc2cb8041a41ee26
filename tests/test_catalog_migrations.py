"""Making, opening, refusing and migrating the three files."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import zipfile
from pathlib import Path

import pytest

from localsearch.catalog import (
    Catalog,
    changes,
    create_catalog,
    filters,
    inputs,
    metadata_terms,
    open_catalog,
)
from localsearch.catalog import input_reads as reads
from localsearch.catalog.database import Database
from localsearch.catalog.features import features_path, open_features
from localsearch.catalog.migrations import (
    CATALOG,
    FEATURES,
    MIGRATIONS,
    OLDEST_READABLE,
    STORE_FORMAT,
    THUMBNAILS,
    Migration,
    make,
    migrate,
    version_of,
)
from localsearch.catalog.thumbnails import open_thumbnails
from localsearch.errors import (
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryMissing,
    LibraryReadOnly,
    LibraryTooNew,
)

OLD = Path(__file__).parent / "old_libraries"

TO_NEXT = Migration(STORE_FORMAT, STORE_FORMAT + 1, "ALTER TABLE inputs ADD COLUMN mood TEXT;")


def lower_case(conn: sqlite3.Connection) -> None:
    conn.execute("UPDATE inputs SET mood = lower(id)")


TO_NEXT_BUT_ONE = Migration(STORE_FORMAT + 1, STORE_FORMAT + 2, lower_case)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one input."""
    with_one(create_catalog(tmp_path / "store"))
    return tmp_path / "store"


def with_one(catalog: Catalog) -> None:
    with catalog.writing("test") as conn:
        inputs.put_new(
            conn,
            id="CAT",
            root=None,
            folder=b"/photos",
            name=b"cat.jpg",
            digest=b"d" * 32,
            size=1,
            mtime_ns=1,
            facts=None,
            state="ok",
            now_ms=1,
        )
    catalog.close()


def test_every_table_is_strict() -> None:
    for kind in (CATALOG, FEATURES, THUMBNAILS):
        assert kind.ddl.count("CREATE TABLE") == len(re.findall(r"\) STRICT[,;]", kind.ddl)) > 0


def test_the_steps_lead_to_this_format_one_by_one() -> None:
    versions = [OLDEST_READABLE, *(step.after for step in MIGRATIONS)]
    assert [step.before for step in MIGRATIONS] == versions[:-1]
    assert versions == [*range(OLDEST_READABLE, STORE_FORMAT + 1)]


def unpacked(version: int, target: Path) -> Path:
    """The store of a kept library."""
    with zipfile.ZipFile(OLD / f"v{version}.zip") as archive:
        names = [each for each in archive.namelist() if each.startswith(".localsearch/")]
        archive.extractall(target, names)
    return target / ".localsearch"


def schema_of(catalog: Catalog) -> list[tuple[str, str, str]]:
    with catalog.reading() as conn:
        found = conn.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
        return found.fetchall()


def test_what_was_migrated_has_the_tables_of_what_is_new(tmp_path: Path) -> None:
    old, new = open_catalog(unpacked(1, tmp_path)), create_catalog(tmp_path / "new")
    assert schema_of(old) == schema_of(new)
    assert old.complaints() == []
    old.close()
    new.close()


def test_from_1_to_2_all_inputs_are_changes_and_documents_have_terms(tmp_path: Path) -> None:
    store = unpacked(1, tmp_path)
    catalog = open_catalog(store)
    with catalog.reading() as conn:
        known = conn.execute("SELECT id FROM inputs ORDER BY row").fetchall()
        told = changes.since(conn, 0)
        assert [(one.id,) for one in told] == known and not any(one.gone for one in told)
        assert [one.sequence for one in told] == [*range(1, len(known) + 1)]
        found = reads.by_rows(conn, filters.rows_of_metadata(conn, '{"album":"home"}').tolist())
        assert [one.metadata for one in found] == [{"album": "home"}]
        assert metadata_terms.check(conn) == []
    catalog.close()
    copy = Database(store / "catalog.sqlite.before-v2")
    assert version_of(copy, CATALOG) == 1 and copy.complaints() == []
    with copy.reading() as conn:
        assert conn.execute("SELECT id FROM inputs ORDER BY row").fetchall() == known
    copy.close()


def test_documents_that_an_older_version_took_are_migrated(tmp_path: Path) -> None:
    store = unpacked(1, tmp_path)
    deep = '{"a":' * 900 + "1" + "}" * 900
    wide = json.dumps({f"k{n}": n for n in range(2000)})
    raw = sqlite3.connect(store / "catalog.sqlite")
    keys = [key for (key,) in raw.execute("SELECT key FROM inputs ORDER BY row LIMIT 2")]
    raw.executemany(
        "UPDATE inputs SET metadata = ? WHERE key = ?", zip((deep, wide), keys, strict=True)
    )
    raw.commit()
    raw.close()
    catalog = open_catalog(store)
    with catalog.reading() as conn:
        assert metadata_terms.check(conn) == []
        sql = "SELECT term, input FROM metadata_terms WHERE input IN (?, ?)"
        assert {*conn.execute(sql, keys)} == {(metadata_terms.LARGE, key) for key in keys}
        rows = [reads.by_keys(conn, [key])[0].row for key in keys]
        assert filters.rows_of_metadata(conn, '{"k1999":1999.0}').tolist() == [rows[1]]
        assert filters.rows_of_metadata(conn, '{"a":{"a":{}}}').tolist() == [rows[0]]
    catalog.close()


def test_types_are_held_by_the_file(store: Path) -> None:
    catalog = open_catalog(store)
    with pytest.raises(LibraryError), catalog.writing("test") as conn:
        conn.execute("UPDATE inputs SET size = 'large'")
    catalog.close()


def test_creating_twice_opens(store: Path) -> None:
    catalog = create_catalog(store)
    with catalog.reading() as conn:
        assert reads.by_id(conn, "CAT") is not None
    assert catalog.complaints() == []
    catalog.close()


def test_two_creators_at_once(tmp_path: Path) -> None:
    made: list[Catalog] = []
    faults: list[BaseException] = []

    def create() -> None:
        try:
            made.append(create_catalog(tmp_path / "store"))
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and len(made) == 4
    for catalog in made:
        catalog.close()


def test_no_library_here(tmp_path: Path) -> None:
    with pytest.raises(LibraryMissing) as caught:
        open_catalog(tmp_path)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_emptied_catalog_is_never_made_anew(store: Path) -> None:
    open_features(store, "e" * 64, dimensions=2, classes=2).close()
    (store / "catalog.sqlite").write_bytes(b"")
    for opened in (open_catalog, create_catalog):
        with pytest.raises(LibraryDamaged, match=r"catalog\.sqlite is empty"):
            opened(store)


def test_a_creation_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    Database(tmp_path / "catalog.sqlite", create=True).close()  # made, without tables
    with pytest.raises(LibraryDamaged):
        open_catalog(tmp_path)
    with_one(create_catalog(tmp_path))


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    foreign = sqlite3.connect(tmp_path / "catalog.sqlite")
    foreign.execute("CREATE TABLE inputs (x)")
    foreign.commit()
    foreign.close()
    for opened in (open_catalog, create_catalog):
        with pytest.raises(LibraryDamaged, match="is no catalog"):
            opened(tmp_path)


def test_newer_is_refused_with_both_numbers(store: Path) -> None:
    open_thumbnails(store).close()
    open_features(store, "e" * 64, dimensions=2, classes=2).close()
    for path in store.glob("*.sqlite"):
        raw = sqlite3.connect(path)
        raw.execute("PRAGMA user_version=77")
        raw.close()
    before = {path: path.read_bytes() for path in store.iterdir()}
    for opening in (
        lambda: open_catalog(store),
        lambda: open_catalog(store, read_only=True),
        lambda: create_catalog(store),
        lambda: open_thumbnails(store),
        lambda: open_features(store, "e" * 64, dimensions=2, classes=2),
    ):
        with pytest.raises(LibraryTooNew, match=r"77.*\b[14]\b") as caught:
            opening()
        assert "newer localsearch" in caught.value.hint
    assert {path: path.read_bytes() for path in store.iterdir()} == before


def test_a_migration_keeps_a_copy_and_all_rows(store: Path) -> None:
    database = Database(store / "catalog.sqlite")
    found = migrate(database, migrations=(TO_NEXT, TO_NEXT_BUT_ONE), newest=STORE_FORMAT + 2)
    assert found == STORE_FORMAT
    assert version_of(database, CATALOG, STORE_FORMAT + 2) == STORE_FORMAT + 2
    with database.reading() as conn:
        assert conn.execute("SELECT id, mood FROM inputs").fetchall() == [("CAT", "cat")]
    database.close()
    for version in (STORE_FORMAT + 1, STORE_FORMAT + 2):
        copy = Database(store / f"catalog.sqlite.before-v{version}")
        assert version_of(copy, CATALOG, version) == version - 1
        with copy.reading() as conn:
            assert reads.by_id(conn, "CAT") is not None
        assert copy.complaints() == []
        copy.close()
    again = Database(store / "catalog.sqlite")
    migrate(again, migrations=(TO_NEXT, TO_NEXT_BUT_ONE), newest=STORE_FORMAT + 2)
    again.close()


def test_a_migration_that_fails_changes_nothing(store: Path) -> None:
    def breaks(conn: sqlite3.Connection) -> None:
        conn.execute("DELETE FROM inputs")
        conn.execute("SELECT nonsense")

    database = Database(store / "catalog.sqlite")
    with pytest.raises(LibraryError):
        migrate(
            database,
            migrations=(Migration(STORE_FORMAT, STORE_FORMAT + 1, breaks),),
            newest=STORE_FORMAT + 1,
        )
    database.close()
    catalog = open_catalog(store)
    with catalog.reading() as conn:
        assert reads.by_id(conn, "CAT") is not None
    catalog.close()


def test_a_migration_may_not_leave_loose_ends(store: Path) -> None:
    step = Migration(
        STORE_FORMAT,
        STORE_FORMAT + 1,
        "PRAGMA defer_foreign_keys=ON; INSERT INTO contents VALUES (99, x'00');",
    )
    database = Database(store / "catalog.sqlite")
    with pytest.raises(LibraryError, match="contents"):
        migrate(database, migrations=(step,), newest=STORE_FORMAT + 1)
    assert version_of(database, CATALOG) == STORE_FORMAT
    database.close()


def test_a_reader_never_migrates(store: Path) -> None:
    database = Database(store / "catalog.sqlite", read_only=True)
    with pytest.raises(LibraryReadOnly, match="without read_only"):
        migrate(database, migrations=(TO_NEXT,), newest=STORE_FORMAT + 1)
    database.close()
    assert not [*store.glob("*before*")]


def test_a_migration_wants_room_for_the_copy(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localsearch.catalog.migrations.free_bytes", lambda path: 1000)
    database = Database(store / "catalog.sqlite")
    with pytest.raises(LibraryFull, match="1000"):
        migrate(database, migrations=(TO_NEXT,), newest=STORE_FORMAT + 1)
    assert version_of(database, CATALOG) == STORE_FORMAT
    database.close()


def test_a_gap_in_the_steps_is_told(store: Path) -> None:
    database = Database(store / "catalog.sqlite")
    with pytest.raises(LibraryError, match="no migration leads"):
        migrate(database, migrations=(TO_NEXT_BUT_ONE,), newest=STORE_FORMAT + 2)
    database.close()


def test_two_migrate_at_once(store: Path) -> None:
    faults: list[BaseException] = []

    def run() -> None:
        database = Database(store / "catalog.sqlite")
        try:
            migrate(database, migrations=(TO_NEXT, TO_NEXT_BUT_ONE), newest=STORE_FORMAT + 2)
        except BaseException as error:  # noqa: BLE001
            faults.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_features_of_another_encoder_are_refused(store: Path) -> None:
    open_features(store, "e" * 64, dimensions=2, classes=3).close()
    for digest, dimensions in (("e" * 16 + "f" * 48, 2), ("e" * 64, 4)):
        assert features_path(store, digest) == features_path(store, "e" * 64)
        with pytest.raises(LibraryDamaged, match="another encoder"):
            open_features(store, digest, dimensions=dimensions, classes=3)


def test_reading_makes_no_file(store: Path) -> None:
    with pytest.raises(LibraryMissing):
        open_features(store, "a" * 64, dimensions=2, classes=3, read_only=True)
    with pytest.raises(LibraryMissing):
        open_thumbnails(store, read_only=True)
    assert [path.name for path in store.iterdir()] == ["catalog.sqlite"]


def test_make_leaves_what_is_made(store: Path) -> None:
    database = Database(store / "catalog.sqlite")
    make(database, CATALOG)
    with database.reading() as conn:
        assert conn.execute("SELECT count(*) FROM inputs").fetchone() == (1,)
    database.close()
