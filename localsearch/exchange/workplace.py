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
from localsearch.errors import LibraryBusy, LibraryError, LibraryReadOnly
from localsearch.writer_lock import WriterLock

Delete = Callable[[Path], bool]
"""Deletes a folder with what is in it; False: it is in use, so later."""

LOCK: Final = "at-work.lock"


@contextlib.contextmanager
def workplace(beside: Path, word: str, delete: Delete) -> Iterator[Path]:
    """A new folder beside a path; `word` tells what for. Deletes what killed ones left there."""
    stem = f".{beside.name.lstrip('.')}.{word}-"
    for left in beside.parent.glob(f"{_literally(stem)}????????"):
        if _is_left(left):
            delete(left)
    folder = beside.parent / f"{stem}{secrets.token_hex(4)}"
    try:
        make_folder(folder)
    except LibraryReadOnly as fault:  # nobody has heard of this folder
        told = fault.message.replace(str(folder), str(beside.parent))
        raise LibraryReadOnly(told, hint="name another place") from fault
    try:
        with contextlib.ExitStack() as held:
            # A disk for backups may know no locks: then nothing is swept there either.
            with contextlib.suppress(LibraryError):
                held.enter_context(WriterLock(folder / LOCK).hold(0.0, word))
            yield folder
    finally:
        delete(folder)


def _is_left(folder: Path) -> bool:
    """Whether nobody works there any more."""
    if not (folder / LOCK).is_file():
        return False
    try:
        with WriterLock(folder / LOCK).hold(0.0, "looking for leftovers"):
            return True
    except (LibraryBusy, LibraryError):
        return False


def _literally(text: str) -> str:
    """A text as a glob that matches just it."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in text)
