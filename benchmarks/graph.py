"""Making, loading and asking the vector graph, against bare hnswlib with the same settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.bare import LIMIT, Bare, BareGraph, exact_products
from benchmarks.figures import Figure, Result, spread
from benchmarks.questions import Questions, share_of_best
from benchmarks.stored_graph import graph_of
from benchmarks.tending import Tended, tend
from benchmarks.timing import Run, in_turn, ratios, timed, walls
from benchmarks.workspace import Workspace
from localsearch.graph.hnsw import CARE, LINKS
from localsearch.machine import usable_cores

BREADTHS = (20, 40, 80, 160, 320, 640)
_ROUNDS = 2  # a graph of 100,000 takes most of a minute


def run(work: Workspace) -> Result:
    """Building at the smallest size; loading, and the way from breadth to recall, at each."""
    smallest = work.sizes.synthetic[0]
    figures = _building(work, smallest)
    for rows in work.sizes.synthetic:
        store = work.graphed(rows)
        figures += _loading(work, rows, store)
        figures += _breadths(rows, store)
    return Result(tuple(figures), (f"M {LINKS}, ef_construction {CARE}; equal vectors once",))


def _building(work: Workspace, rows: int) -> list[Figure]:
    store = work.synthetic(rows).store
    bare = Bare(store)
    vectors = np.unique(bare.live.halves_of(bare.rows), axis=0).astype(np.float32)
    tended: list[Tended] = []

    def build() -> Run:
        copy = work.copied(store)
        shutil.rmtree(copy / "graphs", ignore_errors=True)
        tended.append(tend("build-graph", copy))
        work.drop(copy)
        return Run(tended[-1].seconds, tended[-1].cpu)

    rounds = min(_ROUNDS, work.sizes.rounds)
    runs = in_turn({"house": build, "bare": lambda: _bare_build(vectors)}, rounds, warm=0)
    return [
        spread(f"{rows:,} rows: making the graph", walls(runs["house"]), "s"),
        spread("... bare hnswlib", walls(runs["bare"]), "s"),
        spread("... over bare hnswlib", ratios(runs["house"], runs["bare"]), "x"),
        Figure("... most memory", max(one.peak for one in tended) / 2**20, "MiB"),
    ]


def _bare_build(vectors: npt.NDArray[np.float32]) -> None:
    import hnswlib

    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(len(vectors), ef_construction=CARE, M=LINKS)
    index.add_items(vectors, num_threads=usable_cores())


def _loading(work: Workspace, rows: int, store: Path) -> list[Figure]:
    graph = graph_of(store)

    def load() -> Run:
        done = tend("load-graph", store)
        loaded.append(done)
        return Run(done.seconds, done.cpu)

    loaded: list[Tended] = []
    works = {"house": load, "bare": lambda: BareGraph(graph.file, _dimensions(store), graph.ef)}
    runs = in_turn(works, min(3, work.sizes.processes))
    size = graph.file.stat().st_size
    return [
        Figure(
            f"{rows:,} rows: file of the graph",
            size / 2**20,
            "MiB",
            note=f"{size / graph.rows:,.0f} bytes a row, {_made(work, rows)}",
        ),
        spread("... from the first visual query until it answers", walls(runs["house"]), "s"),
        spread("... bare load", walls(runs["bare"]), "s"),
        spread("... over the bare load", ratios(runs["house"], runs["bare"]), "x"),
        Figure("... memory of such a process", loaded[-1].anonymous / 2**20, "MiB"),
    ]


def _made(work: Workspace, rows: int) -> str:
    told = work.graph_making(rows)
    if told is None:
        return "made by someone else"
    return f"made in {told.seconds:.0f} s with {told.peak / 2**20:,.0f} MiB"


def _breadths(rows: int, store: Path) -> list[Figure]:
    """hnswlib alone, with the store's window, at rising breadth (ef); among distinct vectors."""
    graph, asked = graph_of(store), Questions(Bare(store))
    raw = BareGraph(graph.file, asked.vectors.shape[1], graph.ef)
    labels = np.sort(np.asarray(raw.index.get_ids_list(), np.uint32))
    places = np.searchsorted(asked.bare.rows, np.intersect1d(labels, asked.bare.rows))
    labels = asked.bare.rows[places]
    exact = exact_products(asked.bare, asked.vectors)[:, places]
    figures = []
    for breadth in BREADTHS:
        raw.index.set_ef(breadth)
        window, shares, times = min(graph.window, breadth), [], []
        for vector, likeness in zip(asked.vectors, exact, strict=True):
            found: list[npt.NDArray[np.uint32]] = []
            times.append(timed(lambda: found.append(raw.nearest(vector, window))).wall)  # noqa: B023
            known = np.intersect1d(found[0], labels)
            shares.append(share_of_best(likeness, np.searchsorted(labels, known)))
        middle = float(np.median(times)) * 1e3
        title = f"{rows:,} rows: bare graph, ef {breadth}, recall@{LIMIT}"
        chosen = "; of those tried, the store's own" if breadth == graph.ef else ""
        figures.append(Figure(title, float(np.mean(shares)), note=f"{middle:.3f} ms{chosen}"))
    return figures


def _dimensions(store: Path) -> int:
    return int(Bare(store).live.tail.halves.shape[1])
