"""Building, naming and sweeping graphs, and the graph that a process holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from localsearch.catalog import graphs
from localsearch.catalog.graphs import GraphRow
from localsearch.errors import LibraryMissing
from localsearch.graph import FOLDER, GRAPH, MEMBERS, OpenGraph, available
from localsearch.graph.vectors import units
from localsearch.library import graph_state
from localsearch.library.graph_state import GraphState
from localsearch.publish import graph_plan, graph_recall, graph_sweep
from localsearch.publish import graphs as building
from localsearch.publish.graph_plan import graph_due
from localsearch.publish.graphs import GraphReport, build_graph
from localsearch.rows import RowSet, to_array
from localsearch.writer_lock import WriterLock
from tests.segments.store import Store, open_store, small_segments, temporary_store

MEMORY = 1 << 30


@pytest.fixture
def store() -> Iterator[Store]:
    with temporary_store() as made, small_segments(64, 8):
        yield made


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_state, "DELAY_SECONDS", 0.0)


def clustered(store: Store, count: int) -> npt.NDArray[np.float64]:
    centres = np.random.default_rng(7).normal(size=(12, store.pack.dimensions))
    return centres[store.rng.integers(0, 12, count)] + 0.3 * store.rng.normal(
        size=(count, store.pack.dimensions)
    )


def add(store: Store, count: int) -> list[int]:
    return store.add(count, vectors=clustered(store, count))


def build(store: Store, mode: str = "always", **named: object) -> GraphReport:
    options = {"mode": mode, "memory": MEMORY, "threads": 2, **named}
    return build_graph(store.catalog, store.live(), store.pack, store.path, **options)  # type: ignore[arg-type]


def named(store: Store) -> GraphRow | None:
    with store.catalog.reading() as conn:
        return graphs.named(conn, store.pack.encoder_digest)


def folders(store: Store) -> set[str]:
    folder = store.path / FOLDER
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@contextmanager
def state_of(store: Store, mode: str = "auto", memory: int = MEMORY) -> Iterator[GraphState]:
    state = GraphState(store.pack, store.path, mode, memory)  # type: ignore[arg-type]
    try:
        yield state
    finally:
        state.close()


def view(store: Store, state: GraphState) -> OpenGraph | None:
    with store.catalog.reading() as conn:
        return state.view(conn)


def ready(store: Store, state: GraphState, timeout: float = 60.0) -> bool:
    with store.catalog.reading() as conn:
        return state.ready(conn, timeout)


def words(store: Store, state: GraphState) -> str:
    with store.catalog.reading() as conn:
        return state.words(conn)


def recall_of(store: Store, graph: OpenGraph, count: int = 40) -> float:
    """Recall at 20 against the features themselves, of rows that are covered and alive."""
    live = store.live()
    rows = to_array(graph.covered & live.rows)
    vectors = units(live.halves_of(rows))
    hits, asked = 0, units(clustered(store, count))
    for query in asked:
        best = rows[np.argsort(-(vectors @ query))[:20]]
        hits += len(set(best.tolist()) & set(graph.nearest(query).tolist()))
    return hits / (min(20, len(rows)) * count)


# --- the plan ---


def row(rows: int, last_row: int, recall: float = 1.0) -> GraphRow:
    return GraphRow("g", 1, "e", rows, last_row, "d", 1, 16, 100, 100, recall, 200, 1)


def span(*ranges: tuple[int, int]) -> RowSet:
    return RowSet.union(RowSet(), *(RowSet(range(first, last + 1)) for first, last in ranges))


@pytest.mark.parametrize(
    ("mode", "graph", "live", "due"),
    [
        ("auto", None, span(), None),
        ("auto", None, span((1, 19_999)), None),
        ("auto", None, span((5, 20_004)), "anew"),
        ("never", None, span((1, 90_000)), None),
        ("always", None, span(), None),
        ("always", None, span((3, 3)), "anew"),
        # a quarter of what is live is not covered, and one row more
        ("auto", row(30_000, 30_000), span((1, 40_000)), None),
        ("auto", row(30_000, 30_000), span((1, 40_001)), "add"),
        # a quarter of what is covered is dead, and one row more
        ("auto", row(40_000, 40_000), span((10_001, 40_000)), None),
        ("auto", row(40_000, 40_000), span((10_002, 40_000)), "anew"),
        # both: an eighth dead may be added to, more not
        ("auto", row(40_000, 40_000), span((5_001, 60_000)), "add"),
        ("auto", row(40_000, 40_000), span((5_002, 60_000)), "anew"),
        # one that finds too little is not added to, and not due sooner
        ("auto", row(30_000, 30_000, 0.5), span((1, 40_000)), None),
        ("auto", row(30_000, 30_000, 0.5), span((1, 40_001)), "anew"),
        # a library that has shrunk keeps what it has
        ("auto", row(30_000, 30_000), span((1, 15_000)), None),
        ("always", row(30_000, 30_000), span((1, 15_000)), "anew"),
        # rows that had no features when it was built are below its last one
        ("auto", row(20_000, 30_000), span((1, 30_000)), None),
    ],
)
def test_what_is_due(mode: str, graph: GraphRow | None, live: RowSet, due: str | None) -> None:
    assert graph_due(mode, graph, live) == due  # type: ignore[arg-type]


def test_a_damaged_graph_is_due_at_once() -> None:
    live = span((1, 30_000))
    assert graph_due("auto", row(30_000, 30_000), live, {"g"}) == "anew"
    assert graph_due("auto", row(30_000, 30_000), live, {"other"}) is None


# --- building ---


def test_a_graph_is_built_named_and_loaded(store: Store) -> None:
    add(store, 400)
    store.publish()
    add(store, 30)  # these are in the tail
    done: list[tuple[int, int]] = []
    report = build(store, progress=lambda *told: done.append(told))
    made = named(store)
    assert made is not None
    assert report.built == made.name
    assert folders(store) == {made.name}
    assert report.notes == ()
    assert made.rows == 430
    assert made.last_row == max(store.live().rows)
    assert done[0] == (0, 430)
    assert done[-1] == (430, 430)
    assert made.recall >= graph_recall.ENOUGH
    assert (made.queries, made.window) == (graph_recall.QUERIES, graph_recall.WINDOW)
    assert made.bytes == (store.path / FOLDER / made.name / GRAPH).stat().st_size
    with state_of(store) as state:
        assert ready(store, state)
        graph = view(store, state)
        assert graph is not None
        assert graph.covered == store.live().rows
        assert recall_of(store, graph) >= 0.98
        assert made.name in words(store, state)
        assert " answers" in words(store, state)
    assert build(store) == GraphReport()  # nothing is due any more


def test_few_rows_make_no_graph_unless_told(store: Store) -> None:
    add(store, 50)
    assert build(store, "auto") == GraphReport()
    assert build(store, "never") == GraphReport()
    assert folders(store) == set()
    assert build(store, "always").built


@pytest.mark.parametrize("count", [1, 2, 19])
def test_a_handful_of_rows(store: Store, count: int) -> None:
    add(store, count)
    report = build(store)
    assert report.recall == 1.0
    with state_of(store) as state:
        assert ready(store, state)
        graph = view(store, state)
        assert graph is not None
        assert sorted(graph.nearest(np.ones(store.pack.dimensions, np.float32))) == [
            *store.live().rows
        ]


def test_it_is_added_to_when_rows_come(store: Store) -> None:
    first = add(store, 200)
    build(store)
    before = named(store)
    store.add(10, vectors=store.live().halves_of(np.array(first[:10], np.uint32)))  # copies
    add(store, 90)
    done: list[tuple[int, int]] = []
    report = build(store, progress=lambda *told: done.append(told))
    after = named(store)
    assert before is not None
    assert after is not None
    assert report.built == after.name != before.name
    assert done[-1] == (90, 90)  # ten are equal to some that it holds
    assert after.rows == 300
    with state_of(store) as state:
        assert ready(store, state)
        graph = view(store, state)
        assert graph is not None
        assert recall_of(store, graph) >= 0.98
        live = store.live()
        copies = to_array(live.rows)[200:210]
        for original, copy in zip(first[:10], copies.tolist(), strict=True):
            near = graph.nearest(units(live.halves_of(np.array([copy], np.uint32)))[0])
            assert {original, copy} <= set(near.tolist())


def test_dead_rows_make_it_new(store: Store) -> None:
    add(store, 100)
    build(store)
    for key in store.keys[:60]:
        store.hide(key)
    report = build(store)
    made = named(store)
    assert made is not None
    assert report.built == made.name
    assert made.rows == 40


def test_recall_counts_only_what_is_alive(store: Store) -> None:
    add(store, 300)
    build(store)
    for key in store.keys[:30]:
        store.hide(key)
    add(store, 120)
    made = build(store)
    row = named(store)
    assert row is not None
    assert row.rows == 420  # added to: the dead ones stay in it
    assert made.recall >= 0.99


def test_a_damaged_one_is_not_added_to(store: Store) -> None:
    add(store, 100)
    build(store)
    before = named(store)
    assert before is not None
    path = store.path / FOLDER / before.name / GRAPH
    path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    add(store, 60)
    build(store)
    after = named(store)
    assert after is not None
    assert after.rows == 160
    with state_of(store) as state:
        assert ready(store, state)


def test_one_that_finds_too_little_is_named_and_not_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, 400)
    monkeypatch.setattr(graph_recall, "WINDOW", 2)
    report = build(store)
    assert report.recall < graph_plan.FLOOR
    assert "not used" in report.notes[0]
    with state_of(store) as state:
        assert not ready(store, state)
        assert view(store, state) is None
        assert "less than 0.98" in words(store, state)
    assert build(store) == GraphReport()  # it is not tried again and again


# --- what is lacking, who is in the way, what is left ---


def test_too_little_memory_is_a_note(store: Store) -> None:
    add(store, 50)
    report = build(store, memory=1 << 20)
    assert report.built is None
    assert "memory budget is 1 MiB" in report.notes[0]
    build(store)
    with state_of(store, memory=1 << 20) as state:
        assert not ready(store, state)
        assert "memory budget is 1 MiB" in words(store, state)
        assert state.damaged() == frozenset()


def test_too_little_space_is_a_note(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, 50)
    monkeypatch.setattr(building, "free_bytes", lambda path: 1000)
    report = build(store)
    assert report.built is None
    assert "on the disk" in report.notes[0]
    assert folders(store) == set()


def test_two_do_not_build_at_once(store: Store) -> None:
    add(store, 50)
    with WriterLock(store.path / building.LOCK).hold(1.0, "a test"):
        report = build(store)
        assert graph_sweep.sweep_graphs(store.catalog, store.path) == ()
    assert report.built is None
    assert "busy: a test" in report.notes[0]
    assert build(store).built


@pytest.mark.parametrize("looks", [1, 3, 6, 9, 15])
def test_a_stop_leaves_nothing(store: Store, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "CHUNK", 100)
    add(store, 300)
    left = [looks]

    def stop() -> bool:
        left[0] -= 1
        return left[0] <= 0

    report = build(store, stop=stop)
    assert report.stopped
    assert report.built is None
    assert named(store) is None
    assert folders(store) == set()
    assert build(store).built


def test_what_progress_raises_leaves_nothing(store: Store) -> None:
    add(store, 100)

    def progress(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(store, progress=progress)
    assert folders(store) == set()
    assert build(store).built


def test_the_one_dropped_last_stays_and_older_ones_go(store: Store) -> None:
    names = []
    for _ in range(4):
        add(store, 40)
        add(store, len(store.keys))
        report = build(store)
        assert report.built
        names.append(report.built)
        assert folders(store) == set(names[-2:])
    with store.catalog.reading() as conn:
        assert graphs.dropped(conn) == [names[-2]]


def test_one_that_was_dropped_for_nothing_goes_at_once(store: Store) -> None:
    add(store, 40)
    made = build(store).built
    assert made is not None
    with store.catalog.writing("a test") as conn:
        graphs.drop(conn, made)
    assert named(store) is None
    assert graph_sweep.sweep_graphs(store.catalog, store.path) == (made,)
    with store.catalog.reading() as conn:
        assert graphs.dropped(conn) == []
    assert build(store).built != made


def test_orphans_are_swept(store: Store) -> None:
    add(store, 40)
    made = build(store).built
    (store.path / FOLDER / "tiny-9-cafe").mkdir()
    (store.path / FOLDER / "tiny-9-cafe" / GRAPH).write_bytes(b"half")
    (store.path / FOLDER / "stray").write_bytes(b"")
    gone = graph_sweep.sweep_graphs(store.catalog, store.path)
    assert set(gone) == {"tiny-9-cafe", "stray"}
    assert folders(store) == {made}


KILLED = """
import sys, time
from pathlib import Path
from localsearch.publish import graphs
from tests.segments.store import open_store
store = open_store(Path(sys.argv[1]))
live = store.live()
if sys.argv[2] == "filling":
    graphs.CHUNK = 20
    def progress(done, total):
        print("now", flush=True)
        time.sleep(0.05)
