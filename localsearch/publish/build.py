"""Writes segments from the features and names them; the tail gets shorter by what they hold.

Never waits long for another publisher and never fails a command for want of space: it says why it
did nothing. Invariants: `publish.lock` is held from the first look to the last commit; a name is
given only after the files were synced, closed, opened again and compared; what was written and is
not named is deleted at once, or swept later.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.catalog import graves, input_reads, segment_names
from localsearch.catalog.segment_names import SegmentRow
from localsearch.deferred import NamedTuple, dataclass
from localsearch.durable import free_bytes, make_folder
from localsearch.errors import LibraryBusy, LibraryFull, LibrarySegmentDamaged
from localsearch.log import logger
from localsearch.publish import plan
from localsearch.publish.sweep import deleted, has_leftovers, sweep_locked, sweep_segments
from localsearch.rows import RowSet, empty, from_array
from localsearch.segments.features import RowDigest, featured
from localsearch.segments.segment import FOLDER, open_segment
from localsearch.segments.writing import SegmentData, write_segment_files
from localsearch.writer_lock import WriterLock

if TYPE_CHECKING:
    from localsearch.catalog import Catalog
    from localsearch.catalog.features import Features
    from localsearch.pack import Pack

LOCK: Final = "publish.lock"

_log = logger()

Stop = Callable[[], bool]


def never() -> bool:
    """A stop that never comes."""
    return False


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a publish did: names built and dropped, rows in the new ones, why not more."""

    built: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    rows: int = 0
    notes: tuple[str, ...] = ()

    def __add__(self, other: PublishReport) -> PublishReport:
        return PublishReport(
            self.built + other.built,
            self.dropped + other.dropped,
            self.rows + other.rows,
            self.notes + other.notes,
        )


class Stopped(Exception):
    """Whoever asked for this wants it no longer; never leaves the room."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a build works with."""

    catalog: Catalog
    features: Features
    pack: Pack
    store: Path
    stop: Stop = never

    def check(self) -> None:
        """Raise Stopped if it is time to stop."""
        if self.stop():
            raise Stopped


class Written(NamedTuple):
    """A segment that is on the disk, compared and not named yet, and rows whose graves stay."""

    row: SegmentRow
    known: RowSet


def publish(
    catalog: Catalog,
    features: Features,
    pack: Pack,
    store: Path,
    *,
    whole_sync: bool,
    lock_timeout: float = 0.0,
    stop: Stop = never,
) -> PublishReport:
    """Make segments of the tail where it is long enough, and sweep what is no longer named.

    Skips with a note when another process publishes or space lacks. `stop` ends it within some
    ten milliseconds; the segments that are named by then stay. Raises LibraryError for other
    faults of the disk; the old list stays valid.
    """
    bench = Bench(catalog, features, pack, store, stop)
    if not plan.segments_to_build(_tail_rows(catalog), whole_sync=whole_sync):
        if whole_sync and has_leftovers(catalog, store):
            sweep_segments(catalog, store)
        return PublishReport()

    def work() -> PublishReport:
        report = PublishReport()
        sweep_locked(catalog, store)  # first, so that rounds of crashes leave no growing heap
        # Looked at again: another process may have published between the look and the lock.
        for rows in plan.segments_to_build(_tail_rows(catalog), whole_sync=whole_sync):
            if report.notes or stop():
                break
            report += attempt(partial(_build, bench, [rows]))
        sweep_locked(catalog, store)
        return report

    return alone(store, lock_timeout, "publishing a segment", work)


def replace_damaged(
    catalog: Catalog,
    features: Features,
    pack: Pack,
    store: Path,
    names: Iterable[str],
    *,
    lock_timeout: float = 0.0,
    stop: Stop = never,
) -> PublishReport:
    """Build the rows of segments anew from the features, and drop the old names.

    Names that count no more are passed over. Skips with a note like `publish`.
    """
    bench, wanted = Bench(catalog, features, pack, store, stop), frozenset(names)

    def work() -> PublishReport:
        report = PublishReport()
        with catalog.reading() as conn:
            named = segment_names.named(conn)
        for old in named:
            if old.name in wanted and not report.notes and not stop():
                report += rebuild(bench, old)
        sweep_locked(catalog, store)
        return report

    return alone(store, lock_timeout, "building a damaged segment anew", work)


def alone(
    store: Path, lock_timeout: float, doing: str, work: Callable[[], PublishReport]
) -> PublishReport:
    """Do it under the lock, or say in a note who holds it."""
    try:
        with WriterLock(store / LOCK).hold(lock_timeout, doing):
            return work()
    except LibraryBusy as busy:
        return PublishReport(notes=(f"not published: {busy.message}",))


def attempt(work: Callable[[], PublishReport]) -> PublishReport:
    """Do it; what only means "later" becomes a note."""
    try:
        return work()
    except Stopped:
        return PublishReport()
    except LibraryFull as full:
        _log.warning("no space for a new segment")
        return PublishReport(notes=(f"not published: {full.message}",))
    except LibrarySegmentDamaged as fault:
        # Written, synced and then read back wrong: nothing was named, so nothing is lost.
        _log.warning("a new segment was damaged when it was opened again")
        return PublishReport(notes=(f"not published: {fault.message}",))


def rebuild(bench: Bench, old: SegmentRow) -> PublishReport:
    """One segment anew from the features, over the same span, however many rows are dead.

    A large one becomes several, so that memory stays bounded; the next merge puts them together.
    """
    with bench.catalog.reading() as conn:
        rows = input_reads.live_featured_rows(conn, old.first_row - 1)
    pieces = plan.cut([one for one in rows if one[0] <= old.last_row], least=1)
    return attempt(partial(_build, bench, pieces, old))


