"""What leaves a library and comes back, what is wrong with it and its cure: the flows composed.

Holds no logic of its own: hands each flow what it needs of the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from localsearch.catalog import graphs
from localsearch.exchange import backup as backups
from localsearch.exchange import export as exports
from localsearch.exchange import import_ as imports
from localsearch.exchange import recover as recoveries
from localsearch.library import arguments, derived
from localsearch.library.folders import found_roots
from localsearch.library.parts import Parts
from localsearch.library.places import absolute
from localsearch.library.shown import concepts_of
from localsearch.library.syncing import Wanted, run_add, run_sync
from localsearch.publish import sweep_segments
from localsearch.publish.graph_sweep import sweep_graphs
from localsearch.publish.sweep import deleted
from localsearch.records import Added, BackupReport, Finding, ImportReport, Progress, Recovered
from localsearch.sync.new_input import NewInput
from localsearch.sync.placing import places_of, plain_path
from localsearch.verify import SEGMENT_CODES, Tools, repair_store, verify_store

OnProgress = Callable[[Progress], None] | None
Target = str | os.PathLike[str] | IO[bytes]

_CONCEPTS = 20  # of each photo in an export


def _file(value: Any, name: str) -> Path | IO[bytes]:
    """A path made absolute, or an open binary file as it is."""
    if hasattr(value, "write") or hasattr(value, "read"):
        opened: IO[bytes] = value
        return opened
    return arguments.path(value, name)


def export(
    parts: Parts,
    file: Target,
    format: str,
    concepts: bool,
    vectors: bool,
    progress: OnProgress,
    stop: arguments.Stop,
) -> int:
    """All inputs as lines; gives how many."""
    if format not in exports.FORMATS:
        raise arguments.refused("format", format, f"one of {', '.join(exports.FORMATS)}")
    with parts.truth.catalog.reading() as conn:
        taught = parts.known.current(conn).taught
    told = partial(concepts_of, parts.pack, limit=_CONCEPTS, taught=taught)
    return exports.export_inputs(
        parts.truth,
        _file(file, "file"),
        format="csv" if format == "csv" else "ndjson",
        concepts=told if arguments.flag(concepts, "concepts") else None,
        vectors=arguments.flag(vectors, "vectors"),
        progress=arguments.function(progress, "progress"),
        stop=arguments.stop(stop),
    )


def import_(
    parts: Parts,
    file: Target,
    add: bool,
    dry_run: bool,
    progress: OnProgress,
    stop: arguments.Stop,
) -> ImportReport:
    """Lines put back on the inputs that they mean."""
    founds = found_roots(parts)
    tops = [(found.row.key, Path(os.fsdecode(found.row.path))) for found in founds]
    tops += [(found.row.key, found.path) for found in founds if found.path is not None]

    def places(path: Path) -> Sequence[tuple[int | None, bytes, bytes]]:
        found = places_of(tops, plain_path(path))
        return [(one.root, one.folder, one.name) for one in found]

    def added(files: Sequence[imports.NewFile]) -> Iterable[Added]:
        news = [
            NewInput(
                source=one.path,
                id=one.id,
                tags=one.tags,
                metadata=one.metadata,
                source_url=one.source_url,
            )
            for one in files
        ]
        return run_add(lambda: parts, news, derived.never)

    return imports.import_inputs(
        parts.truth,
        _file(file, "file"),
        places=places,
        add=added if arguments.flag(add, "add") else None,
        dry_run=dry_run,
        progress=arguments.function(progress, "progress"),
        stop=arguments.stop(stop),
    )


def backup(
    parts: Parts,
    file: str | os.PathLike[str],
    replace: bool,
    progress: OnProgress,
    stop: arguments.Stop,
) -> BackupReport:
    """The truth of the library in one file."""
    return backups.backup_store(
        parts.truth,
        arguments.path(file, "file"),
        delete=deleted,
        replace=arguments.flag(replace, "replace"),
        progress=arguments.function(progress, "progress"),
        stop=arguments.stop(stop),
    )


def recover(
    file: str | os.PathLike[str],
    *,
    store: str | os.PathLike[str] | None = None,
    before_replacing: Callable[[Path], None] | None = None,
    progress: OnProgress = None,
    stop: arguments.Stop = None,
) -> Recovered:
    """Write the library of a backup to `store` (default: where it was), and tell where it is.

    Nothing is overwritten: a library that is there is set aside under a name that says so;
    `before_replacing` is called with its folder first, and ends the recovery by raising. Segments
    are built by the next sync. Raises LibraryDamaged (the file is), LibraryTooNew, LibraryFull,
    LibraryBusy (a sync runs there), InputError, Cancelled.
    """
    return recoveries.recover_store(
        arguments.path(file, "file"),
        None if store is None else absolute(arguments.any_path(store, "store")),
        delete=deleted,
        before_replacing=arguments.function(before_replacing, "before_replacing")
        or (lambda place: None),
        progress=arguments.function(progress, "progress"),
        stop=arguments.stop(stop),
    )


def verify(parts: Parts, repair: bool, progress: OnProgress) -> tuple[Finding, ...]:
    """Compare everything with everything; with `repair` cure it and look again.

    Segments that are wrong are set aside, and built anew by the repair or the next sync.
    """
    told = arguments.function(progress, "progress")
    findings = tuple(verify_store(parts.truth, parts.pack, told))
    for one in findings:
        if one.code in SEGMENT_CODES:
            parts.live.set_aside(one.where)
    if not repair or not findings:
        return findings
    return repair_store(parts.truth, parts.pack, findings, _tools(parts, told))


def _tools(parts: Parts, progress: OnProgress) -> Tools:
    truth = parts.truth

    def publish_tail() -> None:
        derived.settle(parts, whole=True)
        parts.live.forget()

    def rebuild_segments(names: Sequence[str]) -> None:
        derived.rebuild(parts, names)

    def rebuild_graphs(names: Sequence[str]) -> None:
        derived.build(parts, stop=derived.never, damaged=names)
        with truth.catalog.writing("repair") as conn:
            # Where none was built in its place: searches scan, and the upkeep builds one if due.
            for name in names:
                graphs.drop(conn, name)

    def infer_lost() -> None:
        run_sync(lambda: parts, Wanted(progress=progress))
        parts.live.forget()

    def sweep() -> None:
        sweep_segments(truth.catalog, truth.store, lock_timeout=parts.options.lock_timeout)
        sweep_graphs(truth.catalog, truth.store)

    return Tools(publish_tail, rebuild_segments, rebuild_graphs, infer_lost, sweep)
