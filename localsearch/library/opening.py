"""Finds, creates and opens stores. Never creates one unless it was asked to.

A store is a folder with `catalog.sqlite` in it: `.localsearch` inside a photo folder, or any
folder that was named, so that photo folders may be read-only and lie on other drives.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from localsearch import machine
from localsearch.catalog import Catalog, create_catalog, open_catalog
from localsearch.catalog import packs as pack_rows
from localsearch.catalog.features import open_features
from localsearch.catalog.thumbnails import open_thumbnails
from localsearch.catalog.truth import Truth
from localsearch.errors import (
    InputError,
    LibraryError,
    LibraryMissing,
    LibraryReadOnly,
    PackDamaged,
    PackError,
    PackMissing,
)
from localsearch.library.handle import Library, Options
from localsearch.library.places import AnyPath, absolute
from localsearch.pack import Pack, copy_query_side, find_pack, load_pack

STORE_NAME = ".localsearch"
CATALOG_NAME = "catalog.sqlite"
DEFAULT_PACK = "general"

_log = logging.getLogger("localsearch")


def find_store(start: AnyPath) -> Path | None:
    """The store of `start` or of its nearest parent that has one; None if there is none."""
    here = absolute(start)
    if is_store(here):
        return here
    for folder in (here, *here.parents):
        if is_store(folder / STORE_NAME):
            return folder / STORE_NAME
    return None


def is_store(folder: Path) -> bool:
    """Whether the folder is a store."""
    return (folder / CATALOG_NAME).is_file()


def open(
    path: AnyPath | None = None,
    *,
    store: AnyPath | None = None,
    roots: Mapping[str, AnyPath] | None = None,
    pack: str | None = None,
    provider: str = "auto",
    read_only: bool = False,
    create: bool = True,
    memory: int | None = None,
    threads: int | None = None,
    lock_timeout: float = 10.0,
    thumbnails: bool = True,
) -> Library:
    """Open a library, by default making it on first use.

    `path` is a photo folder, whose store is `.localsearch` inside it, or a store itself. Or give
    `store` (any folder) and `roots` (name -> photo folder; those not yet known are added).
    `pack` chooses the model of a new library; for an existing one it must be the one it has.
    `provider`: "auto", "cpu", "cuda", ... `memory`: bytes that searches and syncs may use.
    `threads`: of inference. `lock_timeout`: seconds to wait for another writer.
    `read_only`: nothing is written, not even locks.

    Raises LibraryMissing (nothing there, and `create` is off), LibraryTooNew, LibraryDamaged,
    PackMissing, PackDamaged, InputError. Opening takes no lock.
    """
    place, wanted = _place(path, store, roots)
    if not is_store(place):
        if read_only or not create:
            raise LibraryMissing(
                f"there is no library in {place}",
                hint=f"make one with `localsearch init {place.parent}`, or name another folder",
            )
        _create(place, pack or DEFAULT_PACK)
    options = Options(
        provider=provider,
        read_only=read_only,
        memory=machine.memory_budget(memory),
        threads=threads,
        lock_timeout=lock_timeout,
        thumbnails=thumbnails,
    )
    library = _open_store(place, pack, options)
    try:
        _add_roots(library, wanted)
    except BaseException:
        library.close()
        raise
    return library


def init(
    path: AnyPath | None = None,
    *,
    store: AnyPath | None = None,
    roots: Mapping[str, AnyPath] | None = None,
    pack: str = DEFAULT_PACK,
) -> Library:
    """Make a new library and open it. Raises InputError if there is one already."""
    place, _ = _place(path, store, roots)
    if is_store(place):
        raise InputError(
            f"there is a library already: {place}", hint="open it, or delete that folder first"
        )
    return open(path, store=store, roots=roots, pack=pack)


def _place(
    path: AnyPath | None, store: AnyPath | None, roots: Mapping[str, AnyPath] | None
) -> tuple[Path, dict[str, Path]]:
    """(store folder, roots that are wanted)."""
    if path is None and store is None:
        raise InputError("give a photo folder, or store=")
    wanted = {name: absolute(folder) for name, folder in (roots or {}).items()}
    if path is not None:
        folder = absolute(path)
        if store is None and is_store(folder):
            return folder, wanted
        if not folder.is_dir():
            raise LibraryMissing(f"{folder} is no folder", hint="name a folder with photos")
        if folder not in wanted.values():
            wanted[_free_name(folder.name or "photos", wanted)] = folder
        if store is None:
            return folder / STORE_NAME, wanted
    assert store is not None
    return absolute(store), wanted


def _free_name(name: str, taken: Mapping[str, Path]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _create(place: Path, pack_name: str) -> None:
    """Make the folder, the catalog, and the store's own copy of its pack; the catalog last."""
    _refuse_network(place)
    pack = load_pack(find_pack(pack_name))
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryReadOnly(
            f"cannot make {place}: {error.strerror}",
            hint="keep the store elsewhere: localsearch init --store DIR",
        ) from error
    folder = copy_query_side(pack, place)
    catalog = create_catalog(place)
    try:
        with catalog.writing("init") as conn:
            if pack_rows.active(conn) is None:
                row = pack_row(pack, folder.relative_to(place).as_posix())
                pack_rows.put(conn, "active", row)
    finally:
        catalog.close()


