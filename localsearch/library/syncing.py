"""Roots and syncing: finds the folders, holds the lock, runs the flow, publishes after commits."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from localsearch.catalog import roots as root_rows
from localsearch.catalog.roots import RootRow
from localsearch.errors import InputError, LibraryBusy, LibraryMissing
from localsearch.library.parts import Parts
from localsearch.publish import publish, replace_damaged
from localsearch.records import Added, Progress, Root, SyncEstimate, SyncReport
from localsearch.sync import finish
from localsearch.sync.adding import NewInput, add_inputs
from localsearch.sync.estimate import estimate
from localsearch.sync.paths import sync_paths
from localsearch.sync.roots import FoundRoot, find_root, identity_of, overlapping
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


def found_roots(parts: Parts, names: Iterable[str] | None = None) -> list[FoundRoot]:
    """The roots of these names (all if None), each with the place where it is now."""
    with parts.truth.catalog.reading() as conn:
        rows = root_rows.all_roots(conn)
    if names is not None:
        wanted = list(names)
        _check_known(wanted, rows)
        rows = [row for row in rows if row.name in wanted]
    return [find_root(row, parts.truth.store) for row in rows]


def describe_roots(parts: Parts) -> tuple[Root, ...]:
    """All roots as users see them."""
    founds = found_roots(parts)
    with parts.truth.catalog.reading() as conn:
        return tuple(
            Root(
                name=found.row.name,
                path=found.path or Path(os.fsdecode(found.row.path)),
                online=found.path is not None,
                ignore=found.row.ignore,
                inputs=root_rows.inputs_in(conn, found.row.key),
            )
            for found in founds
        )


def add_root(parts: Parts, path: Path, name: str | None, ignore: Sequence[str] | None) -> None:
    """Add a photo folder; for one that is a root already, its ignore rules are replaced."""
    with parts.truth.catalog.reading() as conn:
        rows = root_rows.all_roots(conn)
    other = overlapping(path, rows)
    if other is not None:
        if Path(os.fsdecode(other.path)).resolve() != path.resolve():
            raise InputError(
                f"{path} and the root {other.name} ({os.fsdecode(other.path)}) lie in each other",
                hint="a photo belongs to one root; use ignore patterns to leave folders out",
            )
        if ignore is not None:
            with parts.truth.catalog.writing("roots") as conn:
                root_rows.replace(conn, other.key, ignore=tuple(ignore))
        return
    if not path.is_dir():
        raise LibraryMissing(f"{path} is no folder", hint="name a folder with photos")
    chosen = _free_name(name or path.name or "photos", {row.name for row in rows}, name is not None)
    volume_id, volume_path = identity_of(path)
    with parts.truth.catalog.writing("roots") as conn:
        root_rows.put(
            conn,
            name=chosen,
            path=os.fsencode(path),
            volume_id=volume_id,
            volume_path=volume_path,
            ignore=tuple(ignore or ()),
        )


def move_root(parts: Parts, name: str, path: Path) -> None:
    """Tell where a root lies now; ids, tags and features stay."""
    if not path.is_dir():
        raise LibraryMissing(
            f"{path} is no folder", hint="name the folder where the photos are now"
        )
    row = root_named(parts, name)
    with parts.truth.catalog.reading() as conn:
        others = [other for other in root_rows.all_roots(conn) if other.key != row.key]
    clash = overlapping(path, others)
    if clash is not None:
        raise InputError(f"{path} and the root {clash.name} lie in each other")
    volume_id, volume_path = identity_of(path)
    with parts.truth.catalog.writing("roots") as conn:
        root_rows.replace(
            conn,
            row.key,
            path=os.fsencode(path),
            volume_id=volume_id,
            volume_path=volume_path,
            online=True,
        )


def root_named(parts: Parts, name: str) -> RootRow:
    """The root of that name, or LibraryMissing with the names that there are."""
    with parts.truth.catalog.reading() as conn:
        rows = root_rows.all_roots(conn)
    _check_known([name], rows)
    return next(row for row in rows if row.name == name)


def note_moved(parts: Parts) -> None:
    """Write down roots that were found elsewhere than where they were last."""
    for found in found_roots(parts):
        if found.path is not None and os.fsencode(found.path) != found.row.path:
            _log.info("%s", f"root {found.row.name} was found again")
            finish.note_root(parts.truth.catalog, found)


def orders_of(
    parts: Parts,
    *,
    progress: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
    threads: int | None,
    gentle: bool,
    allow_removals: bool,
    publishing: Callable[[bool], None],
) -> Orders:
    """What a sync is told."""
    return Orders(
        read_features=parts.models.reader(parts.truth, threads=threads, gentle=gentle),
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
            return sync_paths(parts.truth, founds, paths, orders)
        return sync_roots(parts.truth, founds, orders, whole=names is None)


def run_add(
    parts: Parts, news: Iterable[NewInput], stop: Callable[[], bool], lock_timeout: float
) -> Iterator[Added]:
    """Add sources in order. Takes no sync lock: adding and syncing may go on side by side."""
    after_commit = publisher(parts, lock_timeout)
    read_features = parts.models.reader(parts.truth)
    yield from add_inputs(parts.truth, found_roots(parts), news, read_features, stop=stop)
    after_commit(False)


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


def _check_known(names: Sequence[str], rows: Sequence[RootRow]) -> None:
    known = {row.name for row in rows}
    for name in names:
        if name not in known:
            raise LibraryMissing(
                f"there is no root named {name!r}",
                hint=f"the roots are: {', '.join(sorted(known)) or 'none'}",
            )


def _free_name(name: str, taken: set[str], exact: bool) -> str:
    if name not in taken:
        return name
    if exact:
        raise InputError(f"there is a root named {name!r} already", hint="choose another name")
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
