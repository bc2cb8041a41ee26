"""Write, sync, copy, rename: new files under their final names, and the ways to swap one.

The only place that calls `os.fsync` and `os.replace` (SQLite syncs for itself). Never overwrites
a file but in `replace_file`, `replacing` and `move`. Invariant: when a function returns, bytes and
names are on the disk; when it raises, what it had begun is gone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from localsearch.errors import LibraryBusy, LibraryError, LibraryFull, LibraryReadOnly

_CHUNK: Final = 1 << 20

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def _write_faults(path: Path) -> Iterator[None]:
    """Tell a fault of writing `path` in the words of the house."""
    try:
        yield
    except OSError as fault:
        reason = fault.strerror or str(fault)
        if fault.errno in _FULL or getattr(fault, "winerror", None) in {39, 112}:
            raise LibraryFull(
                f"no space left to write {path}", hint="free some space, then try again"
            ) from fault
        if fault.errno in _READ_ONLY:
            raise LibraryReadOnly(f"{path} cannot be written: {reason}") from fault
        raise LibraryError(f"{path} cannot be written: {reason}") from fault


def sync_file(file: IO[Any]) -> None:
    """Bring what was written to `file` to the disk itself. Raises OSError."""
    file.flush()
    if sys.platform == "darwin":
        import fcntl  # macOS: fsync leaves data in the drive's cache, F_FULLFSYNC empties it

        try:
            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
            return
        except OSError:
            pass  # network volumes do not know it: fsync is the best there is
    os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Bring the names in the folder `path` to the disk; nothing where the system cannot."""
    if os.name == "nt":
        return  # Windows opens no folders; NTFS journals its names
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as fault:
        # Some network and FUSE systems sync names by themselves and refuse the call.
        if fault.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}:
            raise
    finally:
        os.close(handle)


def sync_written(path: Path) -> None:
    """Bring a file that other software has written, and its name, to the disk.

    Raises LibraryFull, LibraryReadOnly, LibraryError.
    """
    with _write_faults(path):
        with open(path, "rb+") as file:
            sync_file(file)
        sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make the folder `path` (its parent exists) and sync its name; error if it exists."""
    with _write_faults(path):
        path.mkdir()
        sync_folder(path.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file under its final name, synced with its folder.

    Raises LibraryFull, LibraryReadOnly, LibraryError (also when it exists).
    """
    write_new(path, lambda file: file.write(data))


def write_new(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """The one way a new file comes to be: filled, synced, its folder too.

    A half-written one is removed, whatever `fill` raises.
    """
    made = False
    try:
        with _write_faults(path):
            with open(path, "xb") as file:
                made = True
                fill(file)
                sync_file(file)
            sync_folder(path.parent)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                path.unlink()
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Swap the content of a small state file: after a crash it is wholly old or wholly new."""
    beside = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}.new")
    write_file(beside, data)
    try:
        with _write_faults(path):
            os.replace(beside, path)  # noqa: PTH105 (named in the rule: only here)
            sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path`, synced, when the block ends; else it is gone.

    Raises LibraryFull, LibraryReadOnly, LibraryError, also for an OSError of the block.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}.new")
    try:
        with _write_faults(path):
            with open(beside, "xb") as file:
                yield file
                sync_file(file)
            os.replace(beside, path)  # noqa: PTH105 (named in the rule: only here)
            sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


@contextlib.contextmanager
def continuing(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Gives a function that writes at the end of `path`, which is made if it is absent.

    Unlike all else here, what was written stays when the block raises: it is to be continued.
    Synced when the block ends. Raises LibraryFull, LibraryReadOnly, LibraryError; an OSError of
    the block itself leaves as it is.
    """
    with _write_faults(path):
        file = open(path, "ab")  # noqa: SIM115 (closed below, whatever the block does)

    def write(data: bytes) -> None:
        with _write_faults(path):
            file.write(data)

    try:
        yield write
        with _write_faults(path):
            sync_file(file)
            sync_folder(path.parent)
    finally:
        with _write_faults(path):
            file.close()


def move(old: Path, new: Path) -> None:
    """Give a file or folder another name on the same disk, synced; a file called `new` goes.

    Raises LibraryBusy where it is in use (Windows), LibraryReadOnly, LibraryError.
    """
    with _write_faults(old):
        try:
            os.replace(old, new)  # noqa: PTH105 (named in the rule: only here)
        except PermissionError as fault:
            if os.name == "nt":
                raise LibraryBusy(f"{old} is in use", hint="close what has it open") from fault
            raise
        for folder in dict.fromkeys((new.parent, old.parent)):
            sync_folder(folder)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file to a new name, a mebibyte at a time, synced with its folder."""
    with open(source, "rb") as file:
        write_new(target, lambda made: shutil.copyfileobj(file, made, _CHUNK))


def free_bytes(path: Path) -> int:
    """Bytes that this user can still write on the file system of `path` (it or a parent exists)."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return 2**62  # a system that cannot tell: the write itself will