else:
    progress = lambda done, total: None
    for name in ("sync_written", "write_members", "_probe"):
        def slow(*args, kept=getattr(graphs, name), **named):
            print("now", flush=True)
            time.sleep(0.05)
            return kept(*args, **named)
        setattr(graphs, name, slow)
graphs.build_graph(
    store.catalog, live, store.pack, store.path, mode="always", memory=1 << 30, progress=progress
)
print("done", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize(
    ("where", "after"), [("filling", 1), ("filling", 4), *(("writing", n) for n in (1, 2, 3))]
)
def test_a_killed_build_leaves_the_old_graph(tmp_path: Path, where: str, after: int) -> None:
    with small_segments(64, 8):
        store = open_store(tmp_path / "store")
        add(store, 100)
        build(store)
        before = named(store)
        assert before is not None
        add(store, 100)
        house = str(Path(__file__).resolve().parents[1])
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(store.path), where],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": house},
        )
        assert child.stdout is not None
        for _ in range(after):
            assert child.stdout.readline() == "now\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert named(store) == before
        with state_of(store) as state:
            assert ready(store, state)  # the old one answers
        assert build(store).built  # the lock is free, and what was half written is gone
        made = named(store)
        assert made is not None
        assert folders(store) == {before.name, made.name}
        assert made.rows == 200
        store.close()


