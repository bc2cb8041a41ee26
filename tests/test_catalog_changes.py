"""`changes`: one line an id, its newest; filled by triggers, whoever writes."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import localsearch as ls
from localsearch.catalog import Catalog, changes, create_catalog, described, inputs, roots, tags
from localsearch.catalog import input_reads as reads
from localsearch.catalog.changes import ChangeRow
from tests.catalog_model import FACTS, NOW_MS, digest_of, put
from tests.make_library import open_library, write_photo


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = create_catalog(tmp_path)
    yield made
    assert made.complaints() == []
    made.close()


@pytest.fixture
def conn(catalog: Catalog) -> Iterator[sqlite3.Connection]:
    with catalog.writing("test") as connection:
        yield connection


def test_nothing_has_changed_yet(conn: sqlite3.Connection) -> None:
    assert changes.last(conn) == 0 and changes.since(conn, 0) == []


def test_an_id_has_one_line_its_newest(conn: sqlite3.Connection) -> None:
    keys = [put(conn, n, id=f"id{n}").key for n in range(3)]
    assert changes.since(conn, 0) == [ChangeRow(n + 1, f"id{n}", False) for n in range(3)]
    inputs.set_metadata(conn, keys[0], {"a": 1}, NOW_MS + 1)
    assert [one.id for one in changes.since(conn, 0)] == ["id1", "id2", "id0"]
    assert changes.since(conn, 3) == [ChangeRow(changes.last(conn), "id0", False)]
    assert [one.id for one in changes.since(conn, 0, limit=2)] == ["id1", "id2"]
    assert changes.since(conn, changes.last(conn)) == []


def test_what_is_purged_is_gone_with_its_tags(conn: sqlite3.Connection) -> None:
    keys = [put(conn, n, id=f"id{n}").key for n in range(2)]
    for name in ("pet", "red"):
        tags.put(conn, keys[0], name, True)
    inputs.set_metadata(conn, keys[0], {"a": 1}, NOW_MS)
    before = changes.last(conn)
    inputs.purge(conn, [keys[0]])
    assert changes.since(conn, before) == [ChangeRow(changes.last(conn), "id0", True)]
    assert [(one.id, one.gone) for one in changes.since(conn, 0)] == [("id1", False), ("id0", True)]
    put(conn, 7, id="id0")  # the id of a user may come back
    assert [(one.id, one.gone) for one in changes.since(conn, 0)] == [
        ("id1", False),
        ("id0", False),
    ]


def test_sequences_are_never_handed_out_again(conn: sqlite3.Connection) -> None:
    key = put(conn, 1).key
    inputs.purge(conn, [key])
    last = changes.last(conn)
    conn.execute("DELETE FROM changes")
    put(conn, 2)
    assert changes.last(conn) > last


def test_a_dropped_root_takes_its_inputs_along(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="card", path=b"/card")
    ids = [put(conn, n, root=root, folder=b"a").id for n in range(3)]
    stays = put(conn, 9).id
    before = changes.last(conn)
    inputs.forget_root(conn, root)
    assert sorted(one.id for one in changes.since(conn, before)) == sorted(ids)
    assert {one.id: one.gone for one in changes.since(conn, 0)} == {
        **dict.fromkeys(ids, True),
        stays: False,
    }


def test_a_root_found_elsewhere_or_renamed_is_seen_on_its_inputs(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="card", path=b"/card")
    inside, outside = put(conn, 1, root=root, folder=b"a"), put(conn, 2)
    for change in ({"path": b"/media/card"}, {"name": "sdcard"}):
        before = changes.last(conn)
        roots.replace(conn, root, **change)
        assert [one.id for one in changes.since(conn, before)] == [inside.id]
        again = changes.last(conn)
        roots.replace(conn, root, **change, online=False, ignore=["x"])
        assert changes.last(conn) == again
    assert outside.id in {one.id for one in changes.since(conn, 0)}


def test_what_nobody_sees_is_no_change(conn: sqlite3.Connection) -> None:
    key = put(conn, 1, mtime_ns=5).key
    tags.put(conn, key, "pet", True, "file")
    before = changes.last(conn)
    inputs.touch(conn, key, 1, 6)
    tags.put(conn, key, "PET", True, "user")
    tags.put(conn, key, "pet", False, "file")
    inputs.set_removed(conn, key, False, NOW_MS + 1)
    inputs.set_state(conn, [key], "ok", "", NOW_MS + 1)
    assert not tags.forget(conn, key, "red")
    assert changes.last(conn) == before


class Model:
    """What the ids were when an app last looked, and the changes that it has been told."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = 0
        self.root = 0

    def place(self) -> dict[str, Any]:
        return {"root": self.root, "folder": b"f", "name": b"%d" % self.names}

    def key(self, conn: sqlite3.Connection) -> int:
        return int(
            self.random.choice([key for (key,) in conn.execute("SELECT key FROM inputs")] or [0])
        )

    def add(self, conn: sqlite3.Connection) -> None:
        self.names += 1
        number = self.random.randrange(6)
        if reads.by_id(conn, f"id{number}") is None:
            put(conn, self.names, id=f"id{number}", metadata={"n": number}, **self.place())

    def content(self, conn: sqlite3.Connection) -> None:
        self.names += 1
        inputs.replace_content(
            conn,
            self.key(conn),
            digest=digest_of(self.names),
            size=1,
            mtime_ns=1,
            facts=FACTS,
            state="ok",
            now_ms=NOW_MS,
        )

    def move(self, conn: sqlite3.Connection) -> None:
        self.names += 1
        inputs.move(conn, self.key(conn), **self.place(), size=1, mtime_ns=1, now_ms=NOW_MS)

    def exchange(self, conn: sqlite3.Connection) -> None:
        inputs.exchange_places(conn, self.key(conn), self.key(conn))

    def state(self, conn: sqlite3.Connection) -> None:
        state = self.random.choice(["ok", "missing", "offline", "undecodable"])
        inputs.set_state(conn, [self.key(conn)], state, "reason", NOW_MS)

    def remove(self, conn: sqlite3.Connection) -> None:
        inputs.set_removed(conn, self.key(conn), self.random.random() < 0.5, NOW_MS)

    def metadata(self, conn: sqlite3.Connection) -> None:
        inputs.set_metadata(conn, self.key(conn), {"n": self.random.randrange(3)}, NOW_MS)

    def source(self, conn: sqlite3.Connection) -> None:
        inputs.set_source(conn, self.key(conn), self.random.choice(["a", None]), NOW_MS)

    def tag(self, conn: sqlite3.Connection) -> None:
        tags.put(conn, self.key(conn), self.random.choice("ab"), self.random.random() < 0.5)

    def untag(self, conn: sqlite3.Connection) -> None:
        tags.forget(conn, self.key(conn), self.random.choice("ab"))

    def purge(self, conn: sqlite3.Connection) -> None:
        inputs.purge(conn, [self.key(conn)])

    def rename(self, conn: sqlite3.Connection) -> None:
        roots.replace(conn, self.root, path=self.random.choice([b"/a", b"/b"]))


