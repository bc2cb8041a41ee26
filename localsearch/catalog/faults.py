"""SQLite's faults in the words of the house: a table from error code to error class.

Never opens a file. Invariant: whatever `sqlite3` raises has an answer here, and it names the file.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from localsearch.durable import free_bytes
from localsearch.errors import (
    LibraryBusy,
    LibraryClosed,
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryMissing,
    LibraryReadOnly,
)

NO_SPACE_BYTES = 1 << 20
"""Below this an I/O fault is called a full disk: SQLite reports some of those as plain faults."""

LOCKS = ("sync.lock", "publish.lock")
"""Locks beside the file whose holders write into it; frozen."""

_RESTORE = "restore it from a backup: localsearch recover FILE"

_FAULTS: dict[int, tuple[type[LibraryError], str, str]] = {
    sqlite3.SQLITE_BUSY: (
        LibraryBusy,
        "{file} is being written by another process",
        "try again, or raise lock_timeout",
    ),
    sqlite3.SQLITE_LOCKED: (LibraryBusy, "{file} is in use", "try again"),
    sqlite3.SQLITE_FULL: (
        LibraryFull,
        "no space is left for {file}",
        "free some space: what was committed is safe",
    ),
    sqlite3.SQLITE_READONLY: (
        LibraryReadOnly,
        "{file} cannot be written",
        "open the library with read_only=True",
    ),
    sqlite3.SQLITE_CORRUPT: (
        LibraryDamaged,
        "{file} is damaged: {cause}",
        _RESTORE,
    ),
    sqlite3.SQLITE_NOTADB: (
        LibraryDamaged,
        "{file} is no SQLite file",
        _RESTORE,
    ),
    sqlite3.SQLITE_IOERR: (
        LibraryError,
        "{file} cannot be read or written: {cause}",
        "look at the drive",
    ),
    sqlite3.SQLITE_CANTOPEN: (LibraryError, "{file} cannot be opened", "look at its permissions"),
    sqlite3.SQLITE_PERM: (LibraryReadOnly, "{file} cannot be opened for writing", ""),
}


def in_our_words(error: sqlite3.Error, path: Path) -> LibraryError:
    """The error to raise instead of `error`, which `path` gave."""
    code = int(getattr(error, "sqlite_errorcode", 0))
    row = _FAULTS.get(code & 0xFF)
    special = _special(error, code, path)
    if special is not None:
        return special
    if row is None:
        return LibraryError(f"{path}: {error}")
    kind, message, hint = row
    return kind(message.format(file=path, cause=error), hint=hint)


def _special(error: sqlite3.Error, code: int, path: Path) -> LibraryError | None:
    """Faults whose meaning depends on more than the code."""
    if "closed database" in str(error):
        return LibraryClosed(f"{path.parent} was closed", hint="open the library again")
    if "Could not decode to UTF-8" in str(error):
        return LibraryDamaged(f"{path} is damaged: {error}", hint=_RESTORE)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return LibraryMissing(f"{path} was moved or deleted while it was open")
    if code & 0xFF == sqlite3.SQLITE_BUSY:
        return _busy(path)
    if code & 0xFF == sqlite3.SQLITE_CANTOPEN:
        return _cannot_open(path)
    if code & 0xFF == sqlite3.SQLITE_IOERR and _no_space(path):
        return LibraryFull(f"no space is left for {path}", hint="free some space")
    return None


def _busy(path: Path) -> LibraryBusy | None:
    """SQLite does not tell who writes; a process that syncs or publishes has left a note."""
    from localsearch.writer_lock import owner_of

    owners = (owner_of(path.with_name(name)) for name in LOCKS)
    owner = next((one for one in owners if one is not None), None)
    if owner is None:
        return None
    return LibraryBusy(
        f"{path} is being written, most likely by process {owner.pid}: {owner.doing}",
        hint="try again, or raise lock_timeout",
        pid=owner.pid,
        since=owner.since,
        doing=owner.doing,
    )


def _cannot_open(path: Path) -> LibraryError | None:
    if not path.parent.is_dir() or (os.access(path.parent, os.W_OK) and not path.exists()):
        return LibraryMissing(f"there is no {path}", hint="make a library with: init")
    if not os.access(path.parent, os.W_OK):
        return LibraryReadOnly(
            f"{path.parent} cannot be written", hint="open the library with read_only=True"
        )
    return None


def _no_space(path: Path) -> bool:
    try:
        return free_bytes(path.parent) < NO_SPACE_BYTES
    except OSError:
        return False
