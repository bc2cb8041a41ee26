"""Each damage is found and told from the others; `repair` cures what can be cured, and no more."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import localsearch as ls
from localsearch.graph import FOLDER as GRAPHS
from localsearch.publish import plan
from localsearch.segments.segment import FOLDER
from tests.make_library import open_library, write_photo
from tests.tiny_pack import tiny_pack_folder

pytestmark = pytest.mark.damages


@pytest.fixture
def store(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed store with several segments, metadata, and a photo without a file."""
    monkeypatch.setattr(plan, "FULL", 12)
    monkeypatch.setattr(plan, "WORTH", 4)
    for n in range(30):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos, store=tmp_path / "store") as library:
        library.sync()
        library.add(
            write_photo(tmp_path / "own.png", 99).read_bytes(), id="own", metadata={"a": {"b": 1}}
        )
        library.update(next(library.inputs()).id, metadata={"album": "home"})
        assert library.status().segments >= 1
        assert library.verify() == ()
    return tmp_path / "store"


def answers(store: Path, photos: Path) -> object:
    with ls.open(store=store) as library:
        queries = (ls.concept("red"), ~ls.concept("dark"), ls.like(photos / "3.png"))
        queries += (ls.metadata({"album": "home"}), ls.metadata({"a": {"b": 1}}))
        return [[(hit.id, hit.score) for hit in library.scan(query)] for query in queries]


