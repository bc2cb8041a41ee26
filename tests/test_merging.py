"""Segments become one: the same answers bit for bit, whatever happens on the way."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.catalog import graves, segment_names
from localsearch.catalog.segment_names import SegmentRow
from localsearch.durable import open_blocks
from localsearch.durable import writing as durable_writing
from localsearch.errors import LibraryFull, LibrarySegmentDamaged
from localsearch.publish import build, is_due, merge, plan, sweep, sweep_segments
from localsearch.rows import empty, to_array
from localsearch.segments import writing
from localsearch.segments.live import advance
from localsearch.segments.live_set import LiveSet
from localsearch.segments.segment import MATRIX, POSTINGS, open_segment
from localsearch.segments.writing import SegmentData, write_merged_files, write_segment_files
from localsearch.writer_lock import WriterLock
from tests.segments.store import Store, assert_same, open_store, small_segments, temporary_store

FILES = (POSTINGS, MATRIX)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "store")
    with small_segments():
        yield made
    made.close()


def filled(store: Store, segments: int = 8) -> None:
    store.add(12 * segments)
    store.publish(whole_sync=False)
    assert len(store.named()) == segments


def graves_of(store: Store) -> list[int]:
    with store.catalog.reading() as conn:
        return [row for _, row in graves.since(conn, 0)]


def test_eight_become_one_of_the_same_rows(store: Store) -> None:
    filled(store)
    before = store.named()
    report = store.merge()
    (one,) = store.named()
    assert report.built == (one.name,) and report.rows == 96 == one.rows
    assert set(report.dropped) == {row.name for row in before} and report.notes == ()
    assert (one.first_row, one.last_row) == (before[0].first_row, before[-1].last_row)
    assert_same(store, store.live())
    assert store.merge() == build.PublishReport()


def blocks_of(store: Store, row: SegmentRow) -> dict[str, bytes]:
    found = {}
    for name in FILES:
        file = open_blocks(store.path / "segments" / row.name / name)
        found |= {f"{name} {block}": bytes(file.block(block)) for block in file.names}
        found[f"{name} meta"] = repr({**file.meta, "segment": None}).encode()
        file.close()
    return found


@pytest.mark.parametrize("kept", [True, False])
def test_a_merged_segment_is_byte_for_byte_what_the_features_make(
    store: Store, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when its lists are too long to be kept between two passes."""
    from localsearch.postings import merge as lists

    if not kept:
        monkeypatch.setattr(lists, "KEPT_BYTES", 40)
        monkeypatch.setattr(lists, "_BATCH", 7)
    store.add(30)
    store.add(3, featured=False)
    store.add(70)
    for key in store.keys[::7]:
        store.hide(key)
    store.publish()
    for key in store.keys[3::11]:
        store.hide(key)
    store.compact()
    (merged,) = store.named()
    found = blocks_of(store, merged)
    with small_segments(rows=1000):
        store.replace(merged.name)
    assert found == blocks_of(store, store.named()[0])


def test_dead_rows_and_their_graves_go(store: Store) -> None:
    filled(store, 3)
    for key in store.keys[:4]:
        store.hide(key)
    assert store.merge().rows == 8  # a third of the first is dead
    assert graves_of(store) == [] and [row.rows for row in store.named()] == [8, 12, 12]
    for key in store.keys[24:27]:
        store.hide(key)
    assert store.merge() == build.PublishReport()
    assert len(graves_of(store)) == 3
    assert store.compact().rows == 29 and graves_of(store) == []
    assert_same(store, store.live())


