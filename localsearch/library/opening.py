"""Finds, creates and opens stores. Never creates one unless it was asked to.

A store is a folder with `catalog.sqlite` in it: `.localsearch` inside a photo folder, or any
folder that was named, so that photo folders may be read-only and lie on other drives.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from localsearch import machine
from localsearch.catalog import Catalog, create_catalog, open_catalog
from localsearch.catalog import packs as pack_rows
from localsearch.catalog import roots as root_rows
from localsearch.catalog.catalog import check_not_lost, has_lost_catalog
from localsearch.catalog.features import open_features
from localsearch.catalog.thumbnails import Thumbnails, no_thumbnails, open_thumbnails
from localsearch.catalog.truth import Truth
from localsearch.errors import (
    InputError,
    LibraryError,
    LibraryFull,
    LibraryMissing,
    LibraryReadOnly,
    PackDamaged,
    PackError,
    PackMissing,
)
from localsearch.library.handle import Library
from localsearch.library.opened_with import (
    Options,
    Wanted,
    check_folders,
    check_numbers,
    folder_of,
    graph_word,
    named_folders,
    no_folder,
    provider_word,
)
from localsearch.library.places import AnyPath, absolute
from localsearch.log import logger
from localsearch.pack import Pack, copy_query_side, find_pack, load_pack

if TYPE_CHECKING:
    from localsearch.records import Root

STORE_NAME = ".localsearch"
CATALOG_NAME = "catalog.sqlite"
DEFAULT_PACK = "general"


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
    graph: str = "auto",
    one_shot: bool = False,
) -> Library:
    """Open a library, by default making it on first use.

    `path` is a photo folder, whose store is `.localsearch` inside it, or a store itself. Or give
    `store` (any folder) and `roots` (name -> photo folder; those not yet known are added, and one
    that is offline is moved to the folder given). `pack` (a name or folder) chooses the model of a
    new library; an existing one has its own: `Library.reindex` moves it to another.
    `provider` runs the networks, once one is needed: "cpu", "cuda", "tensorrt", "coreml",
    "directml" or "openvino", or an error says why it cannot; "auto" takes CUDA where it works, else
    the CPU, and `status` tells why. `memory`: bytes that searches and syncs may use.
    `threads`: of inference. `lock_timeout`: seconds to wait for another writer.
    `graph`: a graph makes visual searches of large libraries quicker; "auto" builds one from
    20,000 photos on and loads it where it fits `memory`, "always" at any size, "never" neither.
    `read_only`: nothing is written, not even locks. `one_shot`: for a process that asks once and
    ends; a pack's text network is there in a fifth of the time, and each text takes twice as long.

    Takes no lock. Raises LibraryMissing (nothing there, and `create` is off; no such photo folder),
    LibraryTooNew, LibraryDamaged, LibraryFull, PackMissing, PackDamaged, InputError.
    """
    check_numbers(memory, threads, lock_timeout)
    mode, runs_on = graph_word(graph), provider_word(provider)
    place, wanted = _place(path, store, roots)
    if not is_store(place):
        _begin(place, wanted, pack, create and not read_only)
    options = Options(
        provider=runs_on,
        read_only=read_only,
        memory=machine.memory_budget(memory),
        threads=threads,
        lock_timeout=lock_timeout,
        thumbnails=thumbnails,
        graph=mode,
        memory_asked=memory,
        one_shot=one_shot,
    )
    try:
        library = _open_store(place, pack, options)
    except LibraryFull as fault:
        raise fault if read_only else _full(fault) from fault
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
    """Make a new library and open it. Raises InputError if there is one already, PackMissing."""
    place, _ = _place(path, store, roots)
    if is_store(place):
        raise InputError(
            f"there is a library already: {place}",
            hint="open it, or delete that folder first; it comes to another pack by: "
            f"localsearch reindex --pack {pack}",
        )
    return open(path, store=store, roots=roots, pack=pack)


def _place(
    path: AnyPath | None, store: AnyPath | None, roots: Mapping[str, AnyPath] | None
) -> tuple[Path, Wanted]:
    """(store folder, roots that are wanted)."""
    if path is None and store is None:
        raise InputError("give a photo folder, or store=")
    named = named_folders(roots)
    place = None if store is None else folder_of(store, "store")
    if path is None:
        assert place is not None
        return place, Wanted(named)
    folder = folder_of(path, "path")
    if place is None and (is_store(folder) or has_lost_catalog(folder)):
        return folder, Wanted(named)
    if not folder.is_dir():
        raise no_folder(folder)
    wanted = Wanted(named, None if folder in named.values() else folder)
    return place or folder / STORE_NAME, wanted


def _begin(place: Path, wanted: Wanted, pack: str | None, create: bool) -> None:
    """Make a store where there is none, if that is allowed and all folders are there."""
    check_not_lost(place)
    if not create:
        raise LibraryMissing(
            f"there is no library in {place}",
            hint=f"make one with `localsearch init {place.parent}`, or name another folder",
        )
    check_folders(wanted.folders)
    _create(place, pack or DEFAULT_PACK)


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
    truth, pack, notes = _opened(place, wanted_pack, options)
    return Library(truth, pack, options, notes, again=partial(_opened, place, None, options))


def _opened(
    place: Path, wanted_pack: str | None, options: Options
) -> tuple[Truth, Pack, list[str]]:
    """What a handle stands on, with the pack that is active now, and what there is to tell."""
    catalog = open_catalog(place, read_only=options.read_only, lock_timeout=options.lock_timeout)
    try:
        with catalog.reading() as conn:
            active, era = pack_rows.active(conn), pack_rows.era(conn)
        if active is None:
            raise PackMissing(f"{place} names no pack", hint="run `localsearch verify`")
        _check_wanted(wanted_pack, active)
        pack, notes = _own_pack(place, active)
        catalog.stand_on(active.pack_digest, era)
        truth = _truth(place, catalog, pack, options)
    except BaseException:
        catalog.close()
        raise
    if truth.thumbnails.note:
        notes.append(truth.thumbnails.note)
    synced_by = machine.cloud_synced(place)
    if synced_by:
        notes.append(f"the store lies in a folder of {synced_by}: exclude it from syncing")
    return truth, pack, notes


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
    try:
        return Truth(place, catalog, features, _thumbnails(place, options))
    except BaseException:
        features.close()
        raise


def _thumbnails(place: Path, options: Options) -> Thumbnails:
    """Where there are none and none may be made, photos are shown from their files."""
    try:
        return open_thumbnails(
            place, read_only=options.read_only, lock_timeout=options.lock_timeout
        )
    except LibraryMissing:
        if not options.read_only:
            raise
        return no_thumbnails(place)


def _full(fault: LibraryFull) -> LibraryFull:
    """SQLite writes small files even to open a library that will change."""
    return LibraryFull(
        fault.message,
        hint="nothing was lost; free some space, or open it with read_only=True: "
        "searching needs no space",
    )


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
    logger().warning("the store's copy of its pack cannot be used; looking for another")
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


def _add_roots(library: Library, wanted: Wanted) -> None:
    """Add folders that are no roots yet; one that came along with its store is no new root.

    A name that was given means that root: never a second one beside it. All is checked first.
    """
    if library.read_only or not wanted.folders or _is_root_already(library, wanted):
        return
    library.find_roots_again()
    roots = {root.name: root for root in library.roots()}
    places = {root.path.resolve() for root in roots.values()}
    new = {
        name: folder
        for name, folder in wanted.named.items()
        if not _stands(roots.get(name), folder, places)
    }
    for name, folder in new.items():
        if name in roots and roots[name].online:
            raise _elsewhere(roots[name], folder)
        if not folder.is_dir():
            raise no_folder(folder)
    for name, folder in new.items():
        if name in roots:
            library.move_root(name, folder)
        else:
            library.add_root(folder, name)
    if wanted.unnamed is not None and wanted.unnamed.resolve() not in places:
        library.add_root(wanted.unnamed)


def _is_root_already(library: Library, wanted: Wanted) -> bool:
    """Whether the only folder is a root, in its old place: then nothing need be looked for."""
    with library._parts.truth.catalog.reading() as conn:
        known = {os.fsdecode(root.path) for root in root_rows.all_roots(conn)}
    return not wanted.named and str(wanted.unnamed) in known


def _stands(root: Root | None, folder: Path, places: set[Path]) -> bool:
    """Whether the root of a name is at `folder`, or that is a root of another name already."""
    place = folder.resolve()
    return place in places if root is None else place == root.path.resolve()


def _elsewhere(root: Root, folder: Path) -> InputError:
    return InputError(
        f"the root {root.name} is at {root.path}, not at {folder}",
        hint=f"if the photos have moved: library.move_root({root.name!r}, {str(folder)!r}), "
        f"or localsearch roots move {root.name} {folder}; else choose another name",
    )
