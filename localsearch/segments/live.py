"""How a live set follows the catalog: which segments to open, which rows to hold in the tail.

Never writes, and never asks a segment that is known to be bad. Invariant: the live set that
`advance` gives holds every live row that has features, as the transaction it was given sees it,
whatever is damaged, and the same one again while nothing has changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localsearch.catalog import graves, input_reads, segment_names
from localsearch.catalog.segment_names import SegmentRow
from localsearch.deferred import NamedTuple
from localsearch.errors import LibrarySegmentDamaged
from localsearch.log import logger
from localsearch.rows import RowSet, empty, from_array
from localsearch.segments.features import RowDigest, featured, still_live
from localsearch.segments.live_set import LiveSet
from localsearch.segments.segment import Segment, open_segment
from localsearch.segments.tail import Tail, empty_tail, joined, tail_of

if TYPE_CHECKING:
    from localsearch.catalog.features import Features
    from localsearch.pack import Pack

__all__ = ["LiveSet", "advance"]


class _Opened(NamedTuple):
    """What became of the segments that the catalog names, by first row."""

    segments: tuple[Segment, ...]
    aside: tuple[SegmentRow, ...]  # answered from the features
    notes: tuple[str, ...]

    def held(self) -> RowSet:
        return RowSet.union(empty(), *(segment.row_set for segment in self.segments))


def advance(
    previous: LiveSet | None,
    conn: sqlite3.Connection,
    features: Features,
    pack: Pack,
    store: Path,
    bad: frozenset[str] = frozenset(),
) -> LiveSet:
    """The live set that `conn`'s transaction sees; `previous` itself if nothing has changed.

    Opened segments are used again and only rows above the last known one are read. Rows of
    segments in `bad`, of damaged ones and of those of another pack come from the features into
    the tail, and `notes` says so. Costs a few calls of SQLite when nothing has changed.

    Raises LibrarySegmentDamaged where a file is `missing`: the list may be an old one, whose files
    were swept since. Ask again in a new transaction, and if it still is, with the name in `bad`.
    """
    marks = (segment_names.generation(conn), input_reads.last_row(conn), graves.last(conn))
    if previous is not None and previous.pack_digest != pack.pack_digest:
        previous = None
    if previous is not None and _is_current(previous, marks, bad):
        return previous
    named = segment_names.named(conn)
    opened = _open_named(previous, named, pack, store, bad)
    dead = _dead(previous, conn)
    tail, lacking = _tail(previous, conn, named, opened, dead, features, pack)
    notes = opened.notes
    if lacking:
        notes += (f"{len(lacking)} photos are left out: their features cannot be read",)
    return LiveSet(
        generation=marks[0],
        last_row=marks[1],
        last_grave=marks[2],
        pack_digest=pack.pack_digest,
        segments=opened.segments,
        tail=tail,
        graves=dead,
        lacking=lacking,
        damaged=tuple(row.name for row in opened.aside),
        notes=notes,
    )


def _is_current(previous: LiveSet, marks: tuple[int, int, int], bad: frozenset[str]) -> bool:
    """Whether nothing that a live set depends on has changed.

    Rows that lack features are looked for again whenever anything else changes.
    """
    known = (previous.generation, previous.last_row, previous.last_grave)
    return known == marks and not any(one.name in bad for one in previous.segments)


def _open_named(
    previous: LiveSet | None,
    named: Sequence[SegmentRow],
    pack: Pack,
    store: Path,
    bad: frozenset[str],
) -> _Opened:
    ready = {} if previous is None else {one.name: one for one in previous.segments}
    # What was damaged once is not tried again by this process: a disk that reads now and then
    # would let answers flicker.
    bad = bad | frozenset(() if previous is None else previous.damaged)
    segments: list[Segment] = []
    aside: list[SegmentRow] = []
    notes: list[str] = []
    for row in named:
        try:
            if row.pack_digest != pack.pack_digest:
                raise LibrarySegmentDamaged("it was made with another version of the pack")
            if row.name in bad:
                raise LibrarySegmentDamaged("it was found damaged")
            segments.append(ready.get(row.name) or open_segment(store, row))
        except LibrarySegmentDamaged as fault:
            if fault.missing and row.name not in bad:
                raise
            if row.name not in bad:
                logger().warning("segment %s is answered from the features", row.name)
            aside.append(row)
            notes.append(f"segment {row.name} is answered from the features: {fault.message}")
    return _Opened(tuple(segments), tuple(aside), tuple(notes))


def _dead(previous: LiveSet | None, conn: sqlite3.Connection) -> RowSet:
    """All graves that this process has ever seen: a row never comes back to life."""
    known = empty() if previous is None else previous.graves
    after = 0 if previous is None else previous.last_grave
    return known | RowSet([row for _, row in graves.since(conn, after)])


def _tail(
    previous: LiveSet | None,
    conn: sqlite3.Connection,
    named: Sequence[SegmentRow],
    opened: _Opened,
    dead: RowSet,
    features: Features,
    pack: Pack,
) -> tuple[Tail, tuple[int, ...]]:
    """The rows that no opened segment answers for, and those of them that have no features."""
    published = max((row.last_row for row in named), default=0)
    kept = _kept(previous, opened, published, dead)
    tail = empty_tail(pack.dimensions, pack.floors) if previous is None else previous.tail
    tail = tail.only(kept)
    known = opened.held() | tail.row_set | dead
    wanted = _wanted(previous, conn, opened, published)
    missing = [(row, digest) for row, digest in wanted if row not in known]
    parts, lacking = [tail], list[int]()
    for found, without in featured(missing, features, pack):
        parts.append(tail_of(found.rows, found.halves, found.probabilities, pack.floors))
        lacking += without
    return joined(parts), tuple(sorted(lacking))


def _kept(previous: LiveSet | None, opened: _Opened, published: int, dead: RowSet) -> RowSet:
    """The rows of the previous tail that still belong there.

    Rows up to the last published one go, also those that died unseen: publishing and merging drop
    their graves. Rows of a segment that is still set aside stay, as do those it never held; those
    of one that is set aside now are read anew, for it may have come of a merge that dropped some.
    """
    if previous is None:
        return empty()
    rows = previous.tail.rows
    stays = rows > published
    for row in opened.aside:
        if row.name not in previous.damaged:
            continue
        stays |= (rows >= row.first_row) & (rows <= row.last_row)
    late = RowSet(previous.lacking) | _without(opened.segments)
    kept = from_array(rows[stays]) | (previous.tail.row_set & late)
    return kept - opened.held() - dead


def _wanted(
    previous: LiveSet | None, conn: sqlite3.Connection, opened: _Opened, published: int
) -> Iterable[RowDigest]:
    """Rows that may be missing from the tail, ascending, each once."""
    after = published if previous is None else max(published, previous.last_row)
    found = dict(input_reads.live_featured_rows(conn, after))
    before = frozenset(() if previous is None else previous.damaged)
    for row in opened.aside:
        if row.name not in before:
            found.update(_rows_between(conn, row.first_row, row.last_row))
    late = set(() if previous is None else previous.lacking) | set(_without(opened.segments))
    found.update(still_live(conn, sorted(late)))
    return sorted(found.items())


def _rows_between(conn: sqlite3.Connection, first: int, last: int) -> list[RowDigest]:
    rows = input_reads.live_featured_rows(conn, first - 1)
    return [(row, digest) for row, digest in rows if row <= last]


def _without(segments: Iterable[Segment]) -> RowSet:
    """Rows that had no features when their segment was written."""
    return RowSet([row for segment in segments for row in segment.without])
