"""Segments for another pack, built beside the old ones and named in the commit that switches.

So no search has to read a whole library into its tail because the pack has changed. Never decides
about packs: what switches comes as a function. Invariant: the new list and the new pack count from
one transaction on, or neither does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from localsearch.catalog import input_reads, segment_names
from localsearch.errors import LibraryBusy, LibraryFull, LibrarySegmentDamaged
from localsearch.log import logger
from localsearch.publish import plan
from localsearch.publish.build import (
    LOCK,
    Bench,
    Stop,
    Stopped,
    Written,
    check_space,
    most_bytes,
    name_in,
    never,
    written,
)
from localsearch.writer_lock import WriterLock

if TYPE_CHECKING:
    from localsearch.catalog import Catalog
    from localsearch.catalog.features import Features
    from localsearch.pack import Pack

SWITCHING: Final = "changing to another pack"

Commit = Callable[[sqlite3.Connection], bool]
"""Makes the pack the active one, in a transaction; False where it is not ready: nothing is kept."""


def switch_pack(
    catalog: Catalog,
    features: Features,
    pack: Pack,
    store: Path,
    commit: Commit,
    *,
    before: Callable[[], None] = lambda: None,
    lock_timeout: float = 0.0,
    stop: Stop = never,
) -> tuple[bool, tuple[str, ...]]:
    """(whether `pack`, with its `features`, is active now; notes on what is left for later).

    `before` is called ahead of each `commit`, outside of any transaction. Where another process
    publishes or space lacks, the pack is switched all the same: segments of the former one are
    answered from the features, and the next publish builds them anew. `stop` ends it before the
    commit.
    """
    bench = Bench(catalog, features, pack, store, stop)
    try:
        with WriterLock(store / LOCK).hold(lock_timeout, SWITCHING):
            with contextlib.ExitStack() as unnamed:
                _commit(bench, _made(bench, unnamed), commit, before)
            return True, ()
    except Stopped:
        return False, ()
    except (LibraryBusy, LibraryFull, LibrarySegmentDamaged) as fault:
        note = f"segments are built by the next sync: {fault.message}"
        logger().info("%s", f"segments are left for later: {type(fault).__name__}")
    try:
        _commit(bench, None, commit, before)
    except Stopped:
        return False, ()
    return True, (note,)


def _made(bench: Bench, unnamed: contextlib.ExitStack) -> list[Written]:
    """Segments of all live rows, over the span of those that count now, written and compared.

    A library that has none yet, and is short, stays a tail.
    """
    with bench.catalog.reading() as conn:
        named = segment_names.named(conn)
        rows = input_reads.live_featured_rows(conn)
    pieces = plan.cut(rows, least=1 if named else plan.WORTH)
    check_space(bench, sum(most_bytes(bench, len(piece)) for piece in pieces))
    spans = [(piece[0][0], piece[-1][0]) for piece in pieces]
    if named and spans:
        spans[0] = (min(spans[0][0], named[0].first_row), spans[0][1])
        spans[-1] = (spans[-1][0], max(spans[-1][1], *(row.last_row for row in named)))
    return [
        written(bench, piece, first, last, unnamed)
        for piece, (first, last) in zip(pieces, spans, strict=True)
    ]


def _commit(
    bench: Bench, made: list[Written] | None, commit: Commit, before: Callable[[], None]
) -> None:
    """Switch as soon as that can be done; Stopped if it is not wanted any more."""
    while True:
        bench.check()
        before()
        bench.check()
        with bench.catalog.writing(SWITCHING) as conn:
            if not commit(conn):
                continue
            if made is not None:
                name_in(conn, made, segment_names.named(conn))
            return
