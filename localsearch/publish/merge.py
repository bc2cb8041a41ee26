"""Makes one segment of several, without their dead rows: as few files to ask as can be had cheaply.

Copies postings and vectors from file to file and asks the features only where a source is damaged
or of an older pack. Never holds more than some ten bytes a row and one list. Invariants: each
merge is a commit of its own under `publish.lock`, so a crash or a stop costs the one under way;
answers are the same before and after, bit for bit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from localsearch.catalog import graves, packs, segment_names
from localsearch.catalog.segment_names import SegmentRow
from localsearch.errors import LibrarySegmentDamaged
from localsearch.publish import plan
from localsearch.publish.build import (
    Bench,
    PublishReport,
    Stop,
    Written,
    alone,
    attempt,
    check_space,
    deleted_if_not_named,
    name_written,
    never,
    new_row,
    probe,
    rebuild,
)
from localsearch.publish.plan import Group, Held
from localsearch.publish.sweep import sweep_locked
from localsearch.rows import RowSet, empty
from localsearch.segments.features import still_live
from localsearch.segments.segment import FOLDER, Segment, open_segment
from localsearch.segments.writing import write_merged_files

if TYPE_CHECKING:
    from localsearch.catalog import Catalog
    from localsearch.catalog.features import Features
    from localsearch.pack import Pack

Planner: TypeAlias = Callable[[Sequence[Held], str], list[Group]]

_REPAIRS: Final = 64  # damaged sources of one call; more than that is a disk that dies


def merge_segments(
    catalog: Catalog,
    features: Features,
    pack: Pack,
    store: Path,
    *,
    lock_timeout: float = 0.0,
    stop: Stop = never,
) -> PublishReport:
    """Do all merges that are due (`plan.merges_due`), one after the other, each a commit.

    Skips with a note when another process publishes or space lacks. `stop` ends it within some
    ten milliseconds; the merge under way is lost then. Raises LibraryError for faults of the disk.
    """
    bench = Bench(catalog, features, pack, store, stop)
    return _all_of(bench, plan.merges_due, lock_timeout)


def compact_segments(
    catalog: Catalog,
    features: Features,
    pack: Pack,
    store: Path,
    *,
    lock_timeout: float = 0.0,
    stop: Stop = never,
) -> PublishReport:
    """As few segments as the format allows, none with a dead row; else as `merge_segments`."""
    bench = Bench(catalog, features, pack, store, stop)
    return _all_of(bench, plan.compaction, lock_timeout)


def is_due(conn: sqlite3.Connection) -> bool:
    """Whether `merge_segments` would find something to do; some reads of the catalog."""
    active = packs.active(conn)
    return active is not None and _is_due(held_segments(conn), active.pack_digest, plan.merges_due)


def held_segments(conn: sqlite3.Connection) -> list[Held]:
    """The segments that count, by first row, with their graves."""
    return [
        Held(row, graves.count_between(conn, row.first_row, row.last_row))
        for row in segment_names.named(conn)
    ]


def _is_due(segments: Sequence[Held], pack_digest: str, planner: Planner) -> bool:
    return bool(plan.outdated(segments, pack_digest) or planner(segments, pack_digest))


def _all_of(bench: Bench, planner: Planner, lock_timeout: float) -> PublishReport:
    """One step after the other; others may publish between two of them."""
    report, repairs = PublishReport(), list[str]()
    while not (report.notes or bench.stop()):
        with bench.catalog.reading() as conn:
            if not _is_due(held_segments(conn), bench.pack.pack_digest, planner):
                break
        step = partial(_step, bench, planner, repairs)
        done = alone(bench.store, lock_timeout, "merging segments", step)
        report += done
        if done == PublishReport():
            break
    return report


def _step(bench: Bench, planner: Planner, repairs: list[str]) -> PublishReport:
    with bench.catalog.reading() as conn:
        segments = held_segments(conn)
    sweep_locked(bench.catalog, bench.store)
    old = plan.outdated(segments, bench.pack.pack_digest)
    if old:
        report = rebuild(bench, old[0])
    else:
        due = planner(segments, bench.pack.pack_digest)
        report = _merged(bench, due[0], repairs) if due else PublishReport()
    sweep_locked(bench.catalog, bench.store)
    return report


def _merged(bench: Bench, group: Group, repairs: list[str]) -> PublishReport:
    """One merge; where a source is damaged, that one is built anew, and the merge is due again."""

    def work() -> PublishReport:
        try:
            return _merge(bench, group)
        except LibrarySegmentDamaged as fault:
            bad = [row for row in group if row.name == fault.segment]
            if not bad or len(repairs) >= _REPAIRS:
                raise
            repairs.append(fault.segment)
            return rebuild(bench, bad[0])

    return attempt(work)


def _merge(bench: Bench, group: Group) -> PublishReport:
    first, last = group[0].first_row, group[-1].last_row
    check_space(bench, sum(_bytes_on_disk(bench.store, row) for row in group))
    with contextlib.ExitStack() as closing:
        sources = [_opened(bench.store, row, closing) for row in group]
        dropped, without = _state_of(bench, sources, first, last)
        held = RowSet.union(empty(), *(one.row_set for one in sources)) - dropped
        if not held and not without:
            return name_written(bench, [], group)
        made = new_row(bench, len(held), first, last)
        closing.enter_context(deleted_if_not_named(bench.store, made))
        write_merged_files(
            bench.store, made, sources, dropped=dropped, without=without, check=bench.check
        )
        probe(bench.store, made)
        return name_written(bench, [Written(made, held | RowSet(without))], group)


def _opened(store: Path, row: SegmentRow, closing: contextlib.ExitStack) -> Segment:
    segment = open_segment(store, row)
    closing.callback(segment.close)
    return segment


def _state_of(
    bench: Bench, sources: Sequence[Segment], first: int, last: int
) -> tuple[RowSet, list[int]]:
    """Rows that are dead now, and those without features that are not.

    What dies from here on is in the new segment and keeps its grave.
    """
    lacking = [row for source in sources for row in source.without]
    with bench.catalog.reading() as conn:
        dead = RowSet(graves.rows_between(conn, first, last))
        return dead, sorted(row for row, _ in still_live(conn, lacking))


def _bytes_on_disk(store: Path, row: SegmentRow) -> int:
    """What a segment takes; nothing for one that is not there, which is built anew then."""
    folder = store / FOLDER / row.name
    with contextlib.suppress(OSError):
        return sum(path.stat().st_size for path in folder.iterdir())
    return 0