def test_segments_are_published_beside_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "CHUNK", 50)
    add(store, 300)
    told: list[int] = []

    def progress(done: int, total: int) -> None:
        add(store, 70)
        store.publish()
        told.append(done)

    assert build(store, progress=progress).built
    assert len(told) > 3
    made = named(store)
    assert made is not None
    assert made.rows == 300
    assert len(store.live().rows) > 600


# --- the graph of a process ---


def test_a_search_never_waits_for_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, 50)
    build(store)
    gate = threading.Event()

    def slow(*args: object) -> OpenGraph:
        assert gate.wait(60)
        return opened(*args)  # type: ignore[arg-type]

    opened = graph_state.open_graph
    monkeypatch.setattr(graph_state, "open_graph", slow)
    with state_of(store) as state:
        assert "at the first visual query" in words(store, state)
        for _ in range(3):
            assert view(store, state) is None
        assert "is being loaded" in words(store, state)
        assert not ready(store, state, timeout=0.01)
        gate.set()
        assert ready(store, state)


def test_the_old_one_answers_until_the_new_one_is_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, 50)
    build(store)
    gate = threading.Event()
    opened = graph_state.open_graph

    def slow(*args: object) -> OpenGraph:
        assert gate.wait(60)
        return opened(*args)  # type: ignore[arg-type]

    with state_of(store) as state, ThreadPoolExecutor(1) as other:
        assert ready(store, state)
        old = view(store, state)
        assert old is not None
        monkeypatch.setattr(graph_state, "open_graph", slow)
        with store.catalog.reading() as before:
            assert state.view(before) is old  # this transaction names it for as long as it lasts
            other.submit(add, store, 80).result()
            other.submit(build, store).result()
            assert other.submit(view, store, state).result() is old
            gate.set()
            assert other.submit(ready, store, state).result()
            new = other.submit(view, store, state).result()
            assert new is not None
            assert new is not old
            assert len(new.covered) == 130
            # What the new one knows is right for it too, and nothing is loaded back.
            assert state.view(before) is new
        assert len(old.nearest(np.ones(store.pack.dimensions, np.float32))) == 50


