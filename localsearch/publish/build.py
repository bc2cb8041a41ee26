"""Writes segments and names them; the tail gets shorter by what they hold.

Never waits long for another publisher and never fails a command for want of space: it says why it
did nothing. Invariants: `publish.lock` is held from the first look to the last commit; a name is
given only after the files were synced, closed, opened again and compared.
"""

from __future__ import annotations

import logging
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.catalog import graves, input_reads, segment_names
from localsearch.catalog.segment_names import SegmentRow
from localsearch.durable import free_bytes, make_folder
from localsearch.errors import LibraryBusy, LibraryFull, LibrarySegmentDamaged
from localsearch.publish import plan
from localsearch.publish.sweep import has_leftovers, sweep_locked, sweep_segments
from localsearch.segments.features import RowDigest, featured
from localsearch.segments.segment import FOLDER, SegmentData, open_segment, write_segment_files
from localsearch.writer_lock import WriterLock

if TYPE_CHECKING:
    from localsearch.catalog import Catalog
    from localsearch.catalog.features import Features
    from localsearch.pack import Pack

LOCK: Final = "publish.lock"

_log = logging.getLogger("localsearch")


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a publish did: names built and dropped, rows in the new ones, why not more."""

    built: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    rows: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bench:
    """What a build works with."""

    catalog: Catalog
    features: Features
    pack: Pack
    store: Path


def publish(
    catalog: Catalog,
    features: Features,
    pack: Pack,
    store: Path,
    *,
    whole_sync: bool,
    lock_timeout: float = 0.0,
) -> PublishReport:
    """Make segments of the tail where it is long enough, and sweep what is no longer named.

    Skips with a note when another process publishes or space lacks. Raises LibraryError for other
    faults of the disk; the old list stays valid.
    """
    bench = _Bench(catalog, features, pack, store)
    if not plan.segments_to_build(_tail_rows(catalog), whole_sync=whole_sync):
        if whole_sync and has_leftovers(catalog, store):
            sweep_segments(catalog, store)
        return PublishReport()

    def work() -> PublishReport:
        report = PublishReport()
        sweep_locked(catalog, store)  # first, so that rounds of crashes leave no growing heap
        # Looked at again: another process may have published between the look and the lock.
        for rows in plan.segments_to_build(_tail_rows(catalog), whole_sync=whole_sync):
            report = _and(report, _build(bench, rows, drop=()))
            if report.notes:
                break
        sweep_locked(catalog, store)
        return report

    return _alone(store, lock_timeout, "publishing a segment", work)


def replace_damaged(
    catalog: Catalog,
    features: Features,
    pack: Pack,
    store: Path,
    names: Iterable[str],
    *,
    lock_timeout: float = 0.0,
) -> PublishReport:
    """Build the rows of segments anew from the features, and drop the old names.

    Names that count no more are passed over. Skips with a note like `publish`.
    """
    bench, wanted = _Bench(catalog, features, pack, store), frozenset(names)

    def work() -> PublishReport:
        report = PublishReport()
        with catalog.reading() as conn:
            named = segment_names.named(conn)
        for old in named:
            if old.name in wanted and not report.notes:
                report = _and(report, _rebuild(bench, old))
        sweep_locked(catalog, store)
        return report

    return _alone(store, lock_timeout, "building a damaged segment anew", work)


def _alone(
    store: Path, lock_timeout: float, doing: str, work: Callable[[], PublishReport]
) -> PublishReport:
    """Do it under the lock; what only means "later" becomes a note."""
    try:
        with WriterLock(store / LOCK).hold(lock_timeout, doing):
            return work()
    except LibraryBusy as busy:
        return PublishReport(notes=(f"not published: {busy.message}",))
    except LibraryFull as full:
        _log.warning("no space for a new segment")
        return PublishReport(notes=(f"not published: {full.message}",))
    except LibrarySegmentDamaged as fault:
        # Written, synced and then read back wrong: nothing was named, so nothing is lost.
        _log.warning("a new segment was damaged when it was opened again")
        return PublishReport(notes=(f"not published: {fault.message}",))


def _tail_rows(catalog: Catalog) -> list[RowDigest]:
    """Live rows with features above the last one that a segment answers for."""
    with catalog.reading() as conn:
        last = max((row.last_row for row in segment_names.named(conn)), default=0)
        return input_reads.live_featured_rows(conn, last)


def _rebuild(bench: _Bench, old: SegmentRow) -> PublishReport:
    """One segment anew, over the same span: as one, however many of its rows are dead."""
    with bench.catalog.reading() as conn:
        rows = input_reads.live_featured_rows(conn, old.first_row - 1)
    return _build(bench, [one for one in rows if one[0] <= old.last_row], drop=(old,))


def _build(bench: _Bench, rows: Sequence[RowDigest], drop: Sequence[SegmentRow]) -> PublishReport:
    """Write, probe and name one segment of rows (ascending), dropping others at once."""
    names = tuple(row.name for row in drop)
    if not rows:
        with bench.catalog.writing("dropping a segment") as conn:
            segment_names.name_segments(conn, [], names)
        return PublishReport(dropped=names)
    need = plan.bytes_of(len(rows), bench.pack.dimensions, len(bench.pack.floors))
    free = free_bytes(bench.store)
    if free < need + plan.SPARE_BYTES:
        return PublishReport(
            notes=(f"not published: {need >> 20} MiB and some spare needed, {free >> 20} free",)
        )
    made = _data_of(bench, rows)
    spanned = [(row.first_row, row.last_row) for row in drop]
    spanned.append((rows[0][0], rows[-1][0]))
    segment = _new_row(bench, len(made.rows), min(spanned)[0], max(last for _, last in spanned))
    _folder(bench.store)
    write_segment_files(bench.store, segment, made)
    _probe(bench.store, segment)
    with bench.catalog.writing("naming a segment") as conn:
        _forget_graves(conn, segment, made)
        segment_names.name_segments(conn, [segment], names)
    return PublishReport(built=(segment.name,), dropped=names, rows=segment.rows)


def _data_of(bench: _Bench, rows: Sequence[RowDigest]) -> SegmentData:
    parts, without = [], list[int]()
    for found, lacking in featured(rows, bench.features, bench.pack):
        parts.append(found)
        without += lacking
    return SegmentData(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.halves for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        bench.pack.floors,
        tuple(without),
    )


def _new_row(bench: _Bench, rows: int, first: int, last: int) -> SegmentRow:
    """A name that was never given: `<pack>-<number>-<random>`."""
    with bench.catalog.writing("numbering a segment") as conn:
        number = segment_names.next_number(conn)
    # The random part keeps apart what two copies of one store build under the same number.
    stem = re.sub(r"[^A-Za-z0-9_.]", "_", bench.pack.name)[:40]
    name = f"{stem}-{number}-{secrets.token_hex(4)}"
    return SegmentRow(name, number, first, last, rows, bench.pack.pack_digest)


def _folder(store: Path) -> None:
    if not (store / FOLDER).is_dir():
        make_folder(store / FOLDER)


def _probe(store: Path, row: SegmentRow) -> None:
    """Open what was written and compare it; raises LibrarySegmentDamaged, and nothing is named."""
    segment = open_segment(store, row)
    try:
        segment.check_all()
    finally:
        segment.close()


def _forget_graves(conn: sqlite3.Connection, segment: SegmentRow, made: SegmentData) -> None:
    """Drop graves of rows in the span that the new segment does not hold.

    They were in tails only, and a tail lets go of all rows up to the last published one.
    """
    held = set(made.rows.tolist())
    span = range(segment.first_row, segment.last_row + 1)
    dead = [row for _, row in graves.since(conn, 0) if row in span and row not in held]
    graves.forget_rows(conn, dead)


def _and(first: PublishReport, second: PublishReport) -> PublishReport:
    return PublishReport(
        first.built + second.built,
        first.dropped + second.dropped,
        first.rows + second.rows,
        first.notes + second.notes,
    )
