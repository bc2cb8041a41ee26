"""What is due in the derived files, done in its order: damaged segments, tail, merges, the graph.

Never changes truth. What means "later" (another process publishes, no space) is a note, never a
fault. Invariant: segments are changed in the turn of the upkeep only, on its thread or on a
caller's; a graph has a lock of its own and is built beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Final

from localsearch.catalog import graphs, input_reads, segment_names
from localsearch.errors import LibraryBusy, LibraryFull, LibrarySegmentDamaged
from localsearch.graph import available
from localsearch.library.parts import Parts
from localsearch.library.upkeep import Pace
from localsearch.log import logger
from localsearch.machine import usable_cores
from localsearch.publish import (
    PublishReport,
    compact_segments,
    is_due,
    merge_segments,
    plan,
    publish,
    replace_damaged,
)
from localsearch.publish.graph_plan import graph_due
from localsearch.publish.graphs import GraphReport, build_graph

_log = logger()

Stop = Callable[[], bool]
Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""

LONGEST_TAIL: Final = 2 * plan.FULL
"""Rows in the tail from which a writer waits for a publish instead of adding more."""

STAYS_SECONDS: Final = 1.0
"""A process that is gone by then, as a command is after a sync, begins no graph behind."""

SECONDS_A_ROW: Final = 0.9e-3
"""Of one core, for building a graph: 44 s for 100,000 rows on two."""


def never() -> bool:
    """A stop that never comes."""
    return False


def keep(parts: Parts, pace: Pace) -> None:
    """All that is due: what the upkeep does. While a graph is built it still publishes."""
    _refresh(parts, pace)

    def stop() -> bool:
        if not pace.gone() and pace.more():
            _refresh(parts, pace)
        return pace.gone()

    if parts.upkeep.held_back or stop() or not _rows_due(parts):
        return
    until = time.monotonic() + STAYS_SECONDS
    while time.monotonic() < until:
        if stop():
            return
        time.sleep(0.02)
    for note in build(parts, stop=stop).notes:
        _log.info("%s", note)


def _refresh(parts: Parts, pace: Pace) -> None:
    with parts.upkeep.turn(pace.gone) as mine:
        if not mine:
            return
        try:
            refresh(parts, whole=False, soon=pace.late, now=pace.give_way, lock_timeout=0.0)
        except (LibraryBusy, LibraryFull) as fault:
            _log.info("%s", f"left for later: {type(fault).__name__}")


def refresh(
    parts: Parts, *, whole: bool, soon: Stop, now: Stop, lock_timeout: float
) -> tuple[str, ...]:
    """Build damaged segments anew, publish the tail, merge; notes tell what was left for later.

    `whole`: a whole sync has ended, so that a short tail is published too. A publish heeds `soon`,
    what takes longer `now`.
    """
    truth, pack = parts.truth, parts.pack
    stores = (truth.catalog, truth.features, pack, truth.store)
    if parts.live.lacking():
        parts.live.forget()  # features that were lost may be there again
    report = PublishReport()
    damaged = parts.live.damaged()
    if damaged:
        report += replace_damaged(*stores, damaged, lock_timeout=lock_timeout, stop=soon)
        parts.live.forget()
    report += publish(*stores, whole_sync=whole, lock_timeout=lock_timeout, stop=soon)
    if not report.notes and not now():
        report += merge_segments(*stores, lock_timeout=lock_timeout, stop=now)
    return report.notes


def settle(
    parts: Parts, *, whole: bool, stop: Stop = never, tell: Callable[[], None] = lambda: None
) -> tuple[str, ...]:
    """Do it now, on this thread, and return when it is done or `stop` says so.

    `tell` is called now and then on this thread; what it raises ends the work cleanly.
    """

    def asked() -> bool:
        tell()
        return stop()

    with parts.upkeep.turn(asked) as mine:
        if not mine:
            return ()
        timeout = parts.options.lock_timeout
        return refresh(parts, whole=whole, soon=asked, now=asked, lock_timeout=timeout)


def note_commit(parts: Parts) -> None:
    """After a commit: let the upkeep publish what is due, or wait for it where too much is."""
    waiting = _waiting(parts)
    if waiting >= LONGEST_TAIL:
        with parts.upkeep.turn(never):
            timeout = parts.options.lock_timeout
            # Without merges, which may take minutes: they are left to the upkeep.
            refresh(parts, whole=False, soon=never, now=lambda: True, lock_timeout=timeout)
    damaged = parts.live.damaged() or parts.seat.damaged()
    if waiting >= plan.FULL or damaged or parts.live.lacking():
        parts.upkeep.wake()


def _waiting(parts: Parts) -> int:
    """At most so many rows are in the tail; costs two short reads."""
    with parts.truth.catalog.reading() as conn:
        last = max((row.last_row for row in segment_names.named(conn)), default=0)
        return input_reads.last_row(conn) - last


def compact(parts: Parts, *, stop: Stop) -> tuple[str, ...]:
    """As few segments as there can be, without dead rows; notes tell what was left."""
    truth, timeout = parts.truth, parts.options.lock_timeout
    with parts.upkeep.turn(stop) as mine:
        if not mine:
            return ()
        notes = refresh(parts, whole=True, soon=stop, now=stop, lock_timeout=timeout)
        stores = (truth.catalog, truth.features, parts.pack, truth.store)
        return notes + compact_segments(*stores, lock_timeout=timeout, stop=stop).notes


def rebuild(parts: Parts, names: Collection[str]) -> None:
    """Build segments anew from the features."""
    truth = parts.truth
    with parts.upkeep.turn(never):
        replace_damaged(
            truth.catalog,
            truth.features,
            parts.pack,
            truth.store,
            names,
            lock_timeout=parts.options.lock_timeout,
        )
        parts.live.forget()


# --- the graph ---


def build(
    parts: Parts,
    *,
    stop: Stop,
    progress: Progress = lambda done, total: None,
    damaged: Collection[str] = (),
) -> GraphReport:
    """Build or renew the graph if that is due; `damaged` names graphs to be built anew."""
    truth, options = parts.truth, parts.options
    if options.graph == "never":
        return GraphReport()
    with truth.catalog.reading() as conn:
        live = parts.live.settled(conn, truth.features)
    try:
        return build_graph(
            truth.catalog,
            live,
            parts.pack,
            truth.store,
            mode=options.graph,
            memory=options.memory,
            threads=options.threads,
            damaged={*parts.graph.damaged(), *damaged},
            stop=stop,
            progress=progress,
        )
    except LibrarySegmentDamaged as fault:
        if fault.segment:
            parts.live.set_aside(fault.segment)
            parts.upkeep.wake()
        return GraphReport(notes=(f"no graph is built: {fault.message}",))


def seconds_of_graph(parts: Parts) -> float | None:
    """How long building the graph that is due takes, about; None where none is due or none can
    be built here."""
    rows = _rows_due(parts)
    if not rows or _unavailable(parts):
        return None
    return SECONDS_A_ROW * rows / (parts.options.threads or usable_cores())


def _rows_due(parts: Parts) -> int:
    """Rows that the graph which is due would take in; 0 where none is due."""
    with parts.truth.catalog.reading() as conn:
        live = parts.live.settled(conn, parts.truth.features)
        named = graphs.named(conn, parts.pack.encoder_digest)
    due = graph_due(parts.options.graph, named, live.rows, parts.graph.damaged())
    if due is None:
        return 0
    known = live.rows.rank(named.last_row) if due == "add" and named is not None else 0
    return len(live.rows) - known


def _unavailable(parts: Parts) -> str | None:
    return available(vouched=parts.options.graph == "always")


def due(parts: Parts) -> tuple[str, ...]:
    """What is left for later, and what cannot be done, in words."""
    with parts.truth.catalog.reading() as conn:
        merges = is_due(conn)
    words = ["segments are to be merged"] if merges else []
    if _rows_due(parts):
        reason, seconds = _unavailable(parts), seconds_of_graph(parts)
        words.append(
            f"no graph can be built here: {reason}"
            if seconds is None
            else f"a graph is to be built: about {max(seconds, 1):.0f} s"
        )
    return tuple(words)