def test_what_dies_during_a_merge_keeps_its_grave(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = store.add(2, featured=False)
    filled(store, 7)
    store.publish()
    live = store.live()
    real = write_merged_files

    def dying(*args: object, **named: object) -> None:
        real(*args, **named)  # type: ignore[arg-type]
        store.hide(store.keys[1])
        store.hide(store.keys[40])

    monkeypatch.setattr(merge, "write_merged_files", dying)
    compaction, asked = plan.compaction, itertools.count()  # asked before and under the lock
    monkeypatch.setattr(
        plan, "compaction", lambda *held: compaction(*held) if next(asked) < 2 else []
    )
    store.compact()
    assert len(store.named()) == 1
    dead = graves_of(store)
    assert lost[1] in dead and len(dead) == 2
    assert_same(store, store.live(live))
    assert_same(store, store.live())
    monkeypatch.undo()
    store.compact()
    assert graves_of(store) == []
    assert store.live().lacking == (lost[0],)


def test_a_segment_of_dead_rows_only_goes_without_a_trace(store: Store) -> None:
    filled(store, 3)
    live = store.live()
    for key in store.keys[12:24]:
        store.hide(key)
    report = store.merge()
    assert report.built == () and len(report.dropped) == 1 and len(store.named()) == 2
    assert graves_of(store) == []
    assert_same(store, store.live(live))


def test_the_last_segment_dies_unseen_by_a_reader(store: Store) -> None:
    """Its rows are in that reader's tail, above the last row that is published now."""
    filled(store, 2)
    store.add(5)
    live = store.live()
    assert len(live.tail.rows) == 5
    store.publish()
    for key in store.keys[24:]:
        store.hide(key)
    store.merge()
    assert len(store.named()) == 2
    assert_same(store, store.live(live))
    store.add(12)
    store.publish()
    store.compact()
    assert graves_of(store) == []
    assert_same(store, store.live(live))


def test_rows_without_features_are_carried_on(store: Store) -> None:
    lost = store.add(3, featured=False)
    filled(store, 2)
    store.publish()
    store.hide(store.keys[0])
    store.compact()
    assert len(store.named()) == 1
    live = store.live()
    assert live.lacking == tuple(lost[1:])
    assert_same(store, live)


def test_readers_keep_what_did_not_change(store: Store) -> None:
    filled(store, 9)
    store.compact()
    store.add(12 * 8 + 2)
    store.publish(whole_sync=False)
    before = store.live()
    store.hide(store.keys[0])
    names = [row.name for row in store.named()]
    store.merge()
    after = store.live(before)
    assert len(after.segments) == 2
    assert after.segments[0] is before.segments[0] and after.tail is before.tail
    assert [one.name for one in before.segments] == names
    before.halves_of(to_array(before.rows))  # the old one answers as it did
    assert len(before.rows) == len(after.rows) + 1
    assert_same(store, after)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 40)),
        st.tuples(st.just("lose"), st.integers(1, 3)),
        st.tuples(st.just("hide"), st.integers(0, 999)),
        st.tuples(st.just("kill"), st.integers(0, 999)),
        st.tuples(st.just("publish"), st.integers(0, 1)),
        st.tuples(st.just("merge"), st.integers(0, 3)),
        st.tuples(st.just("merge"), st.just(99)),
        st.tuples(st.just("compact"), st.just(0)),
        st.tuples(st.just("replace"), st.integers(0, 999)),
        st.tuples(st.just("spoil"), st.integers(0, 10**9)),
        st.tuples(st.just("bad"), st.integers(0, 999)),
        st.tuples(st.just("look"), st.integers(0, 2)),
    ),
    max_size=16,
)


def stop_after(calls: int) -> Callable[[], bool]:
    left = itertools.count()
    return lambda: calls < 99 and next(left) >= calls * 5


def spoil(store: Store, number: int) -> str:
    """Flip a bit somewhere in a named segment; gives its name."""
    row = store.named()[number % len(store.named())]
    path = store.path / "segments" / row.name / FILES[number % 2]
    data = bytearray(path.read_bytes())
    data[number % len(data)] ^= 4
    path.write_bytes(data)
    return row.name


