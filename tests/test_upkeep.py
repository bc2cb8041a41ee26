"""The thread behind the callers: woken by commits, gives way, stops in time, harms no search."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import localsearch as ls
from localsearch import publish
from localsearch.errors import LibraryBusy, LibraryFull
from localsearch.graph import available
from localsearch.library import derived
from localsearch.library.upkeep import Pace, Upkeep
from localsearch.publish import plan
from localsearch.publish.graphs import GraphReport
from localsearch.sync import adding
from localsearch.writer_lock import WriterLock
from tests.make_library import open_library, settled, write_photo
from tests.tiny_pack import tiny_pack_folder

Stop = Callable[[], bool]


@pytest.fixture
def short_tails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of four rows, and a writer that waits from eight on."""
    monkeypatch.setattr(plan, "FULL", 4)
    monkeypatch.setattr(derived, "LONGEST_TAIL", 8)
    monkeypatch.setattr(adding, "WINDOW", 4)


@pytest.fixture
def library(photos: Path) -> Iterator[ls.Library]:
    with open_library(photos) as opened:
        yield opened


def photos_of(folder: Path, count: int, first: int = 0) -> list[bytes]:
    return [write_photo(folder / "x.png", first + n).read_bytes() for n in range(count)]


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "localsearch-upkeep"]


# ------------------------------------------------------------------ the thread by itself


class Handle:
    """Something to work for."""


def test_it_works_when_woken_and_ends() -> None:
    done: list[Handle] = []
    upkeep: Upkeep[Handle] = Upkeep(lambda handle, pace: done.append(handle))
    upkeep.wake()
    assert upkeep.wait(5) and done == []  # nobody is served
    one = Handle()
    upkeep.serve(one)
    upkeep.wake()
    assert upkeep.wait(5) and done == [one] and not upkeep.busy()
    upkeep.leave(one)
    upkeep.wake()
    assert upkeep.wait(5) and done == [one]


def test_waking_it_at_work_makes_one_more_round() -> None:
    rounds, go = [], threading.Event()

    def work(handle: Handle, pace: Pace) -> None:
        rounds.append(handle)
        go.wait(10)

    upkeep: Upkeep[Handle] = Upkeep(work)
    upkeep.serve(Handle())
    upkeep.wake()
    while not rounds:
        time.sleep(0.001)
    for _ in range(5):
        upkeep.wake()
    go.set()
    assert upkeep.wait(10) and len(rounds) == 2


def test_leaving_stops_what_is_long_at_once_and_a_publish_after_a_grace() -> None:
    ends: dict[str, float] = {}
    began = threading.Event()

    def work(handle: Handle, pace: Pace) -> None:
        began.set()
        for name, stop in (("now", pace.gone), ("soon", pace.late)):
            while not stop():
                time.sleep(0.005)
            ends[name] = time.monotonic()

    upkeep: Upkeep[Handle] = Upkeep(work)
    one = Handle()
    upkeep.serve(one)
    upkeep.wake()
    assert began.wait(5)
    left = time.monotonic()
    upkeep.leave(one)
    # `leave` has waited for both, and they ended in this order.
    assert left <= ends["now"] <= ends["soon"] <= time.monotonic()
    assert ends["soon"] - left >= 0.5


def test_leaving_by_one_handle_goes_on_by_another() -> None:
    worked: list[Handle] = []
    began = threading.Event()

    def work(handle: Handle, pace: Pace) -> None:
        worked.append(handle)
        began.set()
        while handle is second and not pace.late():
            time.sleep(0.005)

    upkeep: Upkeep[Handle] = Upkeep(work)
    first, second = Handle(), Handle()
    upkeep.serve(first)
    upkeep.serve(second)
    upkeep.wake()
    assert began.wait(5)
    upkeep.leave(second)  # what it has begun is begun again
    assert upkeep.wait(5) and worked == [second, first]


def test_it_gives_way_to_a_caller() -> None:
    began, given_way = threading.Event(), threading.Event()

    def work(handle: Handle, pace: Pace) -> None:
        with upkeep.turn(pace.gone) as mine:
            assert mine
            began.set()
            while not pace.give_way():
                time.sleep(0.005)
            given_way.set()

    upkeep: Upkeep[Handle] = Upkeep(work)
    one = Handle()
    upkeep.serve(one)
    upkeep.wake()
    assert began.wait(5)
    with upkeep.turn(lambda: False) as mine:
        assert mine and given_way.is_set()
        upkeep.wake()
        with upkeep.turn(lambda: True) as second:
            assert not second  # one at a time; told to wait no longer
    upkeep.leave(one)


