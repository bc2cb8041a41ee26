"""Warm searches in one process, each against the bare call of its route, on synthetic stores."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import localsearch as ls
from benchmarks.bare import LIMIT, Bare, BareGraph
from benchmarks.figures import Figure, Result, Target, shown, spread
from benchmarks.questions import LISTS, InTurn, Questions
from benchmarks.stored_graph import graph_of
from benchmarks.timing import Run, in_turn, ratios, walls
from benchmarks.workspace import Workspace

MEMORY = 4 << 30
"""The memory option that lets a graph of a million rows be loaded."""

_ADDED = Target(most=1.0)  # ms beyond the bare call
_RECALL = Target(least=0.98)
_LOAD_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Most:
    """Milliseconds at the middle that a size promises; None: nothing is promised."""

    concept: float | None = None
    three: float | None = None
    hundredth: float | None = None
    scan: float | None = None
    graph: float | None = None


_MOST = {
    100_000: _Most(concept=2.0, three=5.0, scan=20.0, graph=2.0),
    1_000_000: _Most(concept=3.0, three=12.0, hundredth=15.0, scan=150.0),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A search, the bare call of its route, and what is promised of it in milliseconds."""

    words: str
    search: Callable[[], object]
    bare: Callable[[], object]
    most: float | None


def run(work: Workspace) -> Result:
    """At each size: by postings and by scan, then through the graph."""
    figures: list[Figure] = []
    notes = ["warm, one thread, pages of 20; the same question for both in one round"]
    for rows in work.sizes.synthetic:
        store, most = work.graphed(rows), _MOST.get(rows, _Most())
        bare = Bare(store)
        asked, rounds = Questions(bare), work.sizes.quick_rounds
        with ls.open(store=store, read_only=True, graph="never", memory=MEMORY) as library:
            kinds = [*_listed(library, asked, most), *_scanned(library, asked, most)]
            figures += _measured(rows, kinds, rounds)
        with ls.open(store=store, read_only=True, memory=MEMORY) as library:
            figures += _through_graph(rows, library, asked, most, rounds)
        notes.append(f"{rows:,} rows, concepts asked for: {asked}")
    return Result(tuple(figures), tuple(notes))


def _measured(rows: int, kinds: list[_Kind], rounds: int) -> list[Figure]:
    works: dict[str, Callable[[], object]] = {}
    for kind in kinds:
        works[f"{kind.words}, bare"] = kind.bare
        works[kind.words] = kind.search
    runs = in_turn(works, rounds, warm=LISTS)
    figures = []
    for kind in kinds:
        found, bare = runs[kind.words], runs[f"{kind.words}, bare"]
        added = [(one.wall - other.wall) * 1e3 for one, other in zip(found, bare, strict=True)]
        most = None if kind.most is None else Target(most=kind.most)
        figures += [
            spread(f"{rows:,} rows: {kind.words}", walls(found, 1e3), "ms", most, _cpu(found)),
            spread("... the bare call", walls(bare, 1e3), "ms", note=_cpu(bare)),
            spread("... over the bare call", ratios(found, bare), "x"),
            spread("... beyond the bare call", added, "ms", _ADDED),
        ]
    return figures


def _cpu(runs: list[Run]) -> str:
    """What others on the machine do not weigh on: as long as the clock, where nobody disturbs."""
    return f"CPU {shown(median(run.cpu for run in runs) * 1e3)} ms"


def _listed(library: ls.Library, asked: Questions, most: _Most) -> list[_Kind]:
    """Searches that the postings answer."""
    bare, common = asked.bare, InTurn(asked.common)
    a, b, c = asked.common[:3]
    three = ls.concept(a) & ls.concept(b) & ls.concept(c)
    without = ls.concept(a) & ~ls.concept(asked.fifth[0]) & ~ls.concept(asked.fifth[1])
    return [
        _Kind(
            "one concept",
            lambda: library.search(ls.concept(common.for_search()), limit=LIMIT),
            lambda: bare.concept(common.for_bare()),
            most.concept,
        ),
        _Kind(
            "three common concepts, AND",
            lambda: library.search(three, limit=LIMIT),
            lambda: bare.all_of((a, b, c)),
            most.three,
        ),
        _Kind(
            "three common concepts, AND NOT",
            lambda: library.search(without, limit=LIMIT),
            lambda: bare.without(a, tuple(asked.fifth)),
            most.three,
        ),
    ]


def _scanned(library: ls.Library, asked: Questions, most: _Most) -> list[_Kind]:
    """Searches that the matrix answers."""
    bare, name = asked.bare, asked.hundredth
    few, every = asked.pictures(), asked.pictures()
    return [
        _Kind(
            f"visual AND a concept of {asked.hundredth_rows:,} rows",
            lambda: library.search(ls.like(id=few.for_search()[0]) & ls.concept(name), limit=LIMIT),
            lambda: bare.scan_with(few.for_bare()[1], name),
            most.hundredth,
        ),
        _Kind(
            "visual, by scan",
            lambda: library.search(ls.like(id=every.for_search()[0]), limit=LIMIT),
            lambda: bare.scan(every.for_bare()[1]),
            most.scan,
        ),
    ]


def _through_graph(
    rows: int, library: ls.Library, asked: Questions, most: _Most, rounds: int
) -> list[Figure]:
    """Visual searches once the graph is loaded, and how many of the true best they find."""
    graph, pictures = graph_of(asked.bare.store), asked.pictures()
    wait_for_graph(library, asked.ids[0])
    raw = BareGraph(graph.file, asked.vectors.shape[1], graph.ef)
    kind = _Kind(
        "visual, through the graph",
        lambda: library.search(ls.like(id=pictures.for_search()[0]), limit=LIMIT),
        lambda: raw.nearest(pictures.for_bare()[1], graph.window),
        most.graph,
    )
    recall = asked.recall(library)
    note = f"ef {graph.ef}, window {graph.window}; {graph.recall:.4f} when it was made"
    return [
        *_measured(rows, [kind], rounds),
        Figure(f"... recall@{LIMIT}, search included", recall, target=_RECALL, note=note),
    ]


def wait_for_graph(library: ls.Library, id: str) -> float:
    """Ask until the graph answers; gives the seconds. RuntimeError if it never does."""
    began = time.perf_counter()
    while time.perf_counter() - began < _LOAD_SECONDS:
        if library.search(ls.like(id=id), limit=LIMIT).route == "graph":
            return time.perf_counter() - began
        time.sleep(0.02)
    raise RuntimeError(f"no search went through the graph: {library.status().graph}")
