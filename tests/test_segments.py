"""Segments, tail and graves answer as the features do, whatever happens to the files."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.errors import LibraryDamaged, LibrarySegmentDamaged
from localsearch.rows import to_array
from localsearch.segments.live import advance
from localsearch.segments.live_set import LiveSet
from localsearch.segments.segment import MATRIX, POSTINGS
from tests.segments.store import (
    Store,
    assert_same,
    open_store,
    small_segments,
    temporary_store,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "store")
    with small_segments():
        yield made
    made.close()


def test_an_empty_store_answers(store: Store) -> None:
    live = store.live()
    assert_same(store, live)
    assert live.notes == () and live.segments == ()
    assert store.live(live) is live


def test_rows_are_found_in_the_tail_and_in_segments(store: Store) -> None:
    store.add(2)
    assert_same(store, store.live())
    store.add(30)
    store.publish()
    live = store.live()
    assert [len(one.rows) for one in live.segments] == [12, 12, 8]
    assert len(live.tail.rows) == 0
    assert_same(store, live)


def test_what_has_not_changed_is_not_made_again(store: Store) -> None:
    store.add(30)
    store.publish()
    first = store.live()
    assert store.live(first) is first
    store.add(2)
    second = store.live(first)
    assert second.segments[0] is first.segments[0]
    assert len(second.tail.rows) == 2 and len(first.tail.rows) == 0


def test_only_new_rows_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(5)
    live = store.live()
    asked: list[int] = []
    read = store.features.arrays_of
    monkeypatch.setattr(
        store.features, "arrays_of", lambda digests: asked.append(len(digests)) or read(digests)
    )
    store.add(3)
    live = store.live(live)
    assert asked == [3]
    store.publish()
    asked.clear()
    assert_same(store, store.live(live))
    assert asked[:1] == [8]  # the oracle's: the live set read nothing


def test_the_dead_are_in_no_answer(store: Store) -> None:
    store.add(30)
    store.publish(whole_sync=False)
    live = store.live()
    for key in store.keys[::4]:
        store.hide(key)
    after = store.live(live)
    assert_same(store, after)
    assert_same(store, store.live())
    assert len(live.rows) == 30 and len(after.rows) == 22
    assert after.values_at(0, live.tail.rows).shape == live.tail.rows.shape
    store.hide(store.keys[0], removed=False)
    assert_same(store, store.live(after))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 14)),
        st.tuples(st.just("lose"), st.integers(1, 3)),
        st.tuples(st.just("hide"), st.integers(0, 999)),
        st.tuples(st.just("show"), st.integers(0, 999)),
        st.tuples(st.just("publish"), st.integers(0, 1)),
        st.tuples(st.just("replace"), st.integers(0, 999)),
        st.tuples(st.just("bad"), st.integers(0, 999)),
        st.tuples(st.just("forget"), st.just(0)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(0, 99))
def test_a_live_set_is_what_the_features_say(history: list[tuple[str, int]], seed: int) -> None:
    with small_segments(), temporary_store(seed) as store:
        live: LiveSet | None = None
        for word, number in history:
            named = store.named()
            if word == "add":
                store.add(number)
            elif word == "lose":
                store.add(number, featured=False)
            elif word in ("hide", "show") and store.keys:
                store.hide(store.keys[number % len(store.keys)], removed=word == "hide")
            elif word == "publish":
                store.publish(whole_sync=bool(number))
            elif word == "replace" and named:
                store.replace(named[number % len(named)].name)
            elif word == "bad" and named:
                live = store.live(live, frozenset({named[number % len(named)].name}))
                assert live.damaged
            elif word == "forget":
                live = None
            elif word == "look":
                live = store.live(live)
                assert_same(store, live)
        assert_same(store, store.live(live))
        assert_same(store, store.live())


def test_rows_without_features_are_left_out_and_told(store: Store) -> None:
    store.add(4)
    lost = store.add(2, featured=False)
    live = store.live()
    assert live.lacking == tuple(lost)
    assert any("2 photos are left out" in note for note in live.notes)
    assert_same(store, live)
    store.add(10)
    store.publish()
    live = store.live(live)
    assert live.lacking == tuple(lost) and len(live.tail.rows) == 0
    assert_same(store, live)
    give_features(store, lost)
    store.add(1)
    live = store.live(live)
    assert live.lacking == ()
    assert_same(store, live)
    assert_same(store, store.live())


def give_features(store: Store, rows: list[int]) -> None:
    """Infer anew what was lost."""
    with store.catalog.reading() as conn:
        from localsearch.catalog import input_reads

        digests = [one.digest for one in input_reads.by_rows(conn, rows)]
    vector = np.ones(store.pack.dimensions, np.float16)
    logits = np.ones(store.pack.classes, np.float16)
    store.features.put_many((d, vector, logits) for d in digests if d is not None)


def test_features_that_are_no_numbers_are_left_out(store: Store) -> None:
    lost = store.add(1, featured=False)
    store.add(3)
    with store.catalog.reading() as conn:
        from localsearch.catalog import input_reads

        digest = input_reads.by_rows(conn, lost)[0].digest
    assert digest is not None
    vector = np.full(store.pack.dimensions, np.nan, np.float16)
    store.features.put_many([(digest, vector, np.ones(store.pack.classes, np.float16))])
    live = store.live()
    assert live.lacking == tuple(lost) and len(live.rows) == 3


class HalfBroken:
    """Features of which some cannot be read, as behind a damaged page of SQLite."""

    def __init__(self, store: Store, bad: set[bytes]) -> None:
        self._features, self.bad = store.features, bad
        self.dimensions, self.classes = store.features.dimensions, store.features.classes
        self.asked = 0

    def arrays_of(self, digests: list[bytes]) -> object:
        self.asked += 1
        if self.bad.intersection(digests):
            raise LibraryDamaged("database disk image is malformed")
        return self._features.arrays_of(digests)


def test_a_damaged_features_file_costs_only_its_rows(store: Store) -> None:
    from localsearch.catalog import input_reads

    rows = store.add(40)
    with store.catalog.reading() as conn:
        digests = [one.digest for one in input_reads.by_rows(conn, rows)]
        broken = HalfBroken(store, {digests[3], digests[20]})  # type: ignore[arg-type]
        live = advance(None, conn, broken, store.pack, store.path)  # type: ignore[arg-type]
        assert live.lacking == (rows[3], rows[20])
        assert len(live.rows) == 38
        broken = HalfBroken(store, set(digests))  # type: ignore[arg-type]
        live = advance(None, conn, broken, store.pack, store.path)  # type: ignore[arg-type]
    assert len(live.rows) == 0 and len(live.lacking) == 40
    assert broken.asked < 300


def damage_whole(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "deleted":
        path.unlink()
    elif kind == "emptied":
        path.write_bytes(b"")
    elif kind.startswith("cut"):
        path.write_bytes(data[: len(data) * int(kind[3:]) // 100])
    elif kind == "longer":
        path.write_bytes(data + b"\0")
    elif kind == "noise":
        path.write_bytes(os.urandom(len(data)))
    elif kind == "folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize(
    "kind", ["deleted", "emptied", "cut1", "cut50", "cut99", "longer", "noise", "folder"]
)
@pytest.mark.parametrize("file", [POSTINGS, MATRIX])
def test_a_file_that_is_not_whole(store: Store, kind: str, file: str) -> None:
    store.add(40)
    store.publish(whole_sync=False)
    name = store.named()[1].name
    damage_whole(store.path / "segments" / name / file, kind)
    live = store.live()
    assert live.damaged == (name,)
    assert any(name in note for note in live.notes)
    assert_same(store, live)
    report = store.replace(name)
    assert report.dropped == (name,) and len(report.built) == 1
    live = store.live(live)
    assert live.damaged == () and live.notes == ()
    assert_same(store, live)


def all_answers(live: LiveSet, store: Store) -> None:
    rows = to_array(live.rows)
    live.halves_of(rows)
    live.scan(np.ones(store.pack.dimensions, np.float32))
    for concept in range(len(store.pack.floors)):
        live.rows_of(concept, 0)
        live.values_at(concept, rows)


@pytest.mark.parametrize("file", [POSTINGS, MATRIX])
def test_a_flipped_bit_is_never_answered(store: Store, file: str) -> None:
    store.add(12)
    store.publish()
    name = store.named()[0].name
    path = store.path / "segments" / name / file
    good = path.read_bytes()
    places = np.random.default_rng(4).choice(len(good), 60, replace=False)
    noticed = 0
    for place in [*places.tolist(), len(good) - 1]:
        data = bytearray(good)
        data[place] ^= 16
        path.write_bytes(data)
        bad: set[str] = set()
        try:
            live = store.live()
            all_answers(live, store)
        except LibrarySegmentDamaged as fault:  # at first touch: the library asks again
            assert fault.segment == name
            bad.add(name)
        live = store.live(None, frozenset(bad))
        noticed += live.damaged == (name,)
        assert_same(store, live)
    assert noticed > 40  # the others lie in gaps, which hold nothing


def test_files_of_another_segment_are_noticed(store: Store) -> None:
    store.add(24)
    store.publish()
    first, second = (store.path / "segments" / row.name for row in store.named())
    for file in (POSTINGS, MATRIX):
        shutil.copyfile(second / file, first / "kept")
        shutil.copyfile(first / file, second / file)
        live = store.live()
        assert live.damaged == (second.name,)
        assert_same(store, live)
        (first / "kept").replace(second / file)
    shutil.copyfile(first / POSTINGS, first / MATRIX)
    live = store.live()
    assert live.damaged == (first.name,)
    assert_same(store, live)


def test_segments_of_another_pack_are_set_aside(store: Store, tmp_path: Path) -> None:
    from localsearch.pack import load_pack
    from tests.tiny_pack import make_tiny_pack

    store.add(15)
    store.publish()
    old = store.live()
    store.pack = load_pack(make_tiny_pack(tmp_path / "newer", version=2))
    live = store.live(old)
    assert live.damaged == tuple(row.name for row in store.named())
    assert_same(store, live)
    store.replace(*live.damaged)
    live = store.live(live)
    assert live.damaged == () and len(live.tail.rows) == 0
    assert_same(store, live)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not cut a mapped file")
def test_a_segment_cut_while_open(store: Store) -> None:
    store.add(12)
    store.publish()
    live = store.live()
    all_answers(live, store)
    name = live.segments[0].name
    os.truncate(store.path / "segments" / name / MATRIX, 100)
    with pytest.raises(LibrarySegmentDamaged) as caught:
        all_answers(live, store)
    assert caught.value.segment == name
    assert_same(store, store.live(live, frozenset({name})))


def test_what_is_unknown_is_an_error(store: Store) -> None:
    rows = store.add(3)
    live = store.live()
    with pytest.raises(ValueError, match="without a vector"):
        live.halves_of(np.array([rows[0], 999], np.uint32))
    assert live.values_at(0, np.array([999], np.uint32)).tolist() == [0]


def test_a_reader_never_waits_for_a_writer(store: Store) -> None:
    store.add(40)
    stop, faults = threading.Event(), list[BaseException]()

    def read() -> None:
        live = None
        try:
            while not stop.is_set():
                live = store.live(live)
                assert len(live.rows) >= 40
                all_answers(live, store)
        except (Exception, AssertionError) as fault:  # noqa: BLE001 (raised by the test below)
            faults.append(fault)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    end = time.monotonic() + 1.5
    while time.monotonic() < end and not faults:
        store.add(5)
        store.publish(whole_sync=False)
    stop.set()
    for thread in readers:
        thread.join()
    assert faults == []
    assert_same(store, store.live())


def test_closed_segments_give_their_files_back(store: Store) -> None:
    store.add(12)
    store.publish()
    live = store.live()
    live.segments[0].check_all()
    live.segments[0].close()
    with pytest.raises(LibrarySegmentDamaged):
        live.segments[0].values_of(0)