@pytest.mark.parametrize("fault", [LibraryBusy("x"), LibraryFull("x"), ValueError("x")])
def test_what_goes_wrong_is_logged_and_not_raised(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[int] = []

    def work(handle: Handle, pace: Pace) -> None:
        tried.append(1)
        raise fault

    upkeep: Upkeep[Handle] = Upkeep(work)
    upkeep.serve(Handle())
    with caplog.at_level(logging.INFO, "localsearch"):
        upkeep.wake()
        assert upkeep.wait(5)
        upkeep.wake()  # and it is tried again
        assert upkeep.wait(5)
    assert len(tried) == 2 and type(fault).__name__ in caplog.text


# ------------------------------------------------------------------ of a library


@pytest.mark.usefixtures("short_tails")
def test_adding_wakes_it_and_is_never_kept_up(library: ls.Library, tmp_path: Path) -> None:
    assert threads() == []
    for data in photos_of(tmp_path, 4):
        library.add(data)
    assert settled(library).status().tail == 0
    assert library.status().segments >= 1 and threads() == []


@pytest.mark.usefixtures("short_tails")
def test_a_tail_never_outgrows_its_bound(
    library: ls.Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the upkeep never gets to run: the writer does it then."""
    monkeypatch.setattr(Upkeep, "wake", lambda self: None)
    longest = 0
    for data in photos_of(tmp_path, 30):
        library.add(data)
        longest = max(longest, library.status().tail)
    assert 4 <= longest < 8


@pytest.mark.usefixtures("short_tails")
def test_a_search_sees_all_while_it_publishes(library: ls.Library, tmp_path: Path) -> None:
    for n, data in enumerate(photos_of(tmp_path, 40)):
        library.add(data)
        assert library.search(ls.concept("colour"), limit=1).total == n + 1
    settled(library)
    assert library.search(ls.concept("colour"), limit=1).total == 40


def test_a_sync_returns_with_all_published(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "WORTH", 4)
    for n in range(10):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos) as library:
        library.sync()
        status = library.status()
        assert (status.segments, status.tail) == (1, 0)


@pytest.mark.usefixtures("short_tails")
def test_another_process_that_publishes_is_told_in_a_note(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WORTH", 4)
    for n in range(3):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos, lock_timeout=0.05) as library:
        library.sync()
        for n in range(3, 6):
            write_photo(photos / f"{n}.png", n)
        with WriterLock(library.store / "publish.lock").hold(0, "building something"):
            report = library.sync()
        assert report.added == 3 and any("building something" in note for note in report.notes)
        assert library.search(ls.concept("colour")).total == 6
        assert library.sync().notes == ()
        assert (library.status().segments, library.status().tail) == (1, 2)


@pytest.mark.usefixtures("short_tails")
def test_a_full_disk_means_later(
    library: ls.Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsearch.publish import build

    monkeypatch.setattr(build, "free_bytes", lambda path: 0)
    for data in photos_of(tmp_path, 6):
        library.add(data)
    assert settled(library).status().segments == 0
    assert library.search(ls.concept("colour")).total == 6
    monkeypatch.undo()
    library.sync()
    assert library.search(ls.concept("colour")).total == 6


def test_a_reader_never_starts_it(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_photo(photos / "0.png", 0)
    with open_library(photos) as library:
        library.sync()
    began: list[str] = []
    monkeypatch.setattr(
        threading.Thread, "start", lambda self: began.append(self.name), raising=True
    )
    with ls.open(photos, read_only=True) as library:
        library.search(ls.concept("colour"))
        library._inner.upkeep.wake()
        assert began == []


@pytest.mark.usefixtures("short_tails")
def test_a_forgotten_close_keeps_nothing_alive(photos: Path, tmp_path: Path) -> None:
    library = open_library(photos)
    for data in photos_of(tmp_path, 5):
        library.add(data)
    settled(library)
    alive = [weakref.ref(library._inner), weakref.ref(library._shared)]
    del library
    gc.collect()
    assert [one() for one in alive] == [None, None]


AT_EXIT = """
import sys, time
from pathlib import Path
import localsearch as ls
from localsearch.library import derived

def slow(parts, pace):
    print("begun", flush=True)
    while not pace.gone():
        time.sleep(0.01)
    print("stopped", flush=True)

derived.keep = slow
library = ls.open(sys.argv[1], pack=sys.argv[2])
library._inner.upkeep.wake()
time.sleep(0.2)
# no close
"""


def test_the_end_of_the_interpreter_stops_it(photos: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_EXIT, str(photos), str(tiny_pack_folder())],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["begun", "stopped"], "")


@pytest.mark.usefixtures("short_tails")
def test_closing_does_not_wait_for_long_work(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge that never ends by itself ends when the library is closed."""
    began, ended = threading.Event(), threading.Event()

    def endless(*args: object, stop: Stop, **named: object) -> publish.PublishReport:
        began.set()
        while not stop():
            time.sleep(0.005)
        ended.set()
        return publish.PublishReport()

    monkeypatch.setattr(derived, "merge_segments", endless)
    library = open_library(photos)
    for data in photos_of(tmp_path, 5):
        library.add(data)
    assert began.wait(10)
    library.close()
    assert ended.is_set() and threads() == []


# ------------------------------------------------------------------ the graph


@pytest.fixture
def clones(photos: Path) -> Path:
    """Photos enough for a graph that is asked for at any size."""
    for n in range(24):
        write_photo(photos / f"{n}.png", n)
    return photos


def needs_graph() -> None:
    reason = available()
    if reason is not None:
        pytest.skip(f"no graph here: {reason}")


def test_a_sync_builds_a_small_graph_itself(clones: Path) -> None:
    needs_graph()
    seen: list[ls.Progress] = []
    with open_library(clones, graph="always") as library:
        report = library.sync(progress=seen.append)
        assert report.notes == () and "graph" in {one.stage for one in seen}
        status = library.status()
        assert "is loaded at the first visual query" in status.graph and status.due == ()
        assert status.recall is not None and status.recall >= 0.98
        query = ls.like(clones / "3.png")
        first = library.search(query)
        with library._inner.truth.catalog.reading() as conn:
            assert library._inner.graph.ready(conn, 30)
        again = library.search(query)
        assert [(hit.id, hit.score) for hit in again] == [(hit.id, hit.score) for hit in first]
        assert (first.route, again.route) == ("exact", "graph") or again.route != first.route


def test_a_large_graph_is_told_as_due_and_built_behind(
    clones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_graph()
    monkeypatch.setattr(derived, "SECONDS_A_ROW", 1e6)
    with open_library(clones, graph="always") as library:
        report = library.sync()
        assert any("a graph is due" in note for note in report.notes)
        # A process that stays open does it by itself.
        assert settled(library).status().due == ()
        assert library.status().graph.startswith("a scan answers until graph")


def test_a_damaged_graph_is_built_anew_after_the_next_commit(clones: Path) -> None:
    needs_graph()
    with open_library(clones, graph="always") as library:
        library.sync()
        (file,) = settled(library).store.glob("graphs/*/graph.bin")
        file.write_bytes(file.read_bytes()[:-1])
        with library._inner.truth.catalog.reading() as conn:
            assert not library._inner.graph.ready(conn, 30)
        library.add((clones / "1.png").read_bytes())
        assert settled(library).status().due == ()
        with library._inner.truth.catalog.reading() as conn:
            assert library._inner.graph.ready(conn, 30)


def test_compact_builds_it_whatever_it_takes(clones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_graph()
    with open_library(clones, graph="never") as library:
        library.sync()
        assert library.status().due == ()
    monkeypatch.setattr(derived, "SECONDS_A_ROW", 1e6)
    with open_library(clones, graph="always") as library:
        (due,) = library.status().due
        assert due.startswith("a graph is to be built")
        done = library.compact()
        assert done.notes == () and done.rows == 24 and not done.stopped
        assert library.status().due == () and done.graph == library.status().graph


def test_publishing_goes_on_while_a_graph_is_built(
    clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one thread looks up between two pieces of the graph."""
    monkeypatch.setattr(plan, "FULL", 4)
    began, ended = threading.Event(), threading.Event()

    def long_build(*args: object, stop: Stop, **named: object) -> GraphReport:
        began.set()
        while not stop():
            time.sleep(0.005)
        ended.set()
        return GraphReport(stopped=True)

    with open_library(clones, graph="always") as library:
        monkeypatch.setattr(derived, "build_graph", long_build)
        monkeypatch.setattr(derived, "SECONDS_A_ROW", 1e6)  # so that the sync leaves it
        library.sync()
        assert began.wait(10)
        before = library.status()
        for data in photos_of(tmp_path, 5, first=100):
            library.add(data)
        until = time.monotonic() + 30
        while library.status().generation == before.generation and time.monotonic() < until:
            time.sleep(0.01)
        assert library.status().generation > before.generation and not ended.is_set()
    assert ended.is_set()


def test_a_sync_begins_no_graph_under_itself(clones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[bool] = []

    def noted(*args: object, **named: object) -> GraphReport:
        built.append(library._inner.upkeep.held_back)
        return GraphReport()

    monkeypatch.setattr(derived, "build_graph", noted)
    monkeypatch.setattr(plan, "FULL", 4)
    monkeypatch.setattr(derived, "SECONDS_A_ROW", 1e6)
    with open_library(clones, graph="always") as library:
        library.sync()
        settled(library)
    assert built and not any(built)


def test_a_process_that_closes_at_once_begins_no_graph(
    clones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[object] = []
    monkeypatch.setattr(derived, "build_graph", lambda *words, **named: built.append(words))
    monkeypatch.setattr(derived, "SECONDS_A_ROW", 1e6)
    monkeypatch.setattr(derived, "STAYS_SECONDS", 60.0)
    with open_library(clones, graph="always") as library:
        assert any("a graph is due" in note for note in library.sync().notes)
    assert built == [] and threads() == []


# ------------------------------------------------------------------ files that are gone


def test_a_file_that_was_swept_means_a_new_snapshot(
    clones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader on an old list comes too late for a file three times: no segment is set aside."""
    monkeypatch.setattr(plan, "WORTH", 4)
    with open_library(clones) as library:
        library.sync()
        settled(library)
        right = [(hit.id, hit.score) for hit in library.scan(ls.concept("colour"))]
        live, calls = library._inner.live, [0]
        real = live.current

        def too_late(*words: object) -> object:
            calls[0] += 1
            if calls[0] <= 3:
                raise ls.LibrarySegmentDamaged("no such file", segment="gone-1", missing=True)
            return real(*words)  # type: ignore[arg-type]

        monkeypatch.setattr(live, "current", too_late)
        assert library.search(ls.concept("colour")).total == len(right)
        assert calls[0] == 4 and live.damaged() == ()


@pytest.mark.damages
def test_a_file_that_is_really_gone_is_answered_from_the_features(
    clones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WORTH", 4)
    with open_library(clones) as library:
        library.sync()
        right = [(hit.id, hit.score) for hit in library.scan(ls.concept("colour"))]
        store = library.store
    for path in (store / "segments").glob("*/*.bin"):
        path.unlink()
    with ls.open(store=store, read_only=True) as reader:
        assert [(hit.id, hit.score) for hit in reader.scan(ls.concept("colour"))] == right
        assert any("answered from the features" in note for note in reader.status().notes)
    with ls.open(store=store) as library:
        library.search(ls.concept("colour"))
        library.sync()
        assert library.verify() == () and library.status().notes == ()


# ------------------------------------------------------------------ calling off


def test_searches_can_be_called_off(clones: Path) -> None:
    stop = threading.Event()
    with open_library(clones) as library:
        library.sync()
        hits = library.scan(ls.concept("colour"), stop=stop)
        next(hits)
        assert library.search(ls.concept("colour"), stop=stop).total == 24
        stop.set()
        for call in (
            lambda: library.search(ls.concept("colour"), stop=stop),
            lambda: library.search(ls.like(clones / "1.png"), stop=lambda: True),
            lambda: next(library.scan(ls.concept("colour"), stop=stop)),
        ):
            with pytest.raises(ls.Cancelled):
                call()
        with pytest.raises(ls.InputError, match="stop is"):
            library.search(ls.concept("colour"), stop=1)  # type: ignore[arg-type]
        assert library.search(ls.concept("colour")).total == 24


def test_explain_tells_what_a_search_did(clones: Path) -> None:
    with open_library(clones) as library:
        library.sync()
        query = ls.concept("colour") & ~ls.concept("red")
        told = library.explain(query)
        assert told.total == library.search(query).total and told.route
        assert [child.term for child in told.tree.children] == [str(one) for one in query.terms]