def sql(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement


def a_segment(store: Path) -> Path:
    with closing(sqlite3.connect(store / "catalog.sqlite")) as connection:
        (name,) = connection.execute("SELECT name FROM segments WHERE dropped IS NULL").fetchone()
    return store / FOLDER / name


def flip(path: Path, share: float = 0.5) -> None:
    """One bit, and no other sign of it: size and times stay."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def postings_flipped(store: Path) -> None:
    flip(a_segment(store) / "postings.bin", 0.01)


def matrix_cut(store: Path) -> None:
    path = a_segment(store) / "matrix.bin"
    path.write_bytes(path.read_bytes()[:-100])


def segment_gone(store: Path) -> None:
    shutil.rmtree(a_segment(store))


def segment_of_other_features(store: Path) -> None:
    features = next(store.glob("features-*.sqlite"))
    with closing(sqlite3.connect(features)) as connection, connection:
        rows = connection.execute("SELECT rowid, vector, logits FROM features LIMIT 2").fetchall()
        (one, vector, logits), (other, _, _) = rows
        put = "UPDATE features SET vector = ?, logits = ? WHERE rowid = ?"
        connection.execute(put, (vector, logits, other))
        assert one != other


def segment_unnamed(store: Path) -> None:
    sql(
        store / "catalog.sqlite",
        "DELETE FROM segments WHERE first_row = (SELECT min(first_row) FROM segments)",
    )


def segments_overlap(store: Path) -> None:
    sql(
        store / "catalog.sqlite",
        "UPDATE segments SET last_row = last_row + 3 WHERE first_row ="
        " (SELECT min(first_row) FROM segments)",
    )


def features_gone(store: Path) -> None:
    sql(next(store.glob("features-*.sqlite")), "DELETE FROM features WHERE rowid % 3 = 0")


def features_file_gone(store: Path) -> None:
    next(store.glob("features-*.sqlite")).unlink()


def spoil(path: Path, table: str) -> None:
    """Write over a leaf page of a table, so that SQLite calls the file malformed."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        (page,) = connection.execute(root, (table,)).fetchone()
    data = bytearray(path.read_bytes())
    first = int.from_bytes(data[(page - 1) * size + 8 :][:4], "big")  # its right-most child
    if data[(page - 1) * size] != 5:  # the root is the leaf
        first = page
    data[(first - 1) * size : (first - 1) * size + 64] = b"\x55" * 64
    path.write_bytes(data)


def features_malformed(store: Path) -> None:
    spoil(next(store.glob("features-*.sqlite")), "features")


def thumbnails_malformed(store: Path) -> None:
    spoil(store / "thumbs.sqlite", "thumbnails")


def pack_flipped(store: Path) -> None:
    flip(next((store / "packs").glob("*/*.onnx")))


def pack_cut(store: Path) -> None:
    """Noticed when the library is opened: the installed one is in use then."""
    path = next((store / "packs").glob("*/*.onnx"))
    path.write_bytes(path.read_bytes()[:-1])


def pack_gone(store: Path) -> None:
    shutil.rmtree(store / "packs")


def orphans(store: Path) -> None:
    for folder in (FOLDER, GRAPHS):
        (store / folder / "tiny-99-00000000").mkdir(parents=True)
        (store / folder / "tiny-99-00000000" / "graph.bin").write_bytes(b"half")


def terms_lost(store: Path) -> None:
    sql(store / "catalog.sqlite", "DELETE FROM metadata_terms")


def terms_invented(store: Path) -> None:
    sql(
        store / "catalog.sqlite",
        "INSERT INTO metadata_terms (term, input) SELECT 12345, min(key) FROM inputs",
    )


def changes_lost(store: Path) -> None:
    sql(store / "catalog.sqlite", "DELETE FROM changes WHERE id = 'own'")


def changes_wrong(store: Path) -> None:
    sql(store / "catalog.sqlite", "INSERT INTO changes (id, gone) VALUES ('never was', 0)")


CURED: dict[Callable[[Path], None], set[str]] = {
    postings_flipped: {"segment-damaged"},
    matrix_cut: {"segment-damaged"},
    segment_gone: {"segment-damaged"},
    segment_of_other_features: {"segment-differs"},
    segment_unnamed: {"row-lost", "leftover"},
    segments_overlap: {"segment-overlaps", "segment-damaged"},
    features_gone: {"feature-missing"},
    features_file_gone: {"feature-missing"},
    features_malformed: {"file-damaged", "feature-missing"},
    thumbnails_malformed: {"file-damaged"},
    pack_flipped: {"pack-damaged"},
    pack_cut: {"pack-damaged"},
    pack_gone: {"pack-damaged"},
    orphans: {"leftover"},
    terms_lost: {"terms-differ"},
    terms_invented: {"terms-differ"},
    changes_lost: {"changes-differ"},
    changes_wrong: {"changes-differ"},
}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny pack lies where the program keeps packs."""
    from localsearch.pack import find

    places = find.pack_places
    folder = tiny_pack_folder()
    monkeypatch.setattr(find, "pack_places", lambda: (folder.parent, *places()))


@pytest.mark.parametrize("damage", CURED, ids=lambda one: one.__name__)
def test_a_damage_is_found_and_cured(
    store: Path, photos: Path, damage: Callable[[Path], None], installed: None
) -> None:
    right = answers(store, photos)
    damage(store)
    with ls.open(store=store) as library:
        found = library.verify()
        codes = {one.code for one in found}
        assert codes and codes <= CURED[damage], found
        assert not any(one.repaired for one in found)
        cured = library.verify(repair=True)
        assert {(one.code, one.where) for one in cured} == {(o.code, o.where) for o in found}
        assert all(one.repaired for one in cured), cured
        assert library.verify() == ()
    if damage is not segment_of_other_features:  # that one changed the truth itself
        assert answers(store, photos) == right
    with ls.open(store=store) as library:
        assert library.verify() == ()
        assert len(library.thumbnail("own")) > 100


def test_who_held_a_file_that_was_repaired_opens_it_anew(
    store: Path, photos: Path, installed: None
) -> None:
    with ls.open(store=store) as idle:
        assert idle.search(ls.like(photos / "3.png")).total == 31
        features_malformed(store)
        with ls.open(store=store) as library:
            assert all(one.repaired for one in library.verify(repair=True))
        assert idle.verify() == ()
        idle.add(write_photo(photos / "late.png", 77))
    with ls.open(store=store) as library:
        assert library.verify() == ()


def catalog_malformed(store: Path) -> None:
    spoil(store / "catalog.sqlite", "tag_names")


def row_dead(store: Path) -> None:
    sql(
        store / "catalog.sqlite",
        "INSERT INTO graves (sequence, row) SELECT 1000000, min(row) FROM inputs",
    )


def bytes_gone(store: Path) -> None:
    sql(store / "catalog.sqlite", "DELETE FROM contents")


@pytest.mark.parametrize(
    ("damage", "code", "word"),
    [
        (catalog_malformed, "file-damaged", "localsearch recover"),
        (row_dead, "row-dead", "dead row"),
        (bytes_gone, "bytes-missing", "nowhere but here"),
    ],
)
def test_a_loss_is_told_and_nothing_is_made_up(
    store: Path, damage: Callable[[Path], None], code: str, word: str
) -> None:
    damage(store)
    with ls.open(store=store) as library:
        for repair in (False, True):
            found = [one for one in library.verify(repair=repair) if one.code == code]
            assert found and not any(one.derived or one.repaired for one in found)
            assert word in found[0].message


def test_features_of_a_drive_that_is_away_stay_lost(
    store: Path, photos: Path, tmp_path: Path
) -> None:
    features_gone(store)
    photos.rename(tmp_path / "away")
    with ls.open(store=store) as library:
        left = library.verify(repair=True)
        assert {one.code for one in left if not one.repaired} == {"feature-missing"}
    (tmp_path / "away").rename(photos)
    with ls.open(store=store) as library:
        assert all(one.repaired for one in library.verify(repair=True))
        assert library.verify() == ()


def test_repair_writes_nothing_where_all_is_well(store: Path) -> None:
    with ls.open(store=store) as library:
        before = {path: path.stat().st_mtime_ns for path in store.rglob("*.bin")}
        generation = library.status().generation
        assert library.verify(repair=True) == ()
        assert library.status().generation == generation
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*.bin")} == before


@pytest.mark.parametrize("name", ["graph.bin", "members.bin"])
def test_a_damaged_graph_is_found_and_built_anew(store: Path, photos: Path, name: str) -> None:
    pytest.importorskip("hnswlib")
    right = answers(store, photos)
    with ls.open(store=store, graph="always") as library:
        library.compact()
        assert library.verify() == ()
    (file,) = (store / GRAPHS).glob(f"*/{name}")
    flip(file)
    with ls.open(store=store, graph="always") as library:
        (found,) = library.verify()
        assert (found.code, found.where, found.derived) == ("graph-damaged", file.parent.name, True)
        assert [one.repaired for one in library.verify(repair=True)] == [True]
        assert library.verify() == ()
        assert "graph" in library.status().graph
    assert answers(store, photos) == right
    with ls.open(store=store, graph="never") as library:
        file = next(one for one in (store / GRAPHS).glob(f"*/{name}") if one.parent != file.parent)
        flip(file)
        assert [one.repaired for one in library.verify(repair=True)] == [True]  # it counts no more
        assert library.verify() == ()


def test_a_writer_beside_it_is_no_damage(photos: Path, tmp_path: Path) -> None:
    """Segments are named, merged and swept while they are looked at."""
    from tests.test_backup import WRITER

    for n in range(60):
        write_photo(photos / f"{n}.png", n)
    single = write_photo(tmp_path / "single.png", 500)
    words = map(str, (photos, tmp_path / "store", tiny_pack_folder(), single))
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, *words], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == "open\n"
        with ls.open(store=tmp_path / "store") as library:
            generation = library.status().generation
            for number in range(12):
                for more in range(20):
                    write_photo(photos / f"{number}-{more}.png", 1000 + 20 * number + more)
                found = [one for one in library.verify() if one.code != "leftover"]
                assert found == [], number
                assert writer.stdout.readline()  # one more sync of the writer's is through
            assert library.status().generation > generation
    finally:
        writer.kill()
        writer.wait()


def test_what_is_looked_at_is_told(store: Path) -> None:
    told: list[ls.Progress] = []
    with ls.open(store=store) as library:
        library.verify(progress=told.append)
    assert {one.stage for one in told} == {"verify"}
    assert [one.done for one in told] == list(range(len(told)))
    assert {a_segment(store).name, "features", "thumbs.sqlite"} <= {one.current for one in told}


def test_a_reader_may_look_but_not_mend(store: Path) -> None:
    with ls.open(store=store, read_only=True) as library:
        assert library.verify() == ()
        with pytest.raises(ls.LibraryReadOnly):
            library.verify(repair=True)
