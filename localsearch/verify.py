"""Compares catalog, features, segments and disk with each other; finds, and changes nothing.

Whatever is derived (`derived=True`) costs time only: it is answered from the features and built
anew. The rest tells what was lost and what to do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from localsearch.catalog import contents, graves, input_reads, segment_names
from localsearch.catalog.segment_names import SegmentRow
from localsearch.catalog.truth import Truth
from localsearch.errors import LibraryError, LibrarySegmentDamaged, PackError
from localsearch.pack import Pack, load_pack
from localsearch.records import Finding
from localsearch.segments.features import featured
from localsearch.segments.segment import FOLDER, Segment, open_segment

SEGMENT_CODES = frozenset({"segment-damaged", "segment-unknown-rows", "segment-differs"})
"""Findings whose `where` is the name of a segment that has to be built anew."""

_CHUNK = 1024


def verify_store(truth: Truth, pack: Pack) -> Iterator[Finding]:
    """All findings, the gravest files first; nothing if all is well."""
    yield from _sound_files(truth)
    yield from _sound_pack(pack)
    with truth.catalog.reading() as conn:
        live = dict(input_reads.live_featured_rows(conn))
        dead = {row for _, row in graves.since(conn, 0)}
        named = segment_names.named(conn)
        dropped = set(segment_names.dropped(conn))
        yield from _rows(conn, live, dead)
        yield from _kept_bytes(conn)
    yield from _features(truth, live)
    covered: set[int] = set()
    for row in named:
        yield from _segment(truth, pack, row, live, dead, covered)
    top = max((row.last_row for row in named), default=0)
    for row_number in sorted(row for row in live if row <= top and row not in covered):
        yield Finding("row-lost", f"row {row_number}", "no segment holds this photo", True)
    yield from _leftovers(truth.store, {row.name for row in named} | dropped)


def _sound_files(truth: Truth) -> Iterator[Finding]:
    for name, database in (
        ("catalog.sqlite", truth.catalog),
        ("features", truth.features),
        ("thumbs.sqlite", truth.thumbnails),
    ):
        try:
            complaints = database.complaints()
        except LibraryError as fault:
            complaints = [fault.message]
        for complaint in complaints:
            # Thumbnails are made anew from the photos; the other two hold the truth.
            yield Finding("file-damaged", name, complaint, name == "thumbs.sqlite")


def _sound_pack(pack: Pack) -> Iterator[Finding]:
    try:
        load_pack(pack.folder, check="whole")
    except PackError as fault:
        yield Finding("pack-damaged", str(pack.folder), fault.message, False)


def _rows(conn: sqlite3.Connection, live: dict[int, bytes], dead: set[int]) -> Iterator[Finding]:
    last = input_reads.last_row(conn)
    for row in sorted(live):
        if row in dead:
            yield Finding("row-dead", f"row {row}", "a live photo stands on a dead row", False)
        if row > last:
            yield Finding("row-unknown", f"row {row}", "it was never handed out", False)


def _kept_bytes(conn: sqlite3.Connection) -> Iterator[Finding]:
    for row in contents.without_bytes(conn):
        yield Finding("bytes-missing", row, "its picture was kept nowhere but here", False)


def _features(truth: Truth, live: dict[int, bytes]) -> Iterator[Finding]:
    items = sorted(live.items())
    for start in range(0, len(items), _CHUNK):
        chunk = items[start : start + _CHUNK]
        have = truth.features.have([digest for _, digest in chunk])
        for row, digest in chunk:
            if digest not in have:
                yield Finding(
                    "feature-missing", f"row {row}", "its features are lost; sync again", True
                )


def _segment(
    truth: Truth,
    pack: Pack,
    row: SegmentRow,
    live: dict[int, bytes],
    dead: set[int],
    covered: set[int],
) -> Iterator[Finding]:
    try:
        segment = open_segment(truth.store, row)
    except LibrarySegmentDamaged as fault:
        yield Finding("segment-damaged", row.name, fault.message, True)
        covered.update(range(row.first_row, row.last_row + 1))
        return
    try:
        held = set(segment.rows.tolist())
        covered.update(held, segment.without)
        segment.check_all()
        unknown = held - live.keys() - dead
        if unknown:
            told = f"{len(unknown)} of its rows belong to no photo"
            yield Finding("segment-unknown-rows", row.name, told, True)
        yield from _same_as_features(truth, pack, segment, live)
    except LibrarySegmentDamaged as fault:
        yield Finding("segment-damaged", row.name, fault.message, True)
    finally:
        segment.close()


def _same_as_features(
    truth: Truth, pack: Pack, segment: Segment, live: dict[int, bytes]
) -> Iterator[Finding]:
    """Vectors and postings against what the features say now, row by row."""
    wanted = [(row, live[row]) for row in segment.rows.tolist() if row in live]
    for made, _ in featured(wanted, truth.features, pack):
        positions = np.searchsorted(segment.rows, made.rows)
        wrong = (segment.halves_at(positions) != made.halves).any(axis=1)
        for concept in np.flatnonzero((made.probabilities >= pack.floors).any(axis=0)).tolist():
            listed = np.where(
                made.probabilities[:, concept] >= pack.floors[concept],
                made.probabilities[:, concept],
                0,
            )
            wrong |= segment.values_at(concept, made.rows) != listed
        if wrong.any():
            told = f"{int(wrong.sum())} of its rows differ from the features"
            yield Finding("segment-differs", segment.name, told, True)


def _leftovers(store: Path, known: set[str]) -> Iterator[Finding]:
    folder = store / FOLDER
    if folder.is_dir():
        for entry in sorted(one.name for one in folder.iterdir()):
            if entry not in known:
                told = "no longer needed; swept by the next sync"
                yield Finding("leftover", f"{FOLDER}/{entry}", told, True)
