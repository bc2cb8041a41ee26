"""What a name leads to before a pack takes it, and the last look at a pack before it does.

Changes nothing. Invariant: no pack takes the name of a different one unless that was said.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from localsearch.durable import free_bytes
from localsearch.errors import LibraryFull, PackDamaged, PackError, PackMissing
from localsearch.pack import Pack, find, load_pack
from localsearch.pack.manifest import Manifest, read_manifest
from localsearch.packs.own import own_place

_ROOM = 16 << 20  # bytes that a disk keeps free for what else happens on it


def is_installed(name: str, pack_digest: str) -> bool:
    """Whether a name leads to this very pack, by its manifest."""
    try:
        return read_manifest(find.find_pack(name)).pack_digest == pack_digest
    except PackError:
        return False


def is_there(name: str, pack_digest: str, *, replace: bool) -> Path | None:
    """The folder of this very pack where it is installed and whole; None: it may take its name.

    Raises PackError where another pack has the name, unless `replace`.
    """
    try:
        folder = find.find_pack(name)
        there = read_manifest(folder)
    except PackDamaged:
        return None  # of no use to anybody
    except PackMissing:
        return None
    if there.pack_digest == pack_digest:
        with contextlib.suppress(PackError):
            load_pack(folder, check="whole")
            return folder
        return None
    if not replace:
        raise _taken(there, folder)
    return None


def _taken(there: Manifest, folder: Path) -> PackError:
    told = f"another pack is called {there.name}: version {there.version} in {folder}"
    if folder.parent != own_place():
        return PackError(
            told, hint="with --replace the new one hides it until: localsearch packs remove"
        )
    return PackError(
        told,
        hint="with --replace it goes; a library that uses it then needs: localsearch reindex",
    )


def check_room(folder: Path, needed: int) -> None:
    """Raise LibraryFull where `needed` bytes more would not fit."""
    free = free_bytes(folder)
    if needed and free < needed + _ROOM:
        raise LibraryFull(
            f"the pack needs {needed:,} bytes more in {folder}, {free:,} are free",
            hint="free some space, then try again",
        )


def looked_through(folder: Path, name: str, pack_digest: str) -> Pack:
    """The pack that came, every byte compared, and its tables read once. Raises PackDamaged."""
    pack = load_pack(folder, check="whole")
    for what, expected, found in (
        ("is called", name, pack.name),
        ("has the digest", pack_digest, pack.pack_digest),
    ):
        if expected != found:
            raise PackDamaged(
                f"the pack that came {what} {found}, expected {expected}",
                hint="nothing was installed",
            )
    len(pack.vocabulary)
    len(pack.floors)
    return pack