def test_a_damaged_file_is_told_and_built_anew(store: Store) -> None:
    add(store, 50)
    build(store)
    made = named(store)
    assert made is not None
    for file in (GRAPH, MEMBERS):
        path = store.path / FOLDER / made.name / file
        content = path.read_bytes()
        path.write_bytes(content[:200] + b"\x00\x01" + content[202:])
        with state_of(store) as state:
            assert not ready(store, state)
            assert view(store, state) is None
            assert state.damaged() == {made.name}
            assert "damaged" in words(store, state)
        path.write_bytes(content)
    with state_of(store) as state:
        (store.path / FOLDER / made.name / GRAPH).unlink()
        assert not ready(store, state)
        assert build(store, damaged=state.damaged()).built
        assert ready(store, state)


def test_closing_while_it_loads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, 50)
    build(store)
    begun = threading.Event()

    def slow(folder: Path, told: object, stop: object) -> OpenGraph:
        begun.set()
        while not stop():  # type: ignore[operator]
            time.sleep(0.001)
        return opened(folder, told, stop)  # type: ignore[arg-type]

    opened = graph_state.open_graph
    monkeypatch.setattr(graph_state, "open_graph", slow)
    state = GraphState(store.pack, store.path)
    view(store, state)
    assert begun.wait(60)
    state.close()
    assert view(store, state) is None
    assert not [one for one in threading.enumerate() if "graph-loading" in one.name]
    state.close()


