"""A library from its backup: written beside, compared, then put in its place.

Never overwrites: a store that is there is set aside under a name that says so. Invariant: the
store's folder is wholly the old one, wholly the new one, or (between two renames) not there, with
both lying beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from localsearch import machine
from localsearch.catalog import changes, graphs, open_catalog, roots, segment_names, settings
from localsearch.catalog.migrations import STORE_FORMAT
from localsearch.durable import free_bytes, make_folder, move
from localsearch.errors import (
    InputError,
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryTooNew,
)
from localsearch.exchange import archive
from localsearch.exchange.steps import OnProgress, Steps, never
from localsearch.exchange.workplace import Delete, workplace
from localsearch.records import Recovered
from localsearch.writer_lock import WriterLock

SPARE_BYTES: Final = 32 << 20
_OURS: Final = ("catalog.sqlite*", "features-*.sqlite*", "thumbs.sqlite*", "segments", "packs")


def recover_store(
    file: Path,
    store: Path | None = None,
    *,
    delete: Delete,
    before_replacing: Callable[[Path], None] = lambda place: None,
    progress: OnProgress = None,
    stop: Callable[[], bool] = never,
) -> Recovered:
    """Write the store of a backup to `store`, by default where it was; gives what was done.

    `before_replacing` is called with the place of a store that will be set aside, before anything
    is written; what it raises ends the recovery.

    Segments and graphs are built by the next sync; until then searches read the features. Raises
    LibraryDamaged (the file is), LibraryTooNew, LibraryFull, LibraryBusy (a sync runs in the store
    that is there), InputError (that folder holds something else), Cancelled.
    """
    with archive.reading(file) as backup:
        _check_version(backup)
        place = _place_of(backup, store)
        total = sum(member.bytes for member in backup.members.values())
        _check_place(place, total)
        if _is_taken(place):
            before_replacing(place)
        steps = Steps("recovery", total, progress, stop)
        with workplace(place, "recover", delete) as folder:
            made = folder / "store"
            _extract(backup, made, steps)
            _make_ready(made, place, moved=str(place) != backup.about.get("store"))
            replaced = _put_in_place(made, place)
        steps.end()
        return Recovered(
            store=place,
            files=len(backup.members),
            bytes=total,
            made_at=str(backup.about.get("made_at", "")),
            replaced=replaced,
        )


def _check_version(backup: archive.Reader) -> None:
    schema = backup.about.get("schema")
    if not isinstance(schema, int) or schema > STORE_FORMAT:
        raise LibraryTooNew(
            f"{backup.path} holds a library of schema version {schema}, this program knows up to "
            f"{STORE_FORMAT}",
            hint="install a newer localsearch; nothing was changed",
        )


def _place_of(backup: archive.Reader, store: Path | None) -> Path:
    if store is not None:
        return store
    place = Path(str(backup.about.get("store", "")))
    if not place.is_absolute() or not place.parent.is_dir():
        raise InputError(
            f"the library of {backup.path} was {place}, and there is no such folder here",
            hint="say where to put it: localsearch recover FILE --store DIR",
        )
    return place


def _check_place(place: Path, total: int) -> None:
    """Raise unless the store may stand there and has room."""
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}", hint="make it first")
    kind = machine.file_system_of(place.parent)
    if kind.network:
        raise LibraryError(
            f"{place} lies on a network file system ({kind.kind}), where SQLite can lose data",
            hint="keep the store on a local disk: --store DIR",
        )
    if (
        place.is_symlink()
        or (place.exists() and not place.is_dir())
        or (_is_taken(place) and not any(any(place.glob(one)) for one in _OURS))
    ):
        raise InputError(f"{place} is there, and is no library", hint="name another --store DIR")
    free = free_bytes(place.parent)
    if free < total + SPARE_BYTES:
        raise LibraryFull(
            f"a recovery needs about {(total + SPARE_BYTES) >> 20} MiB in {place.parent}, "
            f"{free >> 20} are free",
            hint="free some space, or name another --store DIR",
        )


def _is_taken(place: Path) -> bool:
    return place.is_dir() and any(place.iterdir())


def _extract(backup: archive.Reader, made: Path, steps: Steps) -> None:
    make_folder(made)
    for name in backup.members:
        steps.current = name
        target = made / name  # names are those of a backup only: see `archive`
        for parent in [*reversed(target.relative_to(made).parents)][1:]:
            if not (made / parent).is_dir():
                make_folder(made / parent)
        backup.extract(name, target, steps)


def _make_ready(made: Path, place: Path, *, moved: bool) -> None:
    """Let the catalog name no derived file, and its photo folder be where it is.

    `moved`: it goes elsewhere than where it was backed up. Else it lies in its photo folder as it
    did, whatever the catalog, which only a sync tells of a move, takes for that folder's path.
    """
    catalog = open_catalog(made)
    try:
        with catalog.writing("recover") as conn:
            names = [row.name for row in segment_names.named(conn)]
            if names:
                segment_names.name_segments(conn, [], names)
            segment_names.forget_dropped(conn, segment_names.dropped(conn))
            graphs.forget_all(conn)
            changes.begin_anew(conn)
            home = settings.value(conn, roots.HOME_SETTING)
            root = roots.by_key(conn, home) if home is not None else None
            if moved and root is not None and _stays(Path(os.fsdecode(root.path)), place):
                settings.forget(conn, roots.HOME_SETTING)
    finally:
        catalog.close()


def _stays(photos: Path, place: Path) -> bool:
    """Whether the photo folder that the store lay in is where it was, and the store goes elsewhere.

    If it is not there it has come along with the store, as on another computer.
    """
    return place.parent != photos and photos.is_dir()


def _put_in_place(made: Path, place: Path) -> Path | None:
    """Rename the new store to its place; gives where the one before it lies now."""
    aside = None
    if place.is_dir() and not _is_taken(place):
        place.rmdir()
    elif place.is_dir():
        _refuse_at_work(place)
        aside = _free_name(place)
        move(place, aside)
    try:
        move(made, place)
    except BaseException:
        if aside is not None:
            move(aside, place)
        raise
    return aside


def _refuse_at_work(place: Path) -> None:
    """LibraryBusy while a sync writes there. Only looked: on Windows a held lock cannot move."""
    try:
        with WriterLock(place / "sync.lock").hold(0.0, "recover"):
            return
    except LibraryReadOnly:
        return  # so nobody syncs there


def _free_name(place: Path) -> Path:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{place.name}-replaced-{now}"
    number = 1
    while place.with_name(name).exists():
        number += 1
        name = f"{place.name}-replaced-{now}-{number}"
    return place.with_name(name)
