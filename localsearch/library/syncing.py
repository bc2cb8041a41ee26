"""Syncing and adding: holds the lock, runs the flow, has what was committed published."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Final

from localsearch.deferred import NamedTuple, dataclass
from localsearch.errors import LibraryMissing, LibraryPackChanged
from localsearch.library import arguments, derived, running
from localsearch.library.folders import found_roots
from localsearch.library.pack_files import drop_previous
from localsearch.library.parts import Parts
from localsearch.library.places import AnyPath
from localsearch.publish.graphs import GraphReport
from localsearch.records import Added, Compacted, Progress, SyncEstimate, SyncReport
from localsearch.sync.adding import Stand, add_inputs
from localsearch.sync.estimate import estimate
from localsearch.sync.new_input import NewInput
from localsearch.sync.paths import sync_paths
from localsearch.sync.run import Orders, sync_roots
from localsearch.writer_lock import WriterLock

LIST_FOLDER = os.scandir  # where tests inject folders that cannot be listed: root may read all

GRAPH_SECONDS: Final = 10.0
GRAPH_SHARE: Final = 0.05
"""A sync builds a graph itself if that takes less than this, or this share of what it took."""

_EVERY: Final = 0.1  # seconds between two calls of `progress`

OnProgress = Callable[[Progress], None]


class Wanted(NamedTuple):
    """What a caller of `sync` or `estimate` asks for, checked."""

    paths: Sequence[Path] | None = None
    roots: Iterable[str] | None = None
    progress: OnProgress | None = None
    stop: Callable[[], bool] = derived.never
    threads: int | None = None
    gentle: bool = False
    allow_removals: bool = False


def wanted(
    paths: AnyPath | Iterable[AnyPath] | None,
    roots: str | Iterable[str] | None,
    progress: OnProgress | None,
    stop: arguments.Stop,
    threads: int | None = None,
    gentle: bool = False,
    allow_removals: bool = False,
) -> Wanted:
    """The arguments of `Library.sync`, checked. Raises InputError."""
    return Wanted(
        paths=None if paths is None else arguments.paths(paths, "paths"),
        roots=None if roots is None else arguments.texts(roots, "roots"),
        progress=arguments.function(progress, "progress"),
        stop=arguments.stop(stop),
        threads=None if threads is None else arguments.whole(threads, "threads"),
        gentle=arguments.flag(gentle, "gentle"),
        allow_removals=arguments.flag(allow_removals, "allow_removals"),
    )


@dataclass(slots=True)
class _Publishing:
    """What follows each commit of one sync, and what there is to tell of it."""

    parts: Parts
    wanted: Wanted
    notes: list[str] = field(default_factory=list)

    def after_commit(self, whole: bool) -> None:
        """Called on the thread that commits; at the end of a whole sync on the caller's."""
        if not whole:
            derived.note_commit(self.parts)
            return
        tell = telling("publish", self.wanted.progress)
        self.notes += derived.settle(self.parts, whole=True, stop=self.wanted.stop, tell=tell)


def telling(stage: str, progress: OnProgress | None) -> Callable[[], None]:
    """Calls `progress` with a stage, at most ten times a second, however often it is called.

    A stage that is done at once is not told.
    """
    last = time.monotonic()

    def tell() -> None:
        nonlocal last
        now = time.monotonic()
        if progress is not None and now - last >= _EVERY:
            last = now
            progress(Progress(stage, 0, 0))

    return tell


def _orders(parts: Parts, wanted: Wanted, after_commit: Callable[[bool], None]) -> Orders:
    return Orders(
        read_features=parts.models.reader(
            parts.truth,
            threads=wanted.threads,
            gentle=wanted.gentle,
            thumbnails=parts.options.thumbnails,
        ),
        after_commit=after_commit,
        progress=wanted.progress,
        stop=wanted.stop,
        allow_removals=wanted.allow_removals,
        list_folder=LIST_FOLDER,
    )


@contextmanager
def _sync_lock(parts_now: Callable[[], Parts], doing: str) -> Iterator[Parts]:
    """The parts to work with under the lock of a sync: a reindex switches packs under it too, and
    may have done so while this waited."""
    parts = parts_now()
    lock = WriterLock(parts.truth.store / "sync.lock")
    with lock.hold(parts.options.lock_timeout, doing):
        parts = parts_now()
        with parts.upkeep.holding_back():
            yield parts


