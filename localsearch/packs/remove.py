"""A pack of the user's own goes, with what began to come of it.

Never touches a pack of the package or of a checkout, never a store: a store keeps its own copy of
what searches need, but for large networks.
"""

from __future__ import annotations

from pathlib import Path

from localsearch.catalog import open_catalog, packs
from localsearch.deferred import dataclass
from localsearch.errors import LocalsearchError, PackError, PackMissing
from localsearch.pack import find
from localsearch.packs import own


@dataclass(frozen=True, slots=True)
class Removable:
    """What a removal would take: the folder of the pack, None where only a part of it came; all
    bytes; the roles that it has in the store that was named (`active`, `building`, `previous`)."""

    name: str
    folder: Path | None
    bytes: int
    roles: tuple[str, ...]


def removable(name: str, store: Path | None = None) -> Removable:
    """What would go, and whether the library in `store` uses it. Changes nothing.

    Raises PackMissing, PackError (not one of the user's own).
    """
    folder = own.own_folder(name)
    there = folder.is_dir()
    parts = own.began(name)
    if not there and not parts:
        raise _not_own(name)
    size = sum(map(_bytes_in, [*parts, *([folder] if there else [])]))
    return Removable(name, folder if there else None, size, _roles(store, name) if store else ())


def remove_pack(name: str) -> None:
    """Remove a pack of the user's own. Raises PackMissing, PackError, LibraryBusy."""
    removable(name)
    with own.changing(name, f"removing the pack {name}") as folder:
        if folder.is_dir():
            own.take_away(folder)
        for part in own.began(name):
            own.drop(part)


def _not_own(name: str) -> PackError:
    try:
        folder = find.find_pack(name)
    except PackMissing as fault:
        return PackMissing(f"there is no pack {name!r} of your own", hint=fault.hint)
    return PackError(
        f"the pack {name} in {folder} came with localsearch and is not yours to remove",
        hint="pip uninstall localsearch removes it with the program",
    )


def _roles(store: Path, name: str) -> tuple[str, ...]:
    """The roles of a pack of that name in a store; none where that cannot be told."""
    roles = {"active": packs.active, "building": packs.building, "previous": packs.previous}
    try:
        catalog = open_catalog(store, read_only=True)
    except LocalsearchError:
        return ()
    try:
        with catalog.reading() as conn:
            rows = {role: row_of(conn) for role, row_of in roles.items()}
    finally:
        catalog.close()
    return tuple(role for role, row in rows.items() if row is not None and row.name == name)


def _bytes_in(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
