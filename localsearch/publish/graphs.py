"""Builds the vector graph and names it; how often is decided in `graph_plan`.

Takes minutes for large libraries, so it holds a lock of its own, `graph.lock`: publishing goes on
beside it. Naming is one transaction of the catalog and waits for nobody. Never fails a command
for want of space, memory or hnswlib: it says why there is no graph. Invariants: files are synced
and were opened again, the very way a search does, before they are named; only who holds the lock
writes or deletes in the folder of graphs; nothing is left of a build that was stopped.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.catalog import graphs
from localsearch.catalog.graphs import GraphRow
from localsearch.deferred import dataclass
from localsearch.durable import free_bytes, make_folder, sync_written
from localsearch.errors import LibraryBusy, LibraryFull, LibrarySegmentDamaged
from localsearch.graph import FOLDER, GRAPH, MEMBERS, available
from localsearch.graph.files import Stopped, check_digest, digest_of
from localsearch.graph.hnsw import LINKS, Graph, bytes_of, load_graph, new_graph
from localsearch.graph.members import Keys, Members, grouped, joined, keys_of, write_members
from localsearch.graph.opened import OpenGraph, Told, members_in, open_graph
from localsearch.graph.vectors import units
from localsearch.log import logger
from localsearch.machine import lower_thread_priority, usable_cores
from localsearch.publish import graph_recall, graph_sweep
from localsearch.publish.graph_plan import FLOOR, Mode, Work, graph_due
from localsearch.publish.plan import SPARE_BYTES
from localsearch.rows import Rows, positions_in, to_array
from localsearch.writer_lock import WriterLock

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.catalog import Catalog
    from localsearch.pack import Pack
    from localsearch.segments.live_set import LiveSet

LOCK: Final = graph_sweep.LOCK

CHUNK: Final = 2_000
"""Rows between two looks at `stop`: about a second on two cores."""

_PROBED: Final = 8  # answers that are compared after the file was opened again
_log = logger()

Stop = Callable[[], bool]
Progress = Callable[[int, int], None]
"""Called with rows done and rows in all, on the thread that builds."""


@dataclass(frozen=True, slots=True)
class GraphReport:
    """What a build did: the graph that is named now, how well it finds, or why there is none."""

    built: str | None = None
    rows: int = 0
    ef: int = 0
    recall: float = 0.0
    seconds: float = 0.0
    stopped: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bench:
    """What a build works with."""

    catalog: Catalog
    live: LiveSet
    pack: Pack
    store: Path
    memory: int
    threads: int
    stop: Stop
    progress: Progress


def build_graph(
    catalog: Catalog,
    live: LiveSet,
    pack: Pack,
    store: Path,
    *,
    mode: Mode = "auto",
    memory: int,
    threads: int | None = None,
    damaged: Container[str] = (),
    stop: Stop = lambda: False,
    progress: Progress = lambda done, total: None,
) -> GraphReport:
    """Build or extend the graph of `live` if that is due, name it, sweep old ones.

    `memory`: bytes that it may take. `threads`: of building, with a lower priority where the
    system can (None: one a core). `damaged`: graphs that cannot be read. `stop` ends it within a
    second or two, and what was built is lost; so does what `progress` raises. Skips with a note
    when another process builds or when space or memory lack. Raises LibrarySegmentDamaged (with
    the name of a segment whose vectors cannot be read) and LibraryError for faults of the disk.
    """
    if graph_due(mode, _named(catalog, pack), live.rows, damaged) is None:
        return GraphReport()
    reason = available(vouched=mode == "always")
    if reason:
        return GraphReport(notes=(f"no graph is built: {reason}",))
    cores = threads or usable_cores()
    bench = _Bench(catalog, live, pack, store, memory, cores, stop, progress)
    try:
        with WriterLock(store / LOCK).hold(0.0, "building the graph"):
            graph_sweep.sweep_locked(catalog, store)  # what a crash has left takes space
            try:
                return _build_if_due(bench, mode, damaged)
            finally:
                graph_sweep.sweep_locked(catalog, store)
    except LibraryBusy as busy:
        return GraphReport(notes=(f"no graph is built: {busy.message}",))
    except LibraryFull as full:
        _log.warning("no space for a graph")
        return GraphReport(notes=(f"no graph is built: {full.message}",))
    except MemoryError:
        return GraphReport(notes=("no graph is built: the system has no memory for it",))
    except Stopped:
        return GraphReport(stopped=True)


def _named(catalog: Catalog, pack: Pack) -> GraphRow | None:
    with catalog.reading() as conn:
        return graphs.named(conn, pack.encoder_digest)


def _build_if_due(bench: _Bench, mode: Mode, damaged: Container[str]) -> GraphReport:
    began = time.monotonic()
    # Looked at again: another process may have built one between the look and the lock.
    named = _named(bench.catalog, bench.pack)
    due = graph_due(mode, named, bench.live.rows, damaged)
    if due is None:
        return GraphReport()
    lacking = _lacking(bench)
    if lacking:
        return GraphReport(notes=(f"no graph is built: {lacking}",))
    graph, members = _made(bench, due, named)
    row = _written(bench, graph, members)
    with bench.catalog.writing("naming a graph") as conn:
        graphs.name_graph(conn, row)
    notes: tuple[str, ...] = ()
    if row.recall < FLOOR:
        notes = (f"the graph found {row.recall:.3f} of the best, less than {FLOOR}: not used",)
    seconds = time.monotonic() - began
    return GraphReport(row.name, row.rows, row.ef, row.recall, seconds, notes=notes)


def _lacking(bench: _Bench) -> str:
    """What there is too little of, or nothing."""
    need = bytes_of(len(bench.live.rows), bench.pack.dimensions)
    free = free_bytes(bench.store)
    if need > bench.memory:
        return f"it takes {need >> 20} MiB, and the memory budget is {bench.memory >> 20} MiB"
    if need + SPARE_BYTES > free:
        return f"it takes {need >> 20} MiB and some spare on the disk, {free >> 20} are free"
    return ""


def _made(bench: _Bench, due: Work, named: GraphRow | None) -> tuple[Graph, Members]:
    """The graph in memory: anew, or the named one with what it lacks."""
    if due == "add" and named is not None:
        try:
            return _added_to(bench, named)
        except LibrarySegmentDamaged as fault:
            if fault.segment != named.name:
                raise
            _log.warning("graph %s is damaged and is built anew", named.name)
    rows = to_array(bench.live.rows)
    members = grouped(rows, _keys(bench, rows))
    graph = new_graph(bench.pack.dimensions, len(members.labels))
    _fill(bench, graph, members.labels)
    return graph, members


def _added_to(bench: _Bench, named: GraphRow) -> tuple[Graph, Members]:
    folder, told = bench.store / FOLDER / named.name, told_of(named, bench.pack.dimensions)
    before = members_in(folder, told)
    rows = to_array(bench.live.rows - before.covered)
    members = joined(before, rows, _keys(bench, rows))
    check_digest(folder / GRAPH, told.digest, bench.stop)
    room = len(members.labels)
    graph = load_graph(folder / GRAPH, told.dimensions, room=room)
    new = ~positions_in(before.labels, members.labels)[1]
    _fill(bench, graph, members.labels[new])
    return graph, members


def _keys(bench: _Bench, rows: Rows) -> Keys:
    keys = np.zeros((len(rows), 2), np.uint64)
    for start in range(0, len(rows), CHUNK):
        _check(bench)
        part = slice(start, start + CHUNK)
        keys[part] = keys_of(bench.live.halves_of(rows[part]))
    return keys


def _fill(bench: _Bench, graph: Graph, labels: Rows) -> None:
    """Add the vectors of some rows, in an order that says nothing.

    Photos come in bursts of near copies. Added one after the other these link to each other only,
    and whole bursts are found by no way from outside: 0.95 of the best 20 instead of 0.98.
    """
    labels = np.random.default_rng(len(labels)).permutation(labels)
    bench.progress(0, len(labels))
    for start in range(0, len(labels), CHUNK):
        _check(bench)
        part = labels[start : start + CHUNK]
        _with_low_priority(partial(_add, bench, graph, part))
        bench.progress(start + len(part), len(labels))


def _add(bench: _Bench, graph: Graph, labels: Rows) -> None:
    graph.add(labels, units(bench.live.halves_of(labels)), bench.threads)


def _check(bench: _Bench) -> None:
    if bench.stop():
        raise Stopped("the graph is not built to its end")


def _with_low_priority(work: Callable[[], None]) -> None:
    """Do it on a thread that gives way; this one keeps its priority and only waits."""
    faults: list[BaseException] = []

    def run() -> None:
        lower_thread_priority()
        try:
            work()
        except BaseException as fault:  # noqa: BLE001  (raised again below)
            faults.append(fault)

    thread = threading.Thread(target=run, name="localsearch-graph", daemon=True)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]


def _written(bench: _Bench, graph: Graph, members: Members) -> GraphRow:
    """Measure, write, sync, open again and compare; gives what is to be named."""
    with bench.catalog.writing("numbering a graph") as conn:
        number = graphs.next_number(conn)
    stem = re.sub(r"[^A-Za-z0-9_.]", "_", bench.pack.name)[:40]
    name = f"{stem}-{number}-{secrets.token_hex(4)}"
    dimensions, window = bench.pack.dimensions, graph_recall.WINDOW
    made = OpenGraph(Told(name, "", dimensions, 0, window), graph, members)
    recall = graph_recall.measure(made, bench.live, number, bench.stop)
    asked = units(bench.live.halves_of(_some(members, bench.live)))
    answers = [made.nearest(query) for query in asked]
    folder = bench.store / FOLDER / name
    digest = _saved(folder, graph, members, name, dimensions)
    made.close()  # so that it is in memory once only
    told = Told(name, digest, dimensions, recall.ef, window)
    _probe(folder, told, asked, answers, bench.stop)
    return GraphRow(
        name=name,
        number=number,
        encoder_digest=bench.pack.encoder_digest,
        rows=len(members.covered),
        last_row=members.covered.max(),
        digest=digest,
        bytes=(folder / GRAPH).stat().st_size,
        links=LINKS,
        ef=recall.ef,
        window=window,
        recall=recall.recall,
        queries=recall.queries,
        built_ms=time.time_ns() // 1_000_000,
    )


def _some(members: Members, live: LiveSet) -> Rows:
    rows = to_array(members.covered & live.rows)
    return rows[:: max(len(rows) // _PROBED, 1)][:_PROBED]


def _saved(folder: Path, graph: Graph, members: Members, name: str, dimensions: int) -> str:
    """Write both files, synced; gives the digest of the graph's."""
    if not folder.parent.is_dir():
        make_folder(folder.parent)
    make_folder(folder)
    graph.save(folder / GRAPH)
    sync_written(folder / GRAPH)
    digest = digest_of(folder / GRAPH)
    about = Told(name, digest, dimensions, 0, 0).about()
    write_members(folder / MEMBERS, members, about)
    return digest


def _probe(
    folder: Path,
    told: Told,
    asked: npt.NDArray[np.float32],
    answers: list[Rows],
    stop: Stop,
) -> None:
    """Open what was written as a search does; it must answer as what was built."""
    opened = open_graph(folder, told, stop)
    try:
        for query, answer in zip(asked, answers, strict=True):
            if not np.array_equal(opened.nearest(query), answer):
                raise LibrarySegmentDamaged(
                    f"{folder} answers otherwise than what was written", segment=told.name
                )
    finally:
        opened.close()


def told_of(row: GraphRow, dimensions: int) -> Told:
    """What the room of graphs has to know of a row of the catalog."""
    return Told(row.name, row.digest, dimensions, row.ef, row.window)