def test_forgetting_loads_it_again(store: Store) -> None:
    add(store, 50)
    build(store)
    with state_of(store) as state:
        assert ready(store, state)
        first = view(store, state)
        state.forget()
        assert ready(store, state)
        assert view(store, state) is not first


def test_never_means_no_thread_and_no_file(store: Store) -> None:
    add(store, 50)
    build(store)
    with state_of(store, "never") as state:
        assert view(store, state) is None
        assert not ready(store, state)
        assert 'graph="never"' in words(store, state)
        assert not [one for one in threading.enumerate() if "graph-loading" in one.name]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_after_a_fork_starts_anew(tmp_path: Path) -> None:
    """In a process of its own: a fork beside threads of others would be no test of ours."""
    code = """
import os, sys
from pathlib import Path
from localsearch.library import graph_state
from localsearch.library.graph_state import GraphState
from tests.segments.store import open_store
path = Path(sys.argv[1])
store = open_store(path)
state = GraphState(store.pack, path)
with store.catalog.reading() as conn:
    assert state.ready(conn, 60)
state._lock.acquire()  # as if another thread held it at the fork
child = os.fork()
if not child:
    state.begin_anew()
    with store.catalog.reading() as conn:
        assert "first visual query" in state.words(conn), state.words(conn)
        assert state.ready(conn, 60)
    os._exit(0)
_, status = os.waitpid(child, 0)
state._lock.release()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    store = open_store(tmp_path / "store")
    add(store, 60)
    build(store)
    store.close()
    house = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": house}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_process_that_ends_at_once_ends_cleanly(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from localsearch.library import graph_state
from localsearch.library.graph_state import GraphState
from tests.segments.store import open_store
graph_state.DELAY_SECONDS = float(sys.argv[2])
path = Path(sys.argv[1])
store = open_store(path)
state = GraphState(store.pack, path)
with store.catalog.reading() as conn:
    state.view(conn)
"""
    store = open_store(tmp_path / "store")
    add(store, 300)
    build(store)
    store.close()
    house = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": house}
    for delay in ("0", "30"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "store"), delay],
            env=environment,
            capture_output=True,
            text=True,
            timeout=25,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_eight_threads_ask_while_graphs_are_swapped(store: Store) -> None:
    add(store, 300)
    build(store)
    queries = units(clustered(store, 50))
    with state_of(store) as state, ThreadPoolExecutor(8) as pool:
        assert ready(store, state)
        stop = threading.Event()

        def ask(number: int) -> int:
            asked = 0
            while not stop.is_set():
                graph = view(store, state)
                if graph is not None:
                    near = RowSet(graph.nearest(queries[(number + asked) % len(queries)]))
                    assert near <= graph.covered
                    assert len(near) >= graph.window
                    asked += 1
            return asked

        running = [pool.submit(ask, number) for number in range(8)]
        try:
            for _ in range(2):
                add(store, len(store.keys) // 2)
                assert build(store).built
                assert ready(store, state)
        finally:
            stop.set()
        assert all(one.result() > 0 for one in running)


def test_without_hnswlib_there_is_a_note(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, 50)
    build(store)
    reason = "hnswlib is not installed"
    monkeypatch.setattr(building, "available", lambda vouched: reason)
    monkeypatch.setattr(graph_state, "available", lambda vouched: reason)
    add(store, 100)
    report = build(store)
    assert report == GraphReport(notes=(f"no graph is built: {reason}",))
    with state_of(store) as state:
        assert not ready(store, state)
        assert words(store, state) == f"a scan answers: {reason}"
        assert state.damaged() == frozenset()


def test_a_store_that_is_gone_is_an_error_of_the_house(store: Store) -> None:
    add(store, 50)
    live = store.live()
    store.path.rename(store.path.with_name("moved"))
    try:
        with pytest.raises(LibraryMissing):
            build_graph(store.catalog, live, store.pack, store.path, mode="always", memory=MEMORY)
    finally:
        store.path.with_name("moved").rename(store.path)


def test_hnswlib_is_here() -> None:
    """Else the tests above would prove nothing."""
    assert available() is None