STEPS = sorted(name for name in vars(Model) if name[0] != "_" and name not in ("key", "place"))


def seen(conn: sqlite3.Connection) -> dict[str, Any]:
    """What an app sees: every public field of every input."""
    found = described.inputs_of(conn, reads.iterate(conn) + reads.iterate(conn, removed=True))
    return {one.id: one for one in found}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.lists(st.sampled_from([*STEPS, "add", "add"]), max_size=40))
def test_whatever_an_app_sees_otherwise_it_is_told(seed: int, steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        catalog = create_catalog(Path(folder))
        model = Model(seed)
        with catalog.writing("test") as conn:
            model.root = roots.put(conn, name="home", path=b"/a")
            known: dict[str, Any] = {}
            sequence = 0
            for step in steps:
                change: Callable[[sqlite3.Connection], None] = getattr(model, step)
                if step in ("add", "rename") or seen(conn):
                    change(conn)
                now = seen(conn)
                told = {one.id: one.gone for one in changes.since(conn, sequence)}
                sequence = max(sequence, changes.last(conn))
                assert told.keys() >= {id for id in known | now if known.get(id) != now.get(id)}
                assert {id for id, gone in told.items() if gone} == told.keys() - now.keys()
                if step != "exchange":  # it steps aside for a moment, and may come back
                    assert all(known.get(id) != now.get(id) for id in told)
                known = now
            lines = changes.since(conn, 0)
            assert len({one.id for one in lines}) == len(lines)
            assert {one.id for one in lines if not one.gone} == known.keys()
        assert catalog.complaints() == []
        catalog.close()


def test_a_sync_that_finds_nothing_new_writes_no_change(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for n in range(4):
        write_photo(photos / f"f{n % 2}" / f"{n}.png", n)
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with open_library(photos) as library:
        library.sync()
        library.tag([next(iter(library.inputs())).id], "pet")
    before = _changes_in(photos)
    assert len(before) == 5
    for again in range(2):
        with ls.open(photos) as library:
            assert library.sync().unchanged == 5, again
    assert _changes_in(photos) == before


def _changes_in(photos: Path) -> list[ChangeRow]:
    catalog = create_catalog(photos / ".localsearch")
    with catalog.reading() as conn:
        found = changes.since(conn, 0)
    catalog.close()
    return found


@pytest.mark.parametrize("count", [0, 3])
def test_after_a_recovery_no_sequence_is_one_that_was_told(
    conn: sqlite3.Connection, count: int
) -> None:
    for n in range(count):
        put(conn, n)
    before, last = [one.id for one in changes.since(conn, 0)], changes.last(conn)
    for _ in range(2):
        old = changes.last(conn)
        changes.begin_anew(conn)
        assert old < changes.beginning(conn) == changes.last(conn) - last
        found = changes.since(conn, 0)
        assert [one.id for one in found] == before
        assert changes.since(conn, changes.beginning(conn)) == found
    put(conn, 9)
    assert [one.sequence for one in changes.since(conn, 0)][-1] > changes.beginning(conn) + last


def test_an_app_that_followed_beyond_the_backup_is_told_to_begin_anew(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for n in range(3):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos) as library:
        library.sync()
        library.backup(tmp_path / "file")
        later = library.add(write_photo(tmp_path / "later.png", 9).read_bytes()).id
        seen = library.changes().sequence
    with ls.open(store=ls.recover(tmp_path / "file", store=tmp_path / "again").store) as library:
        library.tag(next(library.inputs()).id, "pet")  # another change than the one that was seen
        first = library.changes(seen, limit=2)
        assert first.anew and first.more and len(first.items) == 2
        rest = library.changes(first.sequence)
        assert not rest.anew and not rest.more
        told = {one.id: one.input for one in (*first.items, *rest.items)}
        assert told == {one.id: one for one in library.inputs()} and later not in told
        again = library.changes(rest.sequence)
        assert not again.anew and again.items == () and again.sequence == rest.sequence


def test_a_sequence_that_was_never_told_means_to_begin_anew(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        library.add(write_photo(tmp_path / "1.png", 1).read_bytes())
        for beyond in (library.changes().sequence + 1, 1 << 70):
            found = library.changes(beyond, limit=1 << 70)
            assert found.anew and len(found.items) == 1 and not found.more