def _build(
    bench: Bench, pieces: Sequence[Sequence[RowDigest]], old: SegmentRow | None = None
) -> PublishReport:
    """Write, probe and name a segment for each piece (ascending), dropping `old` at once."""
    check_space(bench, sum(most_bytes(bench, len(rows)) for rows in pieces))
    firsts = [rows[0][0] for rows in pieces]
    lasts = [rows[-1][0] for rows in pieces]
    if old is not None and pieces:
        firsts[0], lasts[-1] = old.first_row, old.last_row
    with contextlib.ExitStack() as unnamed:
        made = []
        for rows, first, last in zip(pieces, firsts, lasts, strict=True):
            made.append(written(bench, rows, first, last, unnamed))
        return name_written(bench, made, [] if old is None else [old])


def most_bytes(bench: Bench, rows: int) -> int:
    """The most that a segment of so many rows takes on the disk."""
    return plan.bytes_of(rows, bench.pack.dimensions, len(bench.pack.floors))


def written(
    bench: Bench,
    rows: Sequence[RowDigest],
    first: int,
    last: int,
    unnamed: contextlib.ExitStack,
) -> Written:
    """Write and compare a segment of rows over a span; `unnamed` deletes it if its block fails."""
    made = _data_of(bench, rows)
    segment = new_row(bench, len(made.rows), first, last)
    unnamed.enter_context(deleted_if_not_named(bench.store, segment))
    write_segment_files(bench.store, segment, made, bench.check)
    probe(bench.store, segment)
    return Written(segment, from_array(made.rows) | RowSet(made.without))


def _data_of(bench: Bench, rows: Sequence[RowDigest]) -> SegmentData:
    parts, without = [], list[int]()
    for found, lacking in featured(rows, bench.features, bench.pack):
        bench.check()
        parts.append(found)
        without += lacking
    return SegmentData(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.halves for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        bench.pack.floors,
        tuple(without),
    )


def _tail_rows(catalog: Catalog) -> list[RowDigest]:
    """Live rows with features above the last one that a segment answers for."""
    with catalog.reading() as conn:
        last = max((row.last_row for row in segment_names.named(conn)), default=0)
        return input_reads.live_featured_rows(conn, last)


# ---------------------------------------------------------------- what merging needs too


def check_space(bench: Bench, need: int) -> None:
    """LibraryFull if a new segment of so many bytes would leave too little on the disk."""
    free = free_bytes(bench.store)
    if need and free < need + plan.SPARE_BYTES:
        raise LibraryFull(f"{need >> 20} MiB and some spare needed, {free >> 20} free")


def new_row(bench: Bench, rows: int, first: int, last: int) -> SegmentRow:
    """A name that was never given, `<pack>-<number>-<random>`, and a folder to put it in."""
    if not (bench.store / FOLDER).is_dir():
        make_folder(bench.store / FOLDER)
    with bench.catalog.writing("numbering a segment") as conn:
        number = segment_names.next_number(conn)
    # The random part keeps apart what two copies of one store build under the same number.
    stem = re.sub(r"[^A-Za-z0-9_.]", "_", bench.pack.name)[:40]
    name = f"{stem}-{number}-{secrets.token_hex(4)}"
    return SegmentRow(name, number, first, last, rows, bench.pack.pack_digest)


@contextlib.contextmanager
def deleted_if_not_named(store: Path, segment: SegmentRow) -> Iterator[None]:
    """Delete the segment's folder if the block fails; if that fails too, it is swept later."""
    try:
        yield
    except Exception:  # nothing wider: an interrupt may come after the name was given
        folder = store / FOLDER / segment.name
        if folder.exists():
            deleted(folder)
        raise


def probe(store: Path, row: SegmentRow) -> None:
    """Open what was written and compare it; raises LibrarySegmentDamaged, and nothing is named."""
    segment = open_segment(store, row)
    try:
        segment.check_all()
    finally:
        segment.close()


def name_written(
    bench: Bench, made: Sequence[Written], drop: Sequence[SegmentRow]
) -> PublishReport:
    """Name segments and drop others in one commit, with the graves that nothing needs any more."""
    with bench.catalog.writing("naming a segment") as conn:
        return name_in(conn, made, drop)


def name_in(
    conn: sqlite3.Connection, made: Sequence[Written], drop: Sequence[SegmentRow]
) -> PublishReport:
    """As `name_written`, in the commit of the caller."""
    names = tuple(row.name for row in drop)
    segment_names.name_segments(conn, [one.row for one in made], names)
    top = max((row.last_row for row in segment_names.named(conn)), default=0)
    for one in made:
        _forget_graves(conn, one.row.first_row, one.row.last_row, one.known)
    for row in () if made else drop:
        _forget_graves(conn, row.first_row, min(row.last_row, top), empty())
    return PublishReport(
        built=tuple(one.row.name for one in made),
        dropped=names,
        rows=sum(one.row.rows for one in made),
    )


def _forget_graves(conn: sqlite3.Connection, first: int, last: int, known: RowSet) -> None:
    """Drop graves from `first` to `last` of rows that no segment knows any more.

    Such a row may still be in the tail of a reader that has not seen it die; but a tail lets go of
    all rows up to the last one published, so no grave above that may be dropped.
    """
    dead = graves.rows_between(conn, first, last)
    graves.forget_rows(conn, [row for row in dead if row not in known])
