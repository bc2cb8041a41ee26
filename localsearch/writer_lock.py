"""The lock of a writer: the operating system's, so that death frees it.

Never keeps readers out and never deletes a lock file. Beside the lock lies a note of its owner,
for messages only: nothing is decided by it. Invariant: at most one holder a path, over all
processes and threads.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from localsearch.deferred import NamedTuple
from localsearch.errors import LibraryBusy, LibraryError, LibraryMissing, LibraryReadOnly

if TYPE_CHECKING:
    from filelock import BaseFileLock

# A publish takes some 50 ms: waiting longer between two tries would waste more than it saves.
_POLL_SECONDS: Final = 0.02
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class Owner(NamedTuple):
    """Who holds a lock, by its own note: process, seconds since 1970, what it does."""

    pid: int
    since: float
    doing: str


class WriterLock:
    """A lock on `path`; any number of threads may try to hold it, one at a time does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def hold(self, timeout: float, doing: str) -> Iterator[None]:
        """Hold the lock for the block. Waits up to `timeout` seconds, then LibraryBusy.

        Not reentrant. LibraryReadOnly where the lock file cannot be made.
        """
        lock = self._acquired(timeout)
        note = _note_path(self.path)
        try:
            with contextlib.suppress(OSError):
                owner = {"pid": os.getpid(), "since": time.time(), "doing": doing}
                note.write_text(json.dumps(owner), encoding="utf-8")
            yield
        finally:
            with contextlib.suppress(OSError):
                note.unlink()
            lock.release()

    def _acquired(self, timeout: float) -> BaseFileLock:
        from filelock import FileLock, SoftFileLock, Timeout

        if not self.path.parent.is_dir():  # filelock would make it
            raise LibraryMissing(f"there is no folder {self.path.parent}")
        # One object a holder: a shared one would count a second thread in as the same holder.
        lock = FileLock(self.path)
        try:
            lock.acquire(timeout=max(timeout, 0.0), poll_interval=_POLL_SECONDS)
        except Timeout:
            raise _busy(self.path) from None
        except NotImplementedError as fault:
            raise _no_locks(self.path) from fault
        except OSError as fault:
            kind = LibraryReadOnly if fault.errno in _READ_ONLY else LibraryError
            raise kind(f"{self.path} cannot be locked: {fault.strerror or fault}") from fault
        if isinstance(lock, SoftFileLock):
            # filelock turned itself into a mere marker file, which would outlive its owner.
            lock.release()
            raise _no_locks(self.path)
        return lock


def owner_of(path: Path) -> Owner | None:
    """The note of whoever holds the lock on `path`, or None; it may be a moment out of date."""
    try:
        note = json.loads(_note_path(path).read_text(encoding="utf-8"))
        owner = Owner(int(note["pid"]), float(note["since"]), str(note["doing"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return owner if _lives(owner.pid) else None


def _lives(pid: int) -> bool:
    """False for a process that died and left its note; True where that cannot be told."""
    if os.name != "posix":  # on Windows this call would end the process
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".owner")


def _busy(path: Path) -> LibraryBusy:
    owner = owner_of(path)
    if owner is None:
        return LibraryBusy(f"another process or thread holds {path}", hint="try again later")
    return LibraryBusy(
        f"process {owner.pid} is busy: {owner.doing}",
        hint="try again when it is done",
        pid=owner.pid,
        since=owner.since,
        doing=owner.doing,
    )


def _no_locks(path: Path) -> LibraryError:
    return LibraryError(
        f"the file system of {path} knows no locks", hint="keep the store on a local disk"
    )
