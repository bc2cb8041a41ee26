"""What cannot be recomputed for free: the SQLite files, the pack, the rows, the features.

Never changes anything. Invariant: a file that SQLite calls damaged is a finding, never an error.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from localsearch.catalog import (
    changes,
    contents,
    graves,
    input_reads,
    metadata_terms,
    packs,
    taught,
)
from localsearch.catalog.truth import Truth
from localsearch.errors import LibraryError, PackError
from localsearch.pack import Pack, load_pack
from localsearch.records import Finding
from localsearch.rows import RowSet, empty
from localsearch.segments.probed import stored_probe

Tell = Callable[[str], None]
"""Hears what is looked at next."""

CATALOG: Final = "catalog.sqlite"
FEATURES: Final = "features"
THUMBNAILS: Final = "thumbs.sqlite"

_WINDOW: Final = 1 << 16  # rows looked at in one transaction
_CURES: Final = {
    CATALOG: "bring back a backup with: localsearch recover FILE",
    FEATURES: "what is lost is inferred again: localsearch verify --repair",
    THUMBNAILS: "they are made anew: localsearch verify --repair",
}


def damaged(file: str, complaint: str) -> Finding:
    """One of the three files cannot be trusted: what SQLite says of it, and the cure."""
    return Finding("file-damaged", file, f"{complaint}; {_CURES[file]}", file != CATALOG)


def sound_files(store: Truth, tell: Tell) -> Iterator[Finding]:
    """What SQLite's own whole check says of the three files."""
    for name, database in (
        (CATALOG, store.catalog),
        (FEATURES, store.features),
        (THUMBNAILS, store.thumbnails),
    ):
        tell(name)
        try:
            complaints = database.complaints()
        except LibraryError as fault:
            complaints = [fault.message]
        for complaint in complaints:
            yield damaged(name, complaint)


def own_pack(store: Truth) -> Path | None:
    """Where the store keeps its copy of its pack; None if the catalog cannot tell."""
    try:
        with store.catalog.reading() as conn:
            active = packs.active(conn)
    except LibraryError:
        return None
    return store.store / active.folder if active is not None else None


def sound_packs(store: Truth, pack: Pack) -> Iterator[Finding]:
    """Whether every byte of the pack in use is as its manifest says, and of the store's copy.

    Where the copy is damaged the program's own is in use: that costs nothing here, but a backup
    would hold the copy.
    """
    folders = [pack.folder]
    own = own_pack(store)
    if own is not None and os.path.realpath(own) != os.path.realpath(pack.folder):
        folders.append(own)
    for folder in folders:
        try:
            found = load_pack(folder, check="whole")
        except PackError as fault:
            yield Finding("pack-damaged", str(folder), fault.message, folder is own)
            continue
        if found.pack_digest != pack.pack_digest:
            yield Finding("pack-damaged", str(folder), "it is another pack", folder is own)


def catalog_rows(store: Truth, tell: Tell) -> Iterator[Finding]:
    """What the catalog says of itself: rows and graves, kept bytes, terms, changes."""
    tell("inputs")
    with store.catalog.reading() as conn:
        yield from _rows(conn)
        for id in contents.without_bytes(conn):
            yield Finding("bytes-missing", id, "its picture was kept nowhere but here", False)
        tell("metadata_terms")
        wrong = metadata_terms.check(conn)
        if wrong:
            told = f"{_inputs(len(wrong))} may not be found by their metadata"
            yield Finding("terms-differ", "metadata_terms", told, True)
        unsaid = changes.check(conn)
        if unsaid:
            told = f"{_inputs(len(unsaid))} are not told as they are"
            yield Finding("changes-differ", "changes", told, True)


def _inputs(count: int) -> str:
    return "1 input" if count == 1 else f"{count:,} inputs"


def _rows(conn: sqlite3.Connection) -> Iterator[Finding]:
    last = input_reads.last_row(conn)
    dead = dead_rows(conn)
    for window in live_windows(conn):
        for row, _ in window:
            if row in dead:
                yield Finding("row-dead", f"row {row}", "a live photo stands on a dead row", False)
            if row > last:
                yield Finding("row-unknown", f"row {row}", "it was never handed out", False)


def dead_rows(conn: sqlite3.Connection) -> RowSet:
    """All rows that lie in a grave."""
    dead = empty()
    dead.update(row for _, row in graves.since(conn, 0))
    return dead


def live_windows(
    conn: sqlite3.Connection, first: int = 1, last: int | None = None
) -> Iterator[list[tuple[int, bytes]]]:
    """(row, digest) of live rows with features in [first, last], some ten thousand at a time."""
    end = input_reads.largest_row(conn) if last is None else last
    while first <= end:
        up_to = min(first + _WINDOW - 1, end)
        if found := input_reads.live_featured_rows(conn, first - 1, up_to):
            yield found
        first = up_to + 1


def probes(store: Truth, pack: Pack, tell: Tell) -> Iterator[Finding]:
    """Whether what was learned of each taught concept can be searched by."""
    tell("taught_probes")
    with store.catalog.reading() as conn:
        rows = taught.all_of(conn, pack.encoder_digest)
    for row in rows:
        probe = row.probe
        if probe is None:
            continue  # learned for another pack: the list of taught concepts says so
        if stored_probe(*probe[:4], pack.dimensions) is None:
            told = f'what was learned of "{row.name}" is damaged; teach it again'
            yield Finding("probe-damaged", row.id, told, False)


def features(store: Truth, tell: Tell) -> Iterator[Finding]:
    """Whether every photo that should have features has them."""
    tell(FEATURES)
    with store.catalog.reading() as conn:
        for window in live_windows(conn):
            have = store.features.have([digest for _, digest in window])
            for row, digest in window:
                if digest not in have:
                    told = "its features are lost; sync again"
                    yield Finding("feature-missing", f"row {row}", told, True)
