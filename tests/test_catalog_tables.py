"""The smaller tables: settings, counters, tags, graves, roots, segments, packs, contents."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from localsearch.catalog import (
    Catalog,
    contents,
    create_catalog,
    graves,
    inputs,
    packs,
    roots,
    segment_names,
    settings,
    tags,
)
from localsearch.catalog import input_reads as reads
from localsearch.catalog.packs import PackRow
from localsearch.catalog.segment_names import SegmentRow
from localsearch.errors import InputError, LibraryError
from tests.catalog_model import NOW_MS, put


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


def test_settings(conn: sqlite3.Connection) -> None:
    assert settings.value(conn, "x", 5) == 5
    for setting in (None, 0, "text", {"a": [1, 2.5, None, "ü"]}):
        settings.put(conn, "x", setting)
        assert settings.value(conn, "x", 5) == setting
    settings.forget(conn, "x")
    assert settings.value(conn, "x") is None


def test_counters_only_rise(conn: sqlite3.Connection) -> None:
    assert settings.current_value(conn, "row") == 0
    assert [settings.next_value(conn, "row") for _ in range(3)] == [1, 2, 3]
    assert settings.take_values(conn, "row", 10) == 4
    assert settings.next_value(conn, "row") == 14
    assert settings.next_value(conn, "other") == 1


def test_a_read_sees_the_counters_of_its_state(catalog: Catalog) -> None:
    packs_row = PackRow("general", 2, "e" * 64, "p" * 64, "packs/pppp")
    with catalog.writing("test") as conn:
        packs.put_active(conn, packs_row)
        settings.take_values(conn, "row", 5)
        with catalog.reading() as inner:  # the same transaction, of which nothing is held
            assert settings.current_value(inner, "row") == 5
            settings.next_value(conn, "row")
            assert settings.current_value(inner, "row") == 6
    asked = list[str]()
    with catalog.reading() as outer:
        with catalog.writing("test") as conn:
            settings.next_value(conn, "row")
            assert settings.current_value(conn, "row") == 7
        outer.set_trace_callback(asked.append)
        with catalog.reading() as inner:
            assert settings.current_value(inner, "row") == 6 == settings.current_value(outer, "row")
            assert settings.current_value(inner, "never") == 0
        outer.set_trace_callback(None)
    assert asked == []  # what the first statement saw is enough
    with catalog.reading() as conn:
        assert settings.current_value(conn, "row") == 7


def test_rows_end_at_32_bits(conn: sqlite3.Connection) -> None:
    conn.execute("INSERT INTO counters VALUES ('row', 4294967294)")
    assert put(conn, 1).row == 2**32 - 1
    with pytest.raises(LibraryError, match="all its"):
        put(conn, 2)


def test_tags(conn: sqlite3.Connection) -> None:
    placed = [put(conn, number) for number in range(5)]
    tags.put(conn, placed[0].key, "Straße", True)
    tags.put(conn, placed[1].key, "STRASSE", False)
    tags.put(conn, placed[2].key, "strasse ", True)
    tags.put(conn, placed[2].key, "Pet", True)
    tags.put(conn, placed[3].key, "cafe\u0301", True)
    tags.put(conn, placed[4].key, "CAF\u00c9", True)
    inputs.set_state(conn, [placed[4].key], "missing", "", NOW_MS)
    rows = [one.row for one in placed]
    assert tags.rows_with(conn, "strasse").tolist() == [rows[0], rows[2]]
    assert tags.rows_with(conn, "STRASSE", False).tolist() == [rows[1]]
    assert tags.rows_with(conn, "Straße", None).tolist() == rows[:3]
    assert tags.rows_with(conn, "café").tolist() == rows[3:]  # in any state
    assert tags.rows_with(conn, "nothing").tolist() == []
    assert tags.tags_of(conn, [one.key for one in placed[:3]]) == {
        placed[0].key: {"Straße": True},
        placed[1].key: {"Straße": False},
        placed[2].key: {"Pet": True, "Straße": True},
    }
    assert tags.all_tags(conn) == [("caf\u00e9", 1), ("Pet", 1), ("Straße", 2)]
    assert tags.forget(conn, placed[0].key, "sTRASSE") and not tags.forget(conn, 1, "none")
    assert tags.tags_of(conn, [placed[0].key]) == {}
    for wrong in ("", "  ", "a\nb", "x" * 201, "\ud800"):
        with pytest.raises(InputError):
            tags.put(conn, placed[0].key, wrong, True)
    assert tags.rows_with(conn, "\ud800").tolist() == []


def test_a_users_word_outlives_a_files(conn: sqlite3.Connection) -> None:
    key = put(conn, 1).key
    tags.put(conn, key, "pet", True, "file")
    tags.put(conn, key, "pet", False, "file")
    assert tags.tags_of(conn, [key]) == {key: {"pet": False}}
    tags.put(conn, key, "pet", True, "user")
    tags.put(conn, key, "pet", False, "file")
    assert tags.tags_of(conn, [key]) == {key: {"pet": True}}


def test_tags_follow_an_input_to_its_new_row(conn: sqlite3.Connection) -> None:
    key, _, _ = put(conn, 1)
    tags.put(conn, key, "pet", True)
    new = inputs.replace_content(
        conn, key, digest=None, size=1, mtime_ns=1, facts=None, state="undecodable", now_ms=NOW_MS
    )
    assert tags.rows_with(conn, "pet").tolist() == [new]


def test_graves(conn: sqlite3.Connection) -> None:
    assert graves.last(conn) == 0
    graves.put(conn, [5, 9])
    graves.put(conn, [])
    graves.put(conn, [9, 7])
    found = graves.since(conn, 0)
    assert [row for _, row in found] == [5, 9, 7]
    assert graves.since(conn, found[1][0]) == found[2:]
    last = graves.last(conn)
    assert last >= found[-1][0]
    assert graves.forget_rows(conn, [7, 5, 12345]) == 2
    assert graves.last(conn) == last
    graves.put(conn, [100])
    assert graves.since(conn, last) == [(graves.last(conn), 100)]  # none is passed over


def test_roots(conn: sqlite3.Connection) -> None:
    key = roots.put(
        conn,
        name="home",
        path=b"/photos/\xff",
        volume_id="uuid",
        volume_path=b"photos",
        ignore=["*.tmp", "a/ü"],
    )
    one = roots.by_name(conn, "home")
    assert one == roots.by_key(conn, key)
    assert one == roots.RootRow(
        key, "home", b"/photos/\xff", "uuid", b"photos", (), ("*.tmp", "a/ü"), True
    )
    with pytest.raises(InputError):
        roots.put(conn, name="home", path=b"/elsewhere")
    other = roots.put(conn, name="card", path=b"/card")
    roots.replace(conn, key, path=b"/new", volume_id=None, sample=[(b"a/b.jpg", 5)], online=False)
    assert roots.by_key(conn, key) == roots.RootRow(
        key, "home", b"/new", None, b"photos", ((b"a/b.jpg", 5),), ("*.tmp", "a/ü"), False
    )
    roots.replace(conn, key, ignore=(), name="house")
    assert [root.name for root in roots.all_roots(conn)] == ["card", "house"]
    with pytest.raises(InputError):
        roots.replace(conn, key, name="card")
    assert roots.by_name(conn, "home") is None and roots.by_key(conn, 99) is None
    inputs.forget_root(conn, other)
    inputs.forget_root(conn, key)
    assert roots.all_roots(conn) == []
    assert roots.put(conn, name="card", path=b"/card") > max(key, other)  # never used again


def test_a_sample_is_spread_over_a_root(conn: sqlite3.Connection) -> None:
    key = roots.put(conn, name="home", path=b"/photos")
    assert roots.take_sample(conn, key) == ()
    for number in range(100):
        put(conn, number, root=key, folder=b"%02d" % (number // 10))
    inputs.set_state(conn, [1], "missing", "", NOW_MS)
    sample = roots.take_sample(conn, key)
    assert len(sample) == roots.SAMPLE_PHOTOS
    assert len({path.split(b"/")[0] for path, _ in sample}) == 10
    assert all(path == b"%02d/%d.jpg" % (size // 10, size) for path, size in sample)
    roots.replace(conn, key, sample=sample)
    one = roots.by_key(conn, key)
    assert one is not None and one.sample == tuple(sorted(sample))


def test_forgetting_a_root_purges_its_inputs(conn: sqlite3.Connection) -> None:
    key = roots.put(conn, name="home", path=b"/photos")
    inside, outside = put(conn, 1, root=key), put(conn, 2)
    gone = inputs.forget_root(conn, key)
    assert gone.inputs == 1 and len(gone.orphans) == 1
    assert [one.key for one in reads.iterate(conn)] == [outside.key]
    assert [row for _, row in graves.since(conn, 0)] == [inside.row]


def segment(conn: sqlite3.Connection, first: int, last: int) -> SegmentRow:
    number = segment_names.next_number(conn)
    return SegmentRow(f"general-{number}-ab", number, first, last, last - first + 1, "d" * 64)


def test_segments(conn: sqlite3.Connection) -> None:
    assert (segment_names.generation(conn), segment_names.named(conn)) == (0, [])
    first, second = segment(conn, 5, 9), segment(conn, 1, 4)
    assert segment_names.name_segments(conn, [first, second]) == 1
    assert segment_names.named(conn) == [second, first]
    third = segment(conn, 1, 9)
    assert third.number == 3
    assert segment_names.name_segments(conn, [third], [first.name, second.name]) == 2
    assert segment_names.named(conn) == [third]
    fourth = segment(conn, 10, 12)
    segment_names.name_segments(conn, [fourth], [third.name, "never named"])
    assert segment_names.generation(conn) == 3
    assert segment_names.dropped(conn, 3) == [first.name, second.name]
    assert segment_names.dropped(conn) == [first.name, second.name, third.name]
    segment_names.forget_dropped(conn, [first.name, fourth.name])
    assert segment_names.dropped(conn) == [second.name, third.name]
    assert segment_names.named(conn) == [fourth]


def test_a_segment_is_named_once(conn: sqlite3.Connection) -> None:
    one = segment(conn, 1, 2)
    segment_names.name_segments(conn, [one])
    with pytest.raises(sqlite3.IntegrityError):
        segment_names.name_segments(conn, [one])


def test_packs(conn: sqlite3.Connection) -> None:
    old = PackRow("general", 2, "e" * 64, "p" * 64, "packs/pppp")
    new = PackRow("general", 3, "f" * 64, "q" * 64, "packs/qqqq")
    assert packs.active(conn) is None
    packs.put_active(conn, old)
    packs.put(conn, "building", new)
    assert (packs.active(conn), packs.building(conn)) == (old, new)
    packs.put_active(conn, new)
    assert packs.active(conn) == new and packs.building(conn) is None
    assert packs.of_role(conn, "previous") == old
    packs.forget(conn, "previous")
    assert packs.of_role(conn, "previous") is None


def test_contents(conn: sqlite3.Connection) -> None:
    key = put(conn, 1, folder=None, name=None).key
    assert contents.data_of(conn, key) is None
    contents.put(conn, key, b"\x00data")
    contents.put(conn, key, b"\x00other")
    assert contents.data_of(conn, key) == b"\x00other"
    with pytest.raises(sqlite3.IntegrityError):
        contents.put(conn, 999, b"nobody's")