@settings(max_examples=30, deadline=None)
@given(steps, st.integers(0, 99))
def test_whatever_happens_the_answers_are_those_of_the_features(
    history: list[tuple[str, int]], seed: int
) -> None:
    """Three readers that look at different times, so that they see different lists."""
    with small_segments(), temporary_store(seed) as store:
        readers: list[LiveSet | None] = [None, None, None]
        spoilt: set[str] = set()
        for word, number in history:
            named = store.named()
            if word == "add":
                store.add(number)
            elif word == "lose":
                store.add(number, featured=False)
            elif word == "hide" and store.keys:
                store.hide(store.keys[number % len(store.keys)])
            elif word == "kill":
                for key in store.keys[number % 7 : number : 3]:
                    store.hide(key)
            elif word == "publish":
                store.publish(whole_sync=bool(number))
            elif word == "merge":
                store.merge(stop_after(number))
            elif word == "compact":
                store.compact()
            elif word == "replace" and named:
                store.replace(named[number % len(named)].name)
            elif word == "spoil" and named:
                spoilt.add(spoil(store, number))
            elif word == "bad" and named:
                bad = frozenset({named[number % len(named)].name, *spoilt})
                readers[number % 3] = store.live(readers[number % 3], bad)
            elif word == "look":
                readers[number] = store.live(readers[number], frozenset(spoilt))
                assert_same(store, readers[number])  # type: ignore[arg-type]
        for live in (*readers, None):
            assert_same(store, store.live(live, frozenset(spoilt)))
        store.compact()
        bad = frozenset(spoilt)
        rows = len(store.live(None, bad).rows)
        assert_same(store, store.live(None, bad))
        assert sum(row.rows for row in store.named()) + len(store.live(None, bad).tail.rows) >= rows


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kind", ["flipped", "cut", "missing"])
def test_a_damaged_source_is_built_anew(store: Store, file: str, kind: str) -> None:
    filled(store)
    place = random.Random(5)
    for number, row in enumerate(store.named()[:3]):
        path = store.path / "segments" / row.name / file
        data = bytearray(path.read_bytes())
        if kind == "flipped":
            data[place.randrange(200, len(data))] ^= 1 << number
        path.unlink()
        if kind != "missing":
            path.write_bytes(data[: len(data) // 2] if kind == "cut" else data)
    report = store.merge()
    assert report.notes == () and len(store.named()) == 1
    live = store.live()
    assert live.damaged == ()
    live.segments[0].check_all()
    assert_same(store, live)


def test_every_flipped_bit_of_a_source_is_noticed(store: Store) -> None:
    """Nothing wrong is ever copied under a fresh checksum."""
    filled(store, 2)
    rows = store.named()
    path = store.path / "segments" / rows[1].name
    chance = random.Random(6)
    for number, file in itertools.product(range(40), FILES):
        good = (path / file).read_bytes()
        data = bytearray(good)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        (path / file).write_bytes(data)
        made = SegmentRow(f"x-{number}-{file}", 99, 1, rows[1].last_row, 24, "d")
        try:
            sources = [open_segment(store.path, row) for row in rows]
            write_merged_files(
                store.path, made, sources, dropped=empty(), without=(), check=lambda: None
            )
        except LibrarySegmentDamaged as fault:
            assert fault.segment == rows[1].name
        else:  # it lay in a gap between blocks, or in one that is not copied
            (path / file).write_bytes(good)
            merged = open_segment(store.path, made)
            true = [open_segment(store.path, row) for row in rows]
            for concept in range(len(store.pack.floors)):
                values = np.concatenate([one.values_of(concept)[1] for one in true])
                assert merged.values_of(concept)[1].tolist() == values.tolist()
            everything = np.arange(24)
            halves = np.concatenate([one.halves_at(everything[:12]) for one in true])
            assert (merged.halves_at(everything) == halves).all()
        (path / file).write_bytes(good)


def test_a_large_damaged_segment_becomes_several_small_ones(store: Store) -> None:
    """So that building it anew needs no more memory than a publish."""
    filled(store)
    store.merge()
    (large,) = store.named()
    store.hide(store.keys[95])
    report = store.replace(large.name)
    named = store.named()
    assert len(report.built) == 8 and [row.rows for row in named] == [*[12] * 7, 11]
    assert (named[0].first_row, named[-1].last_row) == (large.first_row, large.last_row)
    assert_same(store, store.live())
    store.merge()
    assert len(store.named()) == 8  # 95 rows are not yet of the next size
    store.add(12)
    store.publish()
    store.merge()
    assert len(store.named()) == 1
    assert_same(store, store.live())


def test_another_version_of_the_pack_is_built_anew(store: Store, tmp_path: Path) -> None:
    from localsearch.pack import load_pack
    from tests.tiny_pack import make_tiny_pack

    filled(store)
    store.pack = load_pack(make_tiny_pack(tmp_path / "newer", version=2))
    store.merge()
    assert [row.pack_digest for row in store.named()] == [store.pack.pack_digest]
    assert_same(store, store.live())


def test_segments_of_the_first_format_are_merged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_writing, "FORMAT", 1)
    monkeypatch.setattr(writing, "FINE", {})
    filled(store)
    monkeypatch.undo()
    assert_same(store, store.live())
    store.merge()
    found = blocks_of(store, store.named()[0])
    assert "matrix.bin digests of halves" in found
    with small_segments(rows=1000):
        store.replace(store.named()[0].name)
    assert found == blocks_of(store, store.named()[0])


def test_stopping_leaves_nothing_behind(store: Store) -> None:
    filled(store)
    before = store.folders()
    names = [row.name for row in store.named()]
    for calls in itertools.count(1, 3):
        left = itertools.count()
        report = store.merge(lambda calls=calls, left=left: next(left) >= calls)  # type: ignore[misc]
        if report.built:
            break
        assert report == build.PublishReport()
        assert [row.name for row in store.named()] == names and store.folders() == before
    assert calls > 5
    assert_same(store, store.live())


def test_publishing_stops_too(store: Store) -> None:
    store.add(36)
    for calls in itertools.count(1):
        left = itertools.count()
        build.publish(
            store.catalog,
            store.features,
            store.pack,
            store.path,
            whole_sync=False,
            stop=lambda calls=calls, left=left: next(left) >= calls,  # type: ignore[misc]
        )
        assert store.folders() == {row.name for row in store.named()}
        assert_same(store, store.live())
        if len(store.named()) == 3:
            break
    assert calls > 2


def test_want_of_space_skips_with_a_note(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store)
    monkeypatch.setattr(build, "free_bytes", lambda path: 1 << 20)
    report = store.merge()
    assert report.built == () and "needed" in report.notes[0] and len(store.named()) == 8
    monkeypatch.undo()

    def full(*args: object, **named: object) -> None:
        raise LibraryFull("no space left")

    monkeypatch.setattr(merge, "write_merged_files", full)
    assert "no space left" in store.merge().notes[0]
    monkeypatch.undo()
    with WriterLock(store.path / build.LOCK).hold(0, "something long"):
        assert "something long" in store.merge().notes[0]
    assert_same(store, store.live())
    assert len(store.merge().built) == 1 and len(store.named()) == 1


def test_what_reads_back_wrong_is_not_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store)

    def spoilt(path: Path, row: SegmentRow, *args: object, **named: object) -> None:
        write_merged_files(path, row, *args, **named)  # type: ignore[arg-type]
        file = path / "segments" / row.name / MATRIX
        data = bytearray(file.read_bytes())
        data[-70] ^= 1
        file.write_bytes(data)

    before = store.folders()
    monkeypatch.setattr(merge, "write_merged_files", spoilt)
    report = store.merge()
    assert "damaged" in report.notes[0] and len(store.named()) == 8
    assert store.folders() == before
    assert_same(store, store.live())