def _refuse_network(place: Path) -> None:
    kind = machine.file_system_of(place if place.exists() else place.parent)
    if kind.network:
        raise LibraryError(
            f"{place} lies on a network file system ({kind.kind}), where SQLite can lose data",
            hint="keep the store on a local disk: --store DIR; the photos may stay where they are",
        )


def pack_row(pack: Pack, folder: str) -> pack_rows.PackRow:
    """What the catalog keeps of a pack; `folder` is relative to the store."""
    return pack_rows.PackRow(
        name=pack.name,
        version=pack.version,
        encoder_digest=pack.encoder_digest,
        pack_digest=pack.pack_digest,
        folder=folder,
    )


def _open_store(place: Path, wanted_pack: str | None, options: Options) -> Library:
    if not options.read_only:
        _refuse_network(place)
    catalog = open_catalog(place, read_only=options.read_only, lock_timeout=options.lock_timeout)
    try:
        with catalog.reading() as conn:
            active = pack_rows.active(conn)
        if active is None:
            raise PackMissing(f"{place} names no pack", hint="run `localsearch verify`")
        _check_wanted(wanted_pack, active)
        pack, notes = _own_pack(place, active)
        truth = _truth(place, catalog, pack, options)
    except BaseException:
        catalog.close()
        raise
    synced_by = machine.cloud_synced(place)
    if synced_by:
        notes.append(f"the store lies in a folder of {synced_by}: exclude it from syncing")
    return Library(truth, pack, options, notes)


def _check_wanted(wanted: str | None, active: pack_rows.PackRow) -> None:
    """`wanted` is a pack's name or folder; another pack than the library's is an error."""
    if wanted is None or wanted == active.name:
        return
    if load_pack(find_pack(wanted)).name != active.name:
        raise PackError(
            f"this library uses the pack {active.name}, not {wanted}",
            hint=f"to change it: localsearch reindex --pack {wanted}",
        )


def _truth(place: Path, catalog: Catalog, pack: Pack, options: Options) -> Truth:
    timeout = options.lock_timeout
    features = open_features(
        place,
        pack.encoder_digest,
        dimensions=pack.dimensions,
        classes=pack.classes,
        read_only=options.read_only,
        lock_timeout=timeout,
    )
    thumbs = open_thumbnails(place, read_only=options.read_only, lock_timeout=timeout)
    return Truth(place, catalog, features, thumbs)


def _own_pack(place: Path, active: pack_rows.PackRow) -> tuple[Pack, list[str]]:
    """The store's own copy; if that is damaged, the same pack from the program, told in a note."""
    notes: list[str] = []
    try:
        pack = load_pack(place / active.folder)
        if pack.pack_digest == active.pack_digest:
            return pack, notes
        fault = f"{place / active.folder} holds another pack"
    except PackError as error:
        fault = error.message
    _log.warning("the store's copy of its pack cannot be used; looking for another")
    try:
        pack = load_pack(find_pack(active.name))
    except PackError as error:
        raise PackDamaged(fault, hint=f"and no other copy was found: {error.message}") from error
    if pack.pack_digest != active.pack_digest:
        raise PackDamaged(
            fault,
            hint=f"the installed pack {pack.name} {pack.version} is another one; "
            f"restore {active.folder} from a backup, or localsearch reindex",
        )
    notes.append(f"{fault}; the installed copy of {pack.name} is used")
    return pack, notes


def _add_roots(library: Library, wanted: Mapping[str, Path]) -> None:
    """Add folders that are no roots yet; one that came along with its store is no new root."""
    if not wanted or library.read_only:
        return
    library.find_roots_again()
    known = {root.path: root.name for root in library.roots()}
    for name, folder in wanted.items():
        if folder not in known:
            library.add_root(folder, _free_name(name, dict.fromkeys(known.values(), folder)))
