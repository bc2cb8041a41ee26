"""A folder for files that are being made, beside where they will stand; gone when the work ends.

Never touches anything but folders of its own kind. Invariant: a folder whose maker is at work is
locked by the operating system; one that a killed process left is not, and the next one deletes it.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from localsearch.durable import make_folder
from localsearch.errors import LibraryBusy, LibraryError, LibraryMissing, LibraryReadOnly
from localsearch.writer_lock import WriterLock

Delete = Callable[[Path], bool]
"""Deletes a folder with what is in it; False: it is in use, so later."""

LOCK: Final = "at-work.lock"

_TRIES: Final = 5


@contextlib.contextmanager
def workplace(beside: Path, word: str, delete: Delete) -> Iterator[Path]:
    """A new folder beside a path; `word` tells what for. Deletes what killed ones left there."""
    stem = f".{beside.name.lstrip('.')}.{word}-"
    for left in beside.parent.glob(f"{_literally(stem)}????????"):
        if _is_left(left):
            _delete(left, delete)
    folder = beside.parent / f"{stem}{secrets.token_hex(4)}"
    try:
        with contextlib.ExitStack() as held:
            _make(folder, beside, word, held)
            yield folder
    finally:
        _delete(folder, delete)


def _make(folder: Path, beside: Path, word: str, held: contextlib.ExitStack) -> None:
    """Make the folder and lock it; again where it was swept before it was locked."""
    for _ in range(_TRIES):
        try:
            make_folder(folder)
        except LibraryReadOnly as fault:  # nobody has heard of this folder
            told = fault.message.replace(str(folder), str(beside.parent))
            raise LibraryReadOnly(told, hint="name another place") from fault
        try:
            held.enter_context(WriterLock(folder / LOCK).hold(0.0, word))
            return
        except LibraryMissing:
            continue
        except LibraryError:
            return  # a disk for backups may know no locks: then nothing is swept there either


def _delete(folder: Path, delete: Delete) -> None:
    """What is in it before its lock: killed in the middle, it is still known as left, or empty."""
    with contextlib.suppress(OSError):
        for each in folder.iterdir():
            if each.name != LOCK:
                delete(each)
    delete(folder)


def _is_left(folder: Path) -> bool:
    """Whether nobody works there any more."""
    if not (folder / LOCK).is_file():
        # Killed before it was locked, or as the last thing was deleted; one that is being made
        # this moment is made again.
        with contextlib.suppress(OSError):
            folder.rmdir()
        return False
    try:
        with WriterLock(folder / LOCK).hold(0.0, "looking for leftovers"):
            return True
    except (LibraryBusy, LibraryError):
        return False


def _literally(text: str) -> str:
    """A text as a glob that matches just it."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in text)
