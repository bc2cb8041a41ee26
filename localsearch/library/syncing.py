"""Syncing and adding: holds the lock, runs the flow, publishes after commits."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from localsearch.catalog import settings
from localsearch.errors import LibraryBusy, LibraryMissing
from localsearch.library.folders import found_roots
from localsearch.library.models import PROVIDER_SETTING
from localsearch.library.parts import Parts
from localsearch.publish import publish, replace_damaged
from localsearch.records import Added, Progress, SyncEstimate, SyncReport
from localsearch.sync.adding import add_inputs
from localsearch.sync.estimate import estimate
from localsearch.sync.new_input import NewInput
from localsearch.sync.paths import sync_paths
from localsearch.sync.run import Orders, sync_roots
from localsearch.writer_lock import WriterLock

_log = logging.getLogger("localsearch")

LIST_FOLDER = os.scandir  # where tests inject folders that cannot be listed: root may read all

Stop = threading.Event | Callable[[], bool] | None


def stop_of(stop: Stop) -> Callable[[], bool]:
    """A stop flag as a question: an Event, a function, or never."""
    if stop is None:
        return lambda: False
    return stop.is_set if isinstance(stop, threading.Event) else stop


def orders_of(
    parts: Parts,
    *,
    progress: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
    threads: int | None,
    gentle: bool,
    thumbnails: bool,
    allow_removals: bool,
    publishing: Callable[[bool], None],
) -> Orders:
    """What a sync is told."""
    return Orders(
        read_features=parts.models.reader(
            parts.truth, threads=threads, gentle=gentle, thumbnails=thumbnails
        ),
        after_commit=publishing,
        progress=progress,
        stop=stop,
        allow_removals=allow_removals,
        list_folder=LIST_FOLDER,
    )


def run_sync(
    parts: Parts,
    orders: Orders,
    *,
    paths: Sequence[Path] | None,
    names: Iterable[str] | None,
    lock_timeout: float,
) -> SyncReport:
    """Hold the lock and sync all roots, some, or just these paths."""
    lock = WriterLock(parts.truth.store / "sync.lock")
    with lock.hold(lock_timeout, "sync"):
        founds = found_roots(parts, names)
        if not founds:
            raise LibraryMissing(
                "this library has no photo folder yet", hint="localsearch roots add FOLDER"
            )
        if paths is not None:
            report = sync_paths(parts.truth, founds, paths, orders)
        else:
            report = sync_roots(parts.truth, founds, orders, whole=names is None)
        _note_provider(parts)
    return report


def _note_provider(parts: Parts) -> None:
    """Remember what ran the network, if it ran: `status` tells it without loading anything."""
    ran = parts.models.provider()
    with parts.truth.catalog.reading() as conn:
        same = ran is None or settings.value(conn, PROVIDER_SETTING, "") == ran
    if not same and ran is not None:
        with parts.truth.catalog.writing("sync") as conn:
            settings.put(conn, PROVIDER_SETTING, ran)


def run_add(
    parts: Parts, news: Iterable[NewInput], stop: Stop, lock_timeout: float
) -> Iterator[Added]:
    """Add sources in order. Takes no sync lock: adding and syncing may go on side by side."""
    after_commit = publisher(parts, lock_timeout)
    read_features = parts.models.reader(parts.truth)
    yield from add_inputs(
        parts.truth,
        found_roots(parts),
        news,
        read_features,
        after_commit=partial(after_commit, False),
        stop=stop_of(stop),
    )


def run_estimate(parts: Parts, orders: Orders, names: Iterable[str] | None) -> SyncEstimate:
    """What a sync would do; writes nothing."""
    feature_bytes = 2 * (parts.pack.dimensions + parts.pack.classes)
    founds = found_roots(parts, names)
    return estimate(parts.truth, founds, orders, feature_bytes=feature_bytes)


def publisher(parts: Parts, lock_timeout: float) -> Callable[[bool], None]:
    """Gives `after_commit`: builds damaged segments anew, and publishes at the thresholds."""
    truth = parts.truth

    def after_commit(whole: bool) -> None:
        if parts.live.lacking():
            parts.live.forget()  # features that were lost may be there again
        try:
            damaged = parts.live.damaged()
            if damaged:
                replace_damaged(
                    truth.catalog,
                    truth.features,
                    parts.pack,
                    truth.store,
                    damaged,
                    lock_timeout=lock_timeout,
                )
                parts.live.forget()
            publish(
                truth.catalog,
                truth.features,
                parts.pack,
                truth.store,
                whole_sync=whole,
                lock_timeout=lock_timeout,
            )
        except LibraryBusy:
            _log.info("another process publishes; left for the next time")

    return after_commit
