"""Publishing: when, in which order, after which crash, and what is swept."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from localsearch import durable
from localsearch.catalog import graves, segment_names
from localsearch.errors import LibraryFull
from localsearch.publish import build, plan, sweep, sweep_segments
from localsearch.segments.segment import POSTINGS
from localsearch.segments.writing import SegmentData, write_segment_files
from localsearch.writer_lock import WriterLock
from tests.segments.store import Store, assert_same, open_store, small_segments


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "store")
    with small_segments():
        yield made
    made.close()


@pytest.mark.parametrize(
    ("rows", "whole", "pieces"),
    [
        (0, True, []),
        (255, True, []),
        (256, True, [256]),
        (256, False, []),
        (4095, False, []),
        (4096, False, [4096]),
        (4097, False, [4096]),
        (4400, True, [4096, 304]),
        (4200, True, [4096]),
        (9000, False, [4096, 4096]),
    ],
)
def test_when_a_tail_becomes_segments(rows: int, whole: bool, pieces: list[int]) -> None:
    tail = list(range(rows))
    made = plan.segments_to_build(tail, whole_sync=whole)
    assert [len(piece) for piece in made] == pieces
    assert [row for piece in made for row in piece] == tail[: sum(pieces)]


def test_nothing_to_do_writes_nothing(store: Store) -> None:
    store.add(2)
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    assert store.publish() == build.PublishReport()
    after = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    assert {p.name for p in after} == {p.name for p in before}
    assert not (store.path / "publish.lock").exists()


def test_names_are_new_and_ranges_follow_each_other(store: Store) -> None:
    store.add(26)
    report = store.publish(whole_sync=False)
    assert len(report.built) == 2 and report.rows == 24 and report.notes == ()
    store.add(2)
    store.publish()
    named = store.named()
    assert [row.number for row in named] == [1, 2, 3]
    assert all(a.last_row < b.first_row for a, b in itertools.pairwise(named))
    assert {row.name for row in named} == store.folders()
    assert all(row.pack_digest == store.pack.pack_digest for row in named)


def test_only_one_publishes(store: Store) -> None:
    store.add(20)
    with WriterLock(store.path / build.LOCK).hold(0, "something long"):
        report = store.publish()
        assert report.built == () and "something long" in report.notes[0]
        assert sweep_segments(store.catalog, store.path) == ()
    assert store.publish().rows == 20


def test_want_of_space_skips_with_a_note(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(20)
    monkeypatch.setattr(build, "free_bytes", lambda path: 1 << 20)
    report = store.publish()
    assert report.built == () and "not published" in report.notes[0]
    monkeypatch.undo()
    real = durable.files.sync_file

    def full(file: object) -> None:
        raise LibraryFull("no space left")

    monkeypatch.setattr(durable.files, "sync_file", full)
    report = store.publish()
    assert report.built == () and "no space left" in report.notes[0]
    assert_same(store, store.live())
    monkeypatch.setattr(durable.files, "sync_file", real)
    assert store.publish().rows == 20
    assert {row.name for row in store.named()} == store.folders()


def test_what_reads_back_wrong_is_not_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(12)
    real = write_segment_files

    def spoil(
        path: Path, row: segment_names.SegmentRow, made: SegmentData, check: Callable[[], None]
    ) -> None:
        real(path, row, made, check)
        file = path / "segments" / row.name / POSTINGS
        data = bytearray(file.read_bytes())
        data[-70] ^= 1
        file.write_bytes(data)

    monkeypatch.setattr(build, "write_segment_files", spoil)
    report = store.publish()
    assert store.named() == [] and "damaged" in report.notes[0]
    assert_same(store, store.live())


def test_the_order_is_files_folder_probe_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def noting(module: object, name: str, word: str) -> None:
        real = getattr(module, name)

        def noted(*args: object, **named: object) -> object:
            calls.append(word)
            return real(*args, **named)

        monkeypatch.setattr(module, name, noted)

    noting(durable.files, "sync_file", "file")
    noting(durable.files, "sync_folder", "folder")
    noting(build, "open_segment", "probe")
    noting(segment_names, "name_segments", "name")
    store.add(12)
    store.publish()
    assert calls == ["folder", "folder", "file", "folder", "file", "folder", "probe", "name"]


CRASH = """
import os, sys
from pathlib import Path
from localsearch import durable
from localsearch.catalog import segment_names
from localsearch.publish import build, sweep
from tests.segments.dying import die_at
from tests.segments.store import open_store, small_segments

steps = ("make_folder", "open_segment", "write_segment_files", "sweep_locked")
die_at(
    int(sys.argv[2]),
    *((durable.files, name) for name in ("sync_file", "sync_folder")),
    (durable.writing, "write_new"),
    *((build, name) for name in steps),
    (segment_names, "name_segments"),
)
store = open_store(Path(sys.argv[1]))
with small_segments():
    if sys.argv[3] == "publish":
        store.publish()
    else:
        store.replace(*[row.name for row in store.named()])