def run_sync(parts_now: Callable[[], Parts], wanted: Wanted) -> SyncReport:
    """Hold the lock and sync all roots, some, or just these paths."""
    with _sync_lock(parts_now, "sync") as parts:
        publishing = _Publishing(parts, wanted)
        orders = _orders(parts, wanted, publishing.after_commit)
        founds = found_roots(parts, wanted.roots)
        if not founds:
            raise LibraryMissing(
                "this library has no photo folder yet", hint="localsearch roots add FOLDER"
            )
        if wanted.paths is not None:
            report = sync_paths(parts.truth, founds, wanted.paths, orders)
        else:
            report = sync_roots(parts.truth, founds, orders, whole=wanted.roots is None)
        publishing.notes += running.note(parts, parts.models)
        if wanted.paths is None and not report.stopped:
            publishing.notes += _graph_after(parts, wanted, report.seconds)
    if wanted.paths is None:
        parts.upkeep.wake()  # for what was left for later, while this process stays open
    return replace(report, notes=(*report.notes, *publishing.notes))


def _graph_after(parts: Parts, wanted: Wanted, synced_seconds: float) -> tuple[str, ...]:
    """Build a graph that is due if that takes little beside the sync; else say that it is due."""
    seconds = derived.seconds_of_graph(parts)
    if seconds is None:
        return ()
    if seconds > max(GRAPH_SECONDS, GRAPH_SHARE * synced_seconds):
        return (
            f"a graph is due, which takes about {seconds:.0f} s: it is built while the library"
            " stays open, or by `localsearch compact`",
        )
    notes = _built(parts, wanted.progress, wanted.stop).notes
    return () if parts.upkeep.busy() else notes  # it is being built behind: nothing to tell


def _built(parts: Parts, progress: OnProgress | None, stop: Callable[[], bool]) -> GraphReport:
    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(Progress("graph", done, total))

    return derived.build(parts, stop=stop, progress=tell)


def run_compact(
    parts_now: Callable[[], Parts], progress: OnProgress | None, stop: arguments.Stop
) -> Compacted:
    """Hold the lock of a sync, merge all that can be merged, build a graph that is due, and give
    free pages back to the disk."""
    told, asked = arguments.function(progress, "progress"), arguments.stop(stop)
    began, tell = time.monotonic(), telling("merge", told)

    def stopped() -> bool:
        tell()
        return asked()

    with _sync_lock(parts_now, "compact") as parts:
        truth = parts.truth
        notes = derived.compact(parts, stop=stopped)
        while parts.upkeep.busy() and not stopped():
            parts.upkeep.wait(0.1)  # it may be building the graph; begins nothing new now
        built = GraphReport() if asked() else _built(parts, told, asked)
        if not asked():
            notes += drop_previous(parts)
            for file in (truth.catalog, truth.features, truth.thumbnails):
                file.shrink()
        with truth.catalog.reading() as conn:
            live = parts.live.settled(conn, truth.features)
            graph = parts.graph.words(conn)
    return Compacted(
        segments=len(live.segments),
        rows=len(live.rows),
        graph=graph,
        seconds=round(time.monotonic() - began, 3),
        stopped=asked(),
        notes=(*notes, *built.notes),
    )


def run_add(
    parts_now: Callable[[], Parts], news: Iterable[NewInput], stop: Callable[[], bool]
) -> Iterator[Added]:
    """Add sources in order. Takes no sync lock: adding and syncing may go on side by side.

    `parts_now` gives the parts of the pack that is active: a reindex may change it meanwhile.
    """
    held: tuple[Parts, Stand] | None = None

    def stand() -> Stand:
        nonlocal held
        parts = parts_now()
        if held is None or held[0] is not parts:
            read = parts.models.reader(parts.truth)
            held = (parts, Stand(parts.truth, found_roots(parts), read))
        return held[1]

    def after_commit() -> None:
        with suppress(LibraryPackChanged):  # whoever changed it publishes
            derived.note_commit(parts_now())

    yield from add_inputs(stand, news, after_commit=after_commit, stop=stop)


def run_estimate(parts: Parts, wanted: Wanted) -> SyncEstimate:
    """What a sync would do; writes nothing."""
    feature_bytes = 2 * (parts.pack.dimensions + parts.pack.classes)
    founds = found_roots(parts, wanted.roots)
    orders = _orders(parts, wanted, lambda whole: None)
    return estimate(parts.truth, founds, orders, feature_bytes=feature_bytes)