CRASH = """
import os, sys
from pathlib import Path
from localsearch import durable
from localsearch.catalog import segment_names
from localsearch.publish import build, merge
from tests.segments.dying import die_at
from tests.segments.store import open_store, small_segments

steps = ("write_merged_files", "probe", "sweep_locked", "open_segment", "name_written")
die_at(
    int(sys.argv[2]),
    *((durable.files, name) for name in ("sync_file", "sync_folder")),
    (durable.writing, "write_new"),
    *((merge, name) for name in steps),
    (segment_names, "name_segments"),
)
store = open_store(Path(sys.argv[1]))
with small_segments():
    store.merge()
os._exit(0)
"""


def test_a_crash_at_any_point_leaves_the_old_list(store: Store) -> None:
    filled(store)
    store.hide(store.keys[7])
    store.add(12)
    store.publish()
    before = [row.name for row in store.named()]
    for step in range(0, 90, 6):
        child = subprocess.run(
            [sys.executable, "-c", CRASH, str(store.path), str(step)],
            cwd=Path(__file__).parents[1],
            check=False,
        )
        assert child.returncode in (0, 9)
        assert_same(store, store.live())
        named = [row.name for row in store.named()]
        assert len(store.folders() - {*before, *named}) <= 1  # of one crash, not of all
        if child.returncode == 0:
            break
    else:
        pytest.fail("the child never came to its end")
    assert len(store.named()) == 1
    for _ in range(3):
        store.add(3)
        store.publish()
    assert store.folders() == {row.name for row in store.named()}


KILLED = """
import sys
from pathlib import Path
from tests.segments.store import open_store, small_segments
store = open_store(Path(sys.argv[1]), int(sys.argv[2]))
store.names = iter(range(10**6 * int(sys.argv[2]), 10**9))
with small_segments():
    for n in range(10**6):
        rows = store.add(5 + n % 20)
        print(rows[-1], flush=True)
        for key in store.keys[n % 5 : 40 * n : 7]:
            store.hide(key)
        store.publish(whole_sync=bool(n % 2))
        if n % 3 == 0:
            store.merge()
        if n % 17 == 16:
            store.compact()
"""


@pytest.mark.parametrize("rounds", [3, pytest.param(40, marks=pytest.mark.long)])
def test_kill_9_at_random_moments_loses_nothing(store: Store, rounds: int) -> None:
    chance = random.Random(rounds)
    acknowledged = 0
    for number in range(1, rounds + 1):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(store.path), str(number)],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        acknowledged = int(child.stdout.readline())
        time.sleep(chance.uniform(0.0, 2.0))
        child.kill()
        told = child.stdout.read().split()
        child.wait()
        acknowledged = int(told[-1]) if told else acknowledged
        live = store.live()
        assert live.damaged == () and live.lacking == () and live.last_row >= acknowledged
        assert_same(store, live)
    for _ in range(4):
        store.add(3)
        store.publish()
    store.compact()
    sweep_segments(store.catalog, store.path)
    with store.catalog.reading() as conn:
        kept = set(segment_names.dropped(conn))
    assert store.folders() <= {row.name for row in store.named()} | kept
    assert_same(store, store.live())