os._exit(0)
"""


@pytest.mark.parametrize("doing", ["publish", "replace"])
def test_a_crash_at_any_point_leaves_the_old_list(store: Store, doing: str) -> None:
    store.add(24)
    if doing == "replace":
        store.publish()
    steps = range(0, 40, 3) if doing == "publish" else range(1, 40, 5)
    for step in steps:
        before = [row.name for row in store.named()]
        child = subprocess.run(
            [sys.executable, "-c", CRASH, str(store.path), str(step), doing],
            cwd=Path(__file__).parents[1],
            check=False,
        )
        assert child.returncode in (0, 9)
        live = store.live()
        assert live.damaged == ()
        assert_same(store, live)
        if child.returncode == 0:
            break
        if doing == "publish":
            assert [row.name for row in store.named()][: len(before)] == before
        assert len(store.folders()) <= 8  # leftovers of earlier rounds do not pile up
    else:
        pytest.fail("the child never came to its end")
    store.add(3)
    store.publish()
    store.add(3)
    store.publish()
    store.add(3)
    store.publish()
    assert store.folders() == {row.name for row in store.named()}


def test_damaged_segments_are_built_anew(store: Store) -> None:
    store.add(24)
    store.publish()
    first, second = store.named()
    for key in store.keys[:12]:  # all of the first, so there is nothing to build
        store.hide(key)
    report = store.replace(first.name, second.name, "no such name")
    assert set(report.dropped) == {first.name, second.name} and len(report.built) == 1
    assert_same(store, store.live())


def test_a_rebuilt_segment_covers_the_old_span(store: Store) -> None:
    store.add(24)
    store.publish()
    last = store.named()[-1]
    store.hide(store.keys[-1])
    store.replace(last.name)
    new = store.named()[-1]
    assert (new.first_row, new.last_row, new.rows) == (last.first_row, last.last_row, 11)


def test_swept_are_only_those_unnamed_for_two_lists(store: Store) -> None:
    store.add(12)
    store.publish()
    old = store.named()[0].name
    store.replace(old)
    assert old in store.folders()
    for _ in range(2):
        store.add(3)
        store.publish()
    assert old not in store.folders()
    with store.catalog.reading() as conn:
        assert segment_names.dropped(conn) == []


def test_orphans_go_with_the_next_sync(store: Store) -> None:
    store.add(12)
    store.publish()
    (store.path / "segments" / "tiny-99-dead").mkdir()
    (store.path / "segments" / "tiny-99-dead" / "matrix.bin").write_bytes(b"half")
    (store.path / "segments" / "stray").write_bytes(b"")
    store.publish()  # nothing is due, but this is the end of a whole sync
    assert store.folders() == {row.name for row in store.named()}


def test_in_use_means_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(12)
    store.publish()
    (store.path / "segments" / "orphan").mkdir()

    def in_use(path: Path) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(sweep.shutil, "rmtree", in_use)
    assert sweep_segments(store.catalog, store.path) == ()
    assert "orphan" in store.folders()
    monkeypatch.undo()
    assert sweep_segments(store.catalog, store.path) == ("orphan",)


def test_a_reader_of_the_old_list_goes_on(store: Store) -> None:
    store.add(12)
    store.publish()
    old = store.live()
    before = old.listed(0)
    store.replace(store.named()[0].name)
    for _ in range(3):
        store.add(3)
        store.publish()
    assert old.segments[0].name not in store.folders() or sys.platform == "win32"
    assert old.listed(0).rows.tolist() == before.rows.tolist()
    assert_same(store, store.live(old))


def test_graves_that_nothing_needs_are_dropped(store: Store) -> None:
    store.add(12)
    store.hide(store.keys[3])
    with store.catalog.reading() as conn:
        assert len(graves.since(conn, 0)) == 1
    live = store.live()
    store.publish()
    with store.catalog.reading() as conn:
        assert graves.since(conn, 0) == []
    store.hide(store.keys[4])
    with store.catalog.reading() as conn:
        assert len(graves.since(conn, 0)) == 1
    assert_same(store, store.live(live))


def test_the_last_of_a_tail_that_died_unseen(store: Store) -> None:
    """Its grave is dropped by the publish, so a reader must let go of it by itself."""
    store.add(12)
    live = store.live()
    store.hide(store.keys[3])
    store.publish()
    assert_same(store, store.live(live))


def test_a_full_segment_needs_little_memory(tmp_path: Path) -> None:
    """4,096 rows x 512 numbers x 1,500 concepts in under 100 MB."""
    rng = np.random.default_rng(0)
    rows = np.arange(1, plan.FULL + 1, dtype=np.uint32)
    halves = rng.normal(size=(len(rows), 512)).astype(np.float16)
    table = np.zeros((len(rows), 1500), np.uint16)
    table[rng.integers(0, len(rows), 200_000), rng.integers(0, 1500, 200_000)] = 9000
    made = SegmentData(rows, halves, table, np.full(1500, 600, np.uint16))
    row = segment_names.SegmentRow("x-1-a", 1, 1, plan.FULL, plan.FULL, "d")
    (tmp_path / "segments").mkdir()
    tracemalloc.start()
    write_segment_files(tmp_path, row, made)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = sum(path.stat().st_size for path in (tmp_path / "segments" / "x-1-a").iterdir())
    assert peak < 60e6  # beside the 16 MB that came in
    assert size <= plan.bytes_of(plan.FULL, 512, 1500)
