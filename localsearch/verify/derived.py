"""What is derived: segments and graphs against their checksums, the catalog and the features.

Never changes anything. Invariant: whatever is wrong with a derived file is a finding that names the
segment or graph, and nothing else of it is believed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.catalog import graphs, segment_names
from localsearch.catalog.segment_names import SegmentRow
from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass
from localsearch.errors import LibrarySegmentDamaged
from localsearch.graph import FOLDER as GRAPHS
from localsearch.graph.files import GRAPH, check_digest
from localsearch.graph.opened import Told, check_graph
from localsearch.pack import Pack
from localsearch.records import Finding
from localsearch.rows import RowSet, empty, from_array
from localsearch.segments.features import Featured, featured
from localsearch.segments.segment import FOLDER, Segment, open_segment
from localsearch.verify.truth import Tell, dead_rows, live_windows

if TYPE_CHECKING:
    import numpy.typing as npt

SEGMENT_CODES: Final = frozenset(
    {"segment-damaged", "segment-unknown-rows", "segment-differs", "segment-overlaps"}
)
"""Findings whose `where` is the name of a segment that has to be built anew."""

GRAPH_CODES: Final = frozenset({"graph-damaged"})
"""Findings whose `where` is the name of a graph that has to be built anew."""


@dataclass(slots=True)
class _Covered:
    """Rows that the segments so far hold, and the last row they answer for."""

    rows: RowSet = field(default_factory=empty)
    top: int = 0


def segments(store: Truth, pack: Pack, tell: Tell) -> Iterator[Finding]:
    """Every named segment, then live rows below the last one that none of them holds.

    A transaction a segment, not one for all: that would pin the WAL of a sync beside it.
    """
    with store.catalog.reading() as conn:
        named = segment_names.named(conn)
    covered = _Covered()
    for row in named:
        tell(row.name)
        if row.first_row <= covered.top:
            told = "its rows lie among those of another segment"
            yield Finding("segment-overlaps", row.name, told, True)
        with store.catalog.reading() as conn:
            if row in segment_names.named(conn):
                yield from _segment(store, pack, conn, row, covered)
            else:  # merged meanwhile
                covered.rows.add_range(row.first_row, row.last_row + 1)
        covered.top = max(covered.top, row.last_row)
    with store.catalog.reading() as conn:
        for window in live_windows(conn, 1, covered.top):
            lost = from_array(np.array([number for number, _ in window])) - covered.rows
            for number in lost:
                yield Finding("row-lost", f"row {number}", "no segment holds this photo", True)


def _segment(
    store: Truth,
    pack: Pack,
    conn: sqlite3.Connection,
    row: SegmentRow,
    covered: _Covered,
) -> Iterator[Finding]:
    try:
        segment = open_segment(store.store, row)
    except LibrarySegmentDamaged as fault:
        covered.rows.add_range(row.first_row, row.last_row + 1)
        yield Finding("segment-damaged", row.name, fault.message, True)
        return
    try:
        segment.check_all()
        yield from _contents(store, pack, conn, segment)
    except LibrarySegmentDamaged as fault:
        yield Finding("segment-damaged", row.name, fault.message, True)
    finally:
        covered.rows |= segment.row_set
        covered.rows.update(segment.without)
        segment.close()


def _contents(
    store: Truth, pack: Pack, conn: sqlite3.Connection, segment: Segment
) -> Iterator[Finding]:
    """The rows of a segment against the catalog, its vectors and postings against the features."""
    unknown, wrong = segment.row_set - dead_rows(conn), 0
    # Better features came, and a crash was quicker than their new rows: the next sync ends it.
    renewed = set(store.features.renewed())
    for window in live_windows(conn, segment.row.first_row, segment.row.last_row):
        unknown -= from_array(np.array([number for number, _ in window]))
        held = [one for one in window if one[0] in segment.row_set and one[1] not in renewed]
        for made, _ in featured(held, store.features, pack):
            wrong += int(_differs(segment, made, pack.floors).sum())
    if unknown:
        told = f"{len(unknown)} of its rows belong to no photo"
        yield Finding("segment-unknown-rows", segment.name, told, True)
    if wrong:
        told = f"{wrong} of its rows differ from the features"
        yield Finding("segment-differs", segment.name, told, True)


def _differs(
    segment: Segment, made: Featured, floors: npt.NDArray[np.uint16]
) -> npt.NDArray[np.bool_]:
    """Which rows have another vector, or another value of any concept, than the features say."""
    positions = np.searchsorted(segment.rows, made.rows)
    wrong: npt.NDArray[np.bool_] = (segment.halves_at(positions) != made.halves).any(axis=1)
    listed = np.where(made.probabilities >= floors, made.probabilities, 0)
    for concept in range(len(floors)):
        if not segment.count(concept) and not listed[:, concept].any():
            continue
        wrong |= segment.values_at(concept, made.rows) != listed[:, concept]
    return wrong


def graphs_named(store: Truth, pack: Pack, tell: Tell) -> Iterator[Finding]:
    """Every named graph, all bytes; nothing is loaded into memory."""
    with store.catalog.reading() as conn:
        named = graphs.all_named(conn)
    for row in named:
        tell(row.name)
        folder = store.store / GRAPHS / row.name
        try:
            if row.encoder_digest == pack.encoder_digest:
                told = Told(row.name, row.digest, pack.dimensions, row.ef, row.window)
                check_graph(folder, told)
            else:
                check_digest(folder / GRAPH, row.digest)
        except LibrarySegmentDamaged as fault:
            yield Finding("graph-damaged", row.name, fault.message, True)


def leftovers(store: Truth) -> Iterator[Finding]:
    """Folders of derived files that nobody names."""
    with store.catalog.reading() as conn:
        named = [row.name for row in segment_names.named(conn)]
        known = {FOLDER: [*named, *segment_names.dropped(conn)]}
        known[GRAPHS] = [*(row.name for row in graphs.all_named(conn)), *graphs.dropped(conn)]
    for folder, names in known.items():
        yield from _unnamed(store, folder, names)


def _unnamed(store: Truth, folder: str, names: Sequence[str]) -> Iterator[Finding]:
    place = store.store / folder
    if place.is_dir():
        for entry in sorted(one.name for one in place.iterdir()):
            if entry not in names:
                told = "no longer needed; swept by the next sync"
                yield Finding("leftover", f"{folder}/{entry}", told, True)
