"""The user's own packs: one folder, in which a pack stands whole under its name or not at all.

What is coming and what is going lies in folders with a dot, one level lower than where packs are
looked for, so that nobody takes half a pack for one. Never touches packs of the package or of a
checkout. Invariant: after a crash at any point a name leads to the old pack or to the new one, as
soon as the next change of that name has begun.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from localsearch.durable import make_folder, move
from localsearch.errors import InputError, LibraryError, PackError
from localsearch.log import logger
from localsearch.pack import find
from localsearch.pack.manifest import MANIFEST
from localsearch.writer_lock import WriterLock

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_COMING, _GOING = ".coming", ".going"


def own_place() -> Path:
    """The folder of the user's own packs; it may not be there yet."""
    return find.pack_places()[0]


def own_folder(name: str) -> Path:
    """Where the user's own pack of a name is or would be. Raises InputError for no name."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name of a pack",
            hint="small letters, digits, '-', '_' and '.' make one",
        )
    return own_place() / name


@contextlib.contextmanager
def changing(name: str, doing: str, place: Path | None = None) -> Iterator[Path]:
    """Gives the folder of a pack's name while nobody else changes it. Raises LibraryBusy.

    In the user's own place, or in another `place`.
    """
    folder = own_folder(name) if place is None else place / own_folder(name).name
    _ensure(folder.parent)
    with WriterLock(folder.with_name(f".{name}.lock")).hold(0.0, doing):
        _settle(folder)
        yield folder


def coming_path(name: str, what: str, place: Path | None = None) -> Path:
    """The folder for the files of a pack that comes; same `what` (no dash), same folder."""
    return (place or own_place()) / _COMING / f"{name}-{what}"


def coming_folder(name: str, what: str, place: Path | None = None) -> Path:
    """The same, made if it is absent."""
    folder = coming_path(name, what, place)
    _ensure(folder)
    return folder


def began(name: str) -> list[Path]:
    """The folders of packs of that name that began to come, of any version."""
    with contextlib.suppress(OSError):
        # What follows the name has no dash in it, so that `clip` is not `clip-large`.
        places = (own_place() / _COMING).iterdir()
        return sorted(one for one in places if one.name.rpartition("-")[0] == name)
    return []


def put(coming: Path, folder: Path) -> None:
    """Give a whole pack its name; the one that had it goes. Inside `changing` only.

    Raises LibraryBusy where a file of the old one is in use (Windows), LibraryError.
    """
    old = _set_aside(folder) if os.path.lexists(folder) else None
    try:
        move(coming, folder)
    except BaseException:
        if old is not None:
            move(old, folder)
        raise
    if old is not None:
        leave(old)


def take_away(folder: Path) -> None:
    """Remove a pack. Inside `changing` only. Raises LibraryBusy, LibraryError."""
    drop(_set_aside(folder))


def drop(folder: Path) -> None:
    """Delete a folder that has no name any more; of a link only the link."""
    try:
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except OSError as fault:
        raise PackError(f"{folder} cannot be deleted: {fault.strerror or fault}") from fault


def leave(folder: Path) -> None:
    """Delete a folder that nobody needs; one that cannot be goes with the next change."""
    try:
        drop(folder)
    except PackError as fault:
        logger().info("%s", fault.message)


def _set_aside(folder: Path) -> Path:
    aside = folder.parent / _GOING / folder.name
    _ensure(aside.parent)
    drop(aside)
    move(folder, aside)
    return aside


def _settle(folder: Path) -> None:
    """End what a crash left: an old pack whose new one never got the name has it back."""
    aside = folder.parent / _GOING / folder.name
    if not os.path.lexists(aside):
        return
    if not os.path.lexists(folder) and (aside / MANIFEST).is_file():
        move(aside, folder)
    else:
        drop(aside)


def _ensure(folder: Path) -> None:
    """Make a folder and those above it."""
    if folder.is_dir():
        return
    if folder != folder.parent:
        _ensure(folder.parent)
    try:
        make_folder(folder)
    except LibraryError:
        if not folder.is_dir():  # else another process was first
            raise
