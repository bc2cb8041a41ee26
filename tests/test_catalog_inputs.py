"""The law of rows, states, places, look-ups: on a real file, by cases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from localsearch.catalog import (
    Catalog,
    contents,
    create_catalog,
    inputs,
    known,
    path_filter,
    roots,
    tags,
)
from localsearch.catalog import input_reads as reads
from localsearch.catalog.known import facts_of_digest
from localsearch.errors import InputError, LibraryError, LibraryMissing
from localsearch.records import FAILED, STATES, Facts
from tests.catalog_model import FACTS, NOW_MS, digest_of, grave_rows, put


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


def state_of(conn: sqlite3.Connection, key: int) -> tuple[int, str, str]:
    (one,) = reads.by_keys(conn, [key])
    return one.row, one.state, one.reason


def test_all_columns_come_back(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="home", path=b"/photos")
    placed = put(
        conn,
        7,
        root=root,
        folder=b"2024/Sommer",
        name=b"\xff\n\xc3\xa4.jpg",
        id="my-cat",
        source_url="https://example.org/ü",
        metadata={"album": "home", "n": 1.5, "ö": [None, True]},
    )
    (one,) = reads.by_rows(conn, [placed.row])
    assert one == reads.by_id(conn, "my-cat")
    assert one == reads.by_place(conn, root, b"2024/Sommer", b"\xff\n\xc3\xa4.jpg")
    assert (one.key, one.row, one.id) == placed
    assert (one.root, one.root_name, one.relative) == (
        root,
        "home",
        b"2024/Sommer/\xff\n\xc3\xa4.jpg",
    )
    assert (one.digest, one.size, one.mtime_ns) == (digest_of(7), 7, 7)
    assert (one.width, one.height, one.format, one.camera) == (640, 480, "jpeg", "Some Camera")
    assert (one.taken_at, one.taken_raw) == (FACTS.taken_at, FACTS.taken_raw)
    assert (one.lat, one.lon) == (48.1, 11.6)
    assert (one.state, one.reason, one.removed, one.live) == ("ok", "", False, True)
    assert (one.created_ms, one.modified_ms) == (NOW_MS, NOW_MS)
    assert one.metadata == {"album": "home", "n": 1.5, "ö": [None, True]}
    assert one.source_url == "https://example.org/ü"
    assert facts_of_digest(conn, digest_of(7)) == FACTS
    assert facts_of_digest(conn, digest_of(8)) is None


def test_ids_are_random_and_the_users_own_are_kept(conn: sqlite3.Connection) -> None:
    ids = {put(conn, number).id for number in range(50)}
    assert len(ids) == 50 and all(len(one) == 32 and int(one, 16) >= 0 for one in ids)
    put(conn, 100, id="mine")
    for wrong in ("mine", "", "two\nlines", "x" * 256, "\ud800"):
        with pytest.raises(InputError):
            put(conn, 101, id=wrong)
    assert reads.by_id(conn, "\x00") is None


def test_new_content_takes_a_new_row_and_keeps_the_rest(conn: sqlite3.Connection) -> None:
    key, row, id = put(conn, 1, metadata={"a": 1})
    tags.put(conn, key, "pet", True)
    new = inputs.replace_content(
        conn,
        key,
        digest=digest_of(2),
        size=2,
        mtime_ns=2,
        facts=Facts(10, 20, "png"),
        state="ok",
        now_ms=NOW_MS + 5,
    )
    assert new > row and grave_rows(conn) == [row]
    (one,) = reads.by_rows(conn, [new])
    assert reads.by_rows(conn, [row]) == []
    assert (one.id, one.key, one.metadata, one.created_ms) == (id, key, {"a": 1}, NOW_MS)
    assert (one.digest, one.width, one.camera) == (digest_of(2), 10, None)
    assert one.modified_ms == NOW_MS + 5
    assert tags.tags_of(conn, [key]) == {key: {"pet": True}}


def test_missing_and_back(conn: sqlite3.Connection) -> None:
    key, row, _ = put(conn, 1)
    assert inputs.set_state(conn, [key], "missing", "its file is gone", NOW_MS) == 1
    assert state_of(conn, key) == (row, "missing", "its file is gone")
    assert grave_rows(conn) == [row] and reads.live_featured_rows(conn) == []
    assert inputs.set_state(conn, [key], "missing", "", NOW_MS) == 0
    inputs.set_state(conn, [key], "ok", "", NOW_MS)
    new, state, reason = state_of(conn, key)
    assert new > row and (state, reason) == ("ok", "")
    assert grave_rows(conn) == [row]
    assert reads.live_featured_rows(conn) == [(new, digest_of(1))]


@pytest.mark.parametrize("elsewhere", ["offline", "not-on-this-disk"])
def test_offline_stays_live_on_its_row(conn: sqlite3.Connection, elsewhere: str) -> None:
    key, row, _ = put(conn, 1)
    inputs.set_state(conn, [key], elsewhere, "the drive is away", NOW_MS)
    assert state_of(conn, key) == (row, elsewhere, "the drive is away")
    assert reads.live_featured_rows(conn) == [(row, digest_of(1))]
    inputs.set_state(conn, [key], "ok", "", NOW_MS)
    assert state_of(conn, key) == (row, "ok", "")
    assert grave_rows(conn) == []


def test_what_is_missing_does_not_come_back_with_its_root(conn: sqlite3.Connection) -> None:
    key, row, _ = put(conn, 1)
    inputs.set_state(conn, [key], "missing", "", NOW_MS)
    assert inputs.set_state(conn, [key], "offline", "", NOW_MS) == 0
    assert state_of(conn, key)[:2] == (row, "missing")


@pytest.mark.parametrize("elsewhere", ["missing", "offline", "not-on-this-disk"])
def test_a_failed_photo_comes_back_failed(conn: sqlite3.Connection, elsewhere: str) -> None:
    """ "ok" must never make a hit of what has no features."""
    key, _, _ = put(conn, 1, facts=None, state="undecodable", reason="cut short")
    inputs.set_state(conn, [key], elsewhere, "gone", NOW_MS)
    assert reads.failures(conn) == []
    inputs.set_state(conn, [key], "ok", "", NOW_MS)
    assert state_of(conn, key)[1:] == ("undecodable", "cut short")
    assert [one.key for one in reads.failures(conn)] == [key]
    assert reads.live_featured_rows(conn) == []


def test_a_failure_takes_the_features_away(conn: sqlite3.Connection) -> None:
    """A segment may hold the row: so it dies, and the failure stands on a new one."""
    key, row, _ = put(conn, 1)
    inputs.set_state(conn, [key], "unreadable", "no permission", NOW_MS)
    assert grave_rows(conn) == [row]
    new, state, reason = state_of(conn, key)
    assert new > row and (state, reason) == ("unreadable", "no permission")
    inputs.set_state(conn, [key], "unreadable", "still none", NOW_MS)
    assert state_of(conn, key) == (new, "unreadable", "still none")
    assert reads.live_featured_rows(conn) == []


def test_a_placeholder_waits_until_it_is_read(conn: sqlite3.Connection) -> None:
    key, row, _ = put(conn, 1, state="not-on-this-disk", digest=None, facts=None)
    assert inputs.set_state(conn, [key], "ok", "", NOW_MS) == 0
    assert reads.live_featured_rows(conn) == []
    content = {"digest": digest_of(1), "size": 1, "mtime_ns": 1, "facts": FACTS}
    new = inputs.replace_content(conn, key, **content, state="ok", now_ms=NOW_MS)
    assert reads.live_featured_rows(conn) == [(new, digest_of(1))] and grave_rows(conn) == [row]


def test_moves_keep_the_row(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="home", path=b"/photos")
    key, row, id = put(conn, 1)
    place = {"root": root, "folder": b"a", "name": b"b.jpg"}
    assert inputs.move(conn, key, **place, size=9, mtime_ns=9, now_ms=NOW_MS) == row
    one = reads.by_place(conn, **place)
    assert one is not None and (one.id, one.size, one.mtime_ns) == (id, 9, 9)
    assert reads.by_place(conn, None, b"/folder", b"1.jpg") is None
    inputs.set_state(conn, [key], "missing", "", NOW_MS)
    place["name"] = b"c.jpg"
    new = inputs.move(conn, key, **place, size=9, mtime_ns=9, now_ms=NOW_MS)
    assert new > row and state_of(conn, key) == (new, "ok", "")
    assert grave_rows(conn) == [row]
    put(conn, 2, **{**place, "name": b"taken.jpg"})
    with pytest.raises(InputError, match="another input"):
        inputs.move(conn, key, **{**place, "name": b"taken.jpg"}, size=9, mtime_ns=9, now_ms=NOW_MS)


def test_a_path_belongs_to_one_input(conn: sqlite3.Connection) -> None:
    put(conn, 1)
    with pytest.raises(InputError, match="another input"):
        put(conn, 1)
    put(conn, 2, folder=None, name=None)
    put(conn, 3, folder=None, name=None)  # without a file: as many as one likes


def test_remove_and_restore(conn: sqlite3.Connection) -> None:
    key, row, _ = put(conn, 1)
    assert inputs.set_removed(conn, key, True, NOW_MS) == row
    assert inputs.set_removed(conn, key, True, NOW_MS) == row
    assert grave_rows(conn) == [row]
    assert reads.count_by_state(conn) == {} and reads.count_removed(conn) == 1
    assert reads.keys_removed(conn) == [key]
    inputs.set_state(conn, [key], "missing", "", NOW_MS)
    inputs.set_removed(conn, key, False, NOW_MS)
    assert state_of(conn, key)[:2] == (row, "missing")  # not live yet: no new row
    inputs.set_state(conn, [key], "ok", "", NOW_MS)
    assert state_of(conn, key)[0] > row
    assert grave_rows(conn) == [row]


def test_changed_while_removed_stays_removed(conn: sqlite3.Connection) -> None:
    key, row, _ = put(conn, 1)
    inputs.set_removed(conn, key, True, NOW_MS)
    new = inputs.replace_content(
        conn,
        key,
        digest=digest_of(2),
        size=1,
        mtime_ns=1,
        facts=FACTS,
        state="ok",
        now_ms=NOW_MS,
    )
    assert new > row and reads.live_featured_rows(conn) == []
    assert inputs.set_removed(conn, key, False, NOW_MS) > new
    assert grave_rows(conn) == [row]


def test_purge_leaves_nothing_but_a_grave(conn: sqlite3.Connection) -> None:
    first, second, third = put(conn, 1), put(conn, 2), put(conn, 3, digest=digest_of(1))
    tags.put(conn, first.key, "pet", True)
    contents.put(conn, first.key, b"bytes")
    assert inputs.purge(conn, [first.key, first.key, 12345]) == (1, [])
    assert inputs.purge(conn, [third.key, second.key]) == (2, sorted([digest_of(1), digest_of(2)]))
    assert sorted(grave_rows(conn)) == [first.row, second.row, third.row]
    for table in ("inputs", "tags", "contents"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert put(conn, 4).row > third.row  # although the table is empty
    assert reads.last_row(conn) == third.row + 1


def test_rows_survive_an_undone_write(catalog: Catalog) -> None:
    with catalog.writing("test") as conn:
        first = put(conn, 1)
    with pytest.raises(ZeroDivisionError), catalog.writing("test") as conn:
        put(conn, 2)
        _ = 1 / 0
    with catalog.writing("test") as conn:
        third = put(conn, 3)
    assert third.row == first.row + 1  # what was undone was never handed out
    with catalog.reading() as conn:
        assert [row for row, _ in reads.live_featured_rows(conn)] == [first.row, third.row]


def test_known_files(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="home", path=b"/photos")
    places = [(b"", b"z.jpg"), (b"a", b"1.jpg"), (b"a b", b"1.jpg"), (b"a/b", b"2.jpg")]
    places += [(b"a", b"0.jpg"), (b"ab", b"1.jpg"), (b"\xff\xff", b"x"), (b"a/b/c", b"3.jpg")]
    for number, (folder, name) in enumerate(places):
        put(conn, number, root=root, folder=folder, name=name)
    put(conn, 99, folder=b"a")
    put(conn, 100, folder=None, name=None)
    assert [*known.known_in(conn, root, b"a")] == [b"0.jpg", b"1.jpg"]
    one = known.known_in(conn, root, b"")[b"z.jpg"]
    assert one == known.known_at(conn, root, b"", b"z.jpg")
    assert (one.root, one.folder, one.size, one.mtime_ns, one.digest, one.state, one.removed) == (
        root,
        b"",
        0,
        0,
        digest_of(0),
        "ok",
        False,
    )
    assert known.folders_of(conn, root) == sorted({folder for folder, _ in places})
    assert known.folders_of(conn, None) == [b"a"]
    everything = [(one.folder, one.name) for one in known.known_below(conn, root)]
    assert everything == sorted(places)
    below = [(one.folder, one.name) for one in known.known_below(conn, root, b"a")]
    assert below == sorted(p for p in places if p[0] == b"a" or p[0].startswith(b"a/"))
    assert [one.name for one in known.known_below(conn, None, b"a")] == [b"99.jpg"]
    assert known.known_at(conn, None, b"a", b"1.jpg") is None


def test_contents_that_turn_up_elsewhere(conn: sqlite3.Connection) -> None:
    first, second = put(conn, 1), put(conn, 2, digest=digest_of(1))
    put(conn, 3, digest=digest_of(1), folder=None, name=None)
    assert [one.key for one in known.places_of(conn, digest_of(1), limit=2)] == [
        first.key,
        second.key,
    ]
    assert known.missing_with(conn, digest_of(1)) == []
    inputs.set_removed(conn, second.key, True, NOW_MS)
    inputs.set_state(conn, [second.key], "missing", "", NOW_MS)
    (found,) = known.missing_with(conn, digest_of(1))
    assert found.key == second.key and found.removed
    inputs.set_state(conn, [first.key], "missing", inputs.IGNORED, NOW_MS)
    assert known.missing_with(conn, digest_of(1)) == [found]
    assert reads.keys_gone(conn, inputs.IGNORED) == [second.key]


def test_two_inputs_exchange_their_places(conn: sqlite3.Connection) -> None:
    one, other = put(conn, 1), put(conn, 2)
    before = {row.key: row for row in reads.by_keys(conn, [one.key, other.key])}
    inputs.exchange_places(conn, one.key, other.key)
    after = {row.key: row for row in reads.by_keys(conn, [one.key, other.key])}
    for mine, theirs in ((one.key, other.key), (other.key, one.key)):
        assert after[mine].relative == before[theirs].relative
        assert after[mine].digest == before[mine].digest
        assert after[mine].row == before[mine].row


def test_contents_in_order(conn: sqlite3.Connection) -> None:
    put(conn, 1)
    second = put(conn, 2, digest=digest_of(1))
    inputs.set_state(conn, [second.key], "missing", "", NOW_MS)
    assert [one.key for one in reads.by_digest(conn, digest_of(1))][-1] == second.key


def test_shown_below_counts_by_first_folder(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="home", path=b"/photos")
    keys = [
        put(conn, number, root=root, folder=folder).key
        for number, folder in enumerate([b"", b"a", b"a/b", b"a/c", b"d/e/f", b"d"])
    ]
    inputs.set_state(conn, keys[2:3], "missing", "", NOW_MS)
    inputs.set_state(conn, keys[3:4], "offline", "", NOW_MS)
    inputs.set_removed(conn, keys[4], True, NOW_MS)
    assert known.shown_below(conn, root) == {b"": 1, b"a": 2, b"d": 1}
    assert roots.inputs_in(conn, root) == 5


def test_touch_is_no_change(conn: sqlite3.Connection) -> None:
    key, row, _ = put(conn, 1)
    inputs.touch(conn, key, 5, 2**70)  # a file may claim any year
    (one,) = reads.by_keys(conn, [key])
    assert (one.row, one.size, one.mtime_ns, one.modified_ms) == (row, 5, 2**63 - 1, NOW_MS)


def test_metadata_is_a_document(conn: sqlite3.Connection) -> None:
    key, _, id = put(conn, 1)
    inputs.set_metadata(conn, key, {"half": "\ud800", "n": 10**30}, NOW_MS + 1)
    inputs.set_source(conn, key, "x", NOW_MS + 2)
    one = reads.by_id(conn, id)
    assert one is not None and one.metadata == {"half": "\ud800", "n": 10**30}
    assert (one.source_url, one.modified_ms) == ("x", NOW_MS + 2)
    for wrong in ({"x": float("nan")}, {"x": b"bytes"}, {"x": {1, 2}}):
        with pytest.raises(InputError):
            inputs.set_metadata(conn, key, wrong, NOW_MS)


def test_a_pictures_own_words_may_be_broken(conn: sqlite3.Connection) -> None:
    facts = Facts(1, 1, "jpeg", taken_raw="\udcff\x00", camera="\ud800 cam", lat=float("nan"))
    _, row, _ = put(conn, 1, facts=facts, state="ok", reason="\udcff")
    (one,) = reads.by_rows(conn, [row])
    assert one.camera == "? cam" and one.lat is None


def test_unknown_words_and_keys(conn: sqlite3.Connection) -> None:
    key = put(conn, 1).key
    with pytest.raises(LibraryError):
        inputs.set_state(conn, [key], "gone", "", NOW_MS)
    with pytest.raises(LibraryMissing):
        inputs.set_removed(conn, 999, True, NOW_MS)
    assert inputs.set_state(conn, [999], "ok", "", NOW_MS) == 0


def test_every_state_is_counted_and_listed(conn: sqlite3.Connection) -> None:
    keys = {state: put(conn, n, state=state).key for n, state in enumerate(STATES)}
    assert reads.count_by_state(conn) == dict.fromkeys(STATES, 1)
    for state, key in keys.items():
        assert reads.keys_of_state(conn, state) == [key]
        assert [one.key for one in reads.by_rows(conn, reads.rows_of_state(conn, state).tolist())]
    assert {one.state for one in reads.failures(conn)} == FAILED
    first, *rest = reads.failures(conn)
    assert reads.failures(conn, after=first.row) == rest
    assert reads.failures(conn, 1) == [first]
    assert len(reads.live_featured_rows(conn)) == 3  # ok, and two that are elsewhere
    assert reads.rows_not_removed(conn).tolist() == [*range(1, 10)]


def test_pages_of_inputs(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="home", path=b"/photos")
    for number in range(10):
        put(
            conn, number, state="ok" if number % 2 else "offline", root=root if number > 5 else None
        )
    inputs.set_removed(conn, 10, True, NOW_MS)
    seen: list[int] = []
    while page := reads.iterate(conn, after=seen[-1] if seen else -1, limit=4):
        seen += [one.row for one in page]
    assert seen == [*range(1, 10)]
    assert [one.row for one in reads.iterate(conn, state="offline")] == [1, 3, 5, 7, 9]
    assert [one.row for one in reads.iterate(conn, state="ok", root=root)] == [8]
    assert [one.row for one in reads.iterate(conn, removed=True)] == [10]


def test_by_rows_keeps_the_order_asked(conn: sqlite3.Connection) -> None:
    placed = [put(conn, number) for number in range(1500)]
    rows = [one.row for one in placed][::-1]
    assert [one.row for one in reads.by_rows(conn, [*rows, 99999])] == rows
    assert reads.by_rows(conn, []) == []
    ids = [one.id for one in placed]
    assert [one.id for one in reads.by_ids(conn, [*ids, "nobody"])] == ids
    assert reads.rows_of_ids(conn, [*ids, ids[0], "nobody"]).tolist() == rows[::-1]


def test_paths_by_pattern(conn: sqlite3.Connection) -> None:
    root = roots.put(conn, name="home", path=b"/photos")
    other = roots.put(conn, name="card", path=b"/card")
    paths = [b"a.jpg", b"2024/b.jpg", b"2024/05/c.jpg", b"2024/05/d.png", b"2024/[x]*.jpg"]
    paths += ["2024/Mu\u0308nchen.jpg".encode(), b"2024/\xff.jpg", b"2024/new\nline.jpg", b"A.jpg"]
    rows = {}
    for number, path in enumerate(paths):
        folder, _, name = path.rpartition(b"/")
        rows[path] = put(conn, number, root=root, folder=folder, name=name).row
    card = put(conn, 50, root=other, folder=b"2024", name=b"b.jpg").row
    absolute = put(conn, 51, folder=b"/tmp/2024", name=b"b.jpg").row
    put(conn, 52, folder=None, name=None)

    def matched(glob: str, name: str | None = "home") -> set[bytes]:
        found = set(path_filter.rows_of_path(conn, glob, name).tolist())
        return {path for path, row in rows.items() if row in found}

    assert matched("*.jpg") == {b"a.jpg", b"A.jpg"}
    assert matched("a.jpg") == {b"a.jpg"}
    assert matched("?.jpg") == {b"a.jpg", b"A.jpg"}
    assert matched("**") == {*paths}
    assert matched("2024/**") == {path for path in paths if path.startswith(b"2024/")}
    assert matched("2024/**/*.jpg") == {p for p in paths if p[:5] == b"2024/" and p[-3:] == b"jpg"}
    assert matched("2024/*.png") == set()
    assert matched("**/d.png") == matched("2024/05/[c-d].png") == {b"2024/05/d.png"}
    assert matched("**/[!a-z].jpg") == {b"A.jpg", b"2024/\xff.jpg"}
    assert matched("2024/[[]x]*") == {b"2024/[x]*.jpg"}
    assert matched("2024/M\u00fcnchen.jpg") == {"2024/Mu\u0308nchen.jpg".encode()}
    assert matched("*/\udcff.jpg") == {b"2024/\xff.jpg"}
    assert matched("2024/new*line.jpg") == {b"2024/new\nline.jpg"}
    assert matched("2024") == matched("") == matched("[") == set()
    with pytest.raises(InputError):
        matched("[z-a]")
    everywhere = path_filter.rows_of_path(conn, "**/b.jpg").tolist()
    assert everywhere == sorted([rows[b"2024/b.jpg"], card, absolute])
    assert path_filter.rows_of_path(conn, "**", "nobody").tolist() == []


def test_the_same_place_in_another_form(conn: sqlite3.Connection) -> None:
    composed, decomposed = "Mü/Straße.JPG".encode(), "mu\u0308/STRASSE.jpg".encode()
    first = put(conn, 1, folder=composed[:3], name=composed[4:])
    second = put(conn, 2, folder=decomposed[:4], name=decomposed[5:])
    found = reads.like_place(conn, None, decomposed[:4], decomposed[5:])
    assert [one.key for one in found] == [second.key, first.key]