def test_readers_and_merges_at_once(store: Store) -> None:
    filled(store, 3)
    stop, faults, seen = threading.Event(), list[BaseException](), list[int]()

    def read() -> None:
        live: LiveSet | None = None
        try:
            while not stop.is_set():
                live = store.live(live)
                rows = to_array(live.rows)
                assert len(rows) >= 36 and (not seen or live.last_row >= 36)
                live.halves_of(rows)
                live.scan(np.ones(store.pack.dimensions, np.float32))
                assert len(live.listed(1).rows) <= len(rows)
                seen.append(len(rows))
        except (Exception, AssertionError) as fault:  # noqa: BLE001 (raised by the test below)
            faults.append(fault)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    end = time.monotonic() + 2.0
    while time.monotonic() < end and not faults:
        store.add(13)
        store.publish(whole_sync=False)
        store.merge()
    stop.set()
    for thread in readers:
        thread.join()
    assert faults == [] and len(seen) > 5
    assert_same(store, store.live())


def test_a_reader_of_a_list_that_was_swept_looks_again(store: Store) -> None:
    """Its transaction still sees the old list, whose folders are gone."""
    filled(store)
    with store.catalog.reading() as conn:
        segment_names.named(conn)
        beside = open_store(store.path, seed=1)
        beside.names = itertools.count(10**6)
        beside.merge()
        for _ in range(3):
            beside.add(3)
            beside.publish()
        beside.close()
        with pytest.raises(LibrarySegmentDamaged) as caught:
            advance(None, conn, store.features, store.pack, store.path)
        assert caught.value.missing and caught.value.segment
        aside = frozenset(row.name for row in segment_names.named(conn))
        old = advance(None, conn, store.features, store.pack, store.path, aside)
        assert len(old.rows) == 96 and len(old.damaged) == 8
    with store.catalog.reading() as conn:
        live = advance(None, conn, store.features, store.pack, store.path)
    assert live.damaged == ()
    assert_same(store, live)


def test_what_is_in_use_is_swept_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store)

    def in_use(path: Path) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(sweep.shutil, "rmtree", in_use)
    left = itertools.count()
    store.merge(lambda: next(left) > 8)
    assert len(store.named()) == 8 and len(store.folders()) == 9  # could not be deleted at once
    assert len(store.merge().built) == 1
    monkeypatch.undo()
    for _ in range(3):
        store.add(3)
        store.publish()
    assert store.folders() == {row.name for row in store.named()}


def test_is_due_is_what_a_merge_finds(store: Store) -> None:
    from localsearch.catalog import packs

    def due() -> bool:
        with store.catalog.reading() as conn:
            return is_due(conn)

    filled(store)
    assert not due()  # no pack is active yet
    row = packs.PackRow("tiny", 1, store.pack.encoder_digest, store.pack.pack_digest, "packs/x")
    with store.catalog.writing("choosing a pack") as conn:
        packs.put_active(conn, row)
    assert due()
    store.merge()
    assert not due()


def test_a_merge_needs_little_memory(tmp_path: Path) -> None:
    """Eight segments of 4,096 rows, 512 numbers and 1,500 concepts: 60 MB of files."""
    rng = np.random.default_rng(0)
    (tmp_path / "segments").mkdir()
    named = []
    for number in range(8):
        first = 1 + number * plan.FULL
        rows = np.arange(first, first + plan.FULL, dtype=np.uint32)
        table = np.zeros((plan.FULL, 1500), np.uint16)
        table[rng.integers(0, plan.FULL, 120_000), rng.integers(0, 1500, 120_000)] = 9000
        halves = rng.normal(size=(plan.FULL, 512)).astype(np.float16)
        row = SegmentRow(f"x-{number}", number, first, int(rows[-1]), plan.FULL, "d")
        floors = np.full(1500, 600, np.uint16)
        write_segment_files(tmp_path, row, SegmentData(rows, halves, table, floors))
        named.append(row)
    sources = [open_segment(tmp_path, row) for row in named]
    made = SegmentRow("merged", 9, 1, 8 * plan.FULL, 8 * plan.FULL, "d")
    tracemalloc.start()
    write_merged_files(tmp_path, made, sources, dropped=empty(), without=(), check=lambda: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16e6
    merged = open_segment(tmp_path, made)
    merged.check_all()
    assert len(merged.rows) == 8 * plan.FULL
