"""The photo folders of a library: added, moved, looked for where they are today."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from localsearch.catalog import roots as root_rows
from localsearch.catalog import settings
from localsearch.catalog.roots import RootRow
from localsearch.errors import InputError, LibraryMissing
from localsearch.library.parts import Parts
from localsearch.log import logger
from localsearch.records import Root
from localsearch.sync import finish
from localsearch.sync.roots import FoundRoot, find_root, identity_of, overlapping

_log = logger()


def found_roots(parts: Parts, names: Iterable[str] | None = None) -> list[FoundRoot]:
    """The roots of these names (all if None), each with the place where it is now."""
    with parts.truth.catalog.reading() as conn:
        rows = root_rows.all_roots(conn)
    if names is not None:
        wanted = list(names)
        _check_known(wanted, rows)
        rows = [row for row in rows if row.name in wanted]
    with parts.truth.catalog.reading() as conn:
        home = settings.value(conn, root_rows.HOME_SETTING)
    store = parts.truth.store
    return [find_root(row, store, home=row.key == home) for row in rows]


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
    taken = {row.name for row in rows}
    chosen = _free_name(name or printable_name(path), taken, name is not None)
    volume_id, volume_path = identity_of(path)
    with parts.truth.catalog.writing("roots") as conn:
        key = root_rows.put(
            conn,
            name=chosen,
            path=os.fsencode(path),
            volume_id=volume_id,
            volume_path=volume_path,
            ignore=tuple(ignore or ()),
        )
        if path == parts.truth.store.parent:
            settings.put(conn, root_rows.HOME_SETTING, key)


def printable_name(path: Path) -> str:
    """A name for the root of a folder: the folder's, without what cannot be printed."""
    name = "".join(
        c if c.isprintable() else "_" for c in os.fsencode(path.name).decode("utf-8", "replace")
    )
    return name or "photos"


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
