"""All of a library that cannot be recomputed, in one file, while others go on reading and writing.

Never stops a writer and never changes the store. Left out is what is derived: segments and graphs
are built anew. Invariants: the file stands under its name only when it is whole and on the disk;
the catalog is copied first, so no input in it lacks a feature that was there (only a purge at the
same time can take one away; a sync infers it again).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from localsearch.catalog import input_reads, packs
from localsearch.catalog.catalog import FILE_NAME
from localsearch.catalog.migrations import STORE_FORMAT
from localsearch.catalog.thumbnails import FILE_NAME as THUMBNAILS
from localsearch.catalog.truth import Truth
from localsearch.durable import free_bytes, move, replacing
from localsearch.errors import InputError, LibraryDamaged, LibraryFull, LibraryMissing
from localsearch.exchange import archive
from localsearch.exchange.steps import OnProgress, Steps, never
from localsearch.exchange.workplace import Delete, workplace
from localsearch.records import BackupReport

SPARE_BYTES: Final = 32 << 20
"""Left free beyond what a backup is expected to take: the library grows while it is copied."""

_MADE: Final = "made"  # the file, until it is whole


def backup_store(
    truth: Truth,
    target: Path,
    *,
    delete: Delete,
    replace: bool = False,
    progress: OnProgress = None,
    stop: Callable[[], bool] = never,
) -> BackupReport:
    """Write a backup to `target`; a file that is there is replaced only if told so.

    A link is followed: it may lead to the disk for backups, and would else become a file here.
    Counts in bytes. `delete` deletes a folder. Raises InputError, LibraryFull, LibraryDamaged (the
    catalog is: its last backup is worth more), LibraryMissing, Cancelled.
    """
    target = Path(os.path.realpath(target))
    _check_target(truth.store, target, replace)
    if not truth.catalog.path.is_file():
        raise LibraryMissing(f"{truth.store} is no library any more: it has no catalog")
    complaints = truth.catalog.complaints()
    if complaints:
        raise LibraryDamaged(
            f"{truth.catalog.path} is damaged: {complaints[0]}",
            hint="an older backup is worth more; bring it back with: localsearch recover FILE",
        )
    sizes = {path.name: _size_of(path) for path in _databases(truth)}
    fixed = dict(_pack_files(truth))
    total = sum(sizes.values()) + sum(path.stat().st_size for path in fixed.values())
    copies = _place_of_copies(truth.store, target, total, max(sizes.values()))
    steps = Steps("backup", total, progress, stop)
    with workplace(target, "backup", delete) as made, workplace(copies, "copy", delete) as folder:
        with replacing(made / _MADE) as file, archive.writing(file, steps) as to:
            inputs = _add_databases(truth, to, folder, steps)
            for name, path in fixed.items():
                steps.current = name
                to.add(name, path)
            to.end(_about(truth, inputs))
        move(made / _MADE, target)
    steps.end()
    return BackupReport(target, target.stat().st_size, len(to.members), inputs)


def _check_target(store: Path, target: Path, replace: bool) -> None:
    if target.is_dir():
        raise InputError(f"{target} is a folder", hint="name a file for the backup")
    if target.exists() and not target.is_file():
        raise InputError(f"{target} is no file", hint="a backup is no stream: name a file for it")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent}", hint="make it first")
    if store.resolve() in target.resolve().parents:
        raise InputError(
            f"{target} lies in the library's own folder", hint="keep a backup on another disk"
        )
    if target.exists() and not replace:
        raise InputError(f"{target} is there already", hint="name another file, or replace it")


def _databases(truth: Truth) -> list[Path]:
    found = [truth.catalog.path, truth.features.path, truth.thumbnails.path]
    return [path for path in found if path.is_file()]


def _size_of(path: Path) -> int:
    wal = path.with_name(path.name + "-wal")
    return path.stat().st_size + (wal.stat().st_size if wal.is_file() else 0)


def _pack_files(truth: Truth) -> Iterator[tuple[str, Path]]:
    """(name, file) of the packs that the catalog names and the store keeps."""
    with truth.catalog.reading() as conn:
        found = (packs.of_role(conn, role) for role in ("active", "building", "previous"))
        folders = dict.fromkeys(pack.folder for pack in found if pack is not None)
    for folder in folders:
        for path in sorted((truth.store / folder).glob("*")):
            if path.is_file():
                yield f"{folder}/{path.name}", path


def _place_of_copies(store: Path, target: Path, total: int, largest: int) -> Path:
    """Beside which path the copy of one SQLite file is made: where there is room.

    In the store if it can be: a disk for backups may be a network's, where SQLite fails.
    """
    free = free_bytes(target.parent)
    here = free_bytes(store)
    same_disk = store.stat().st_dev == target.parent.stat().st_dev
    need = total + SPARE_BYTES
    if free < need + (largest if same_disk else 0):
        raise LibraryFull(
            f"a backup needs about {(need + largest) >> 20} MiB in {target.parent}, "
            f"{free >> 20} are free",
            hint="free some space, or name a file on another disk",
        )
    roomy = same_disk or here >= largest + SPARE_BYTES
    if roomy and os.access(store, os.W_OK):
        return store / "copy"
    if free < need + largest:
        raise LibraryFull(f"a backup needs {largest >> 20} MiB more in {store} or {target.parent}")
    return target


def _add_databases(truth: Truth, to: archive.Writer, folder: Path, steps: Steps) -> int:
    """Copy and add the three files, one at a time, the catalog first; gives its inputs."""
    with truth.catalog.reading() as conn:
        inputs = input_reads.count_all(conn)
    for name, copy_to in (
        (FILE_NAME, truth.catalog.copy_to),
        (truth.features.path.name, truth.features.copy_to),
        (THUMBNAILS, truth.thumbnails.copy_to),
    ):
        steps.current = name
        copy = folder / name
        try:
            there = copy_to(copy, steps)
        except LibraryDamaged:
            if name != THUMBNAILS:
                raise
            there = False  # made anew from the photos
        if there is not False:
            to.add(name, copy)
        copy.unlink(missing_ok=True)
    return inputs


def _about(truth: Truth, inputs: int) -> dict[str, Any]:
    with truth.catalog.reading() as conn:
        pack = packs.active(conn)
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "made_at": now,
        "schema": STORE_FORMAT,
        "store": str(truth.store),
        "inputs": inputs,
        "pack": f"{pack.name} {pack.version}" if pack is not None else None,
    }
