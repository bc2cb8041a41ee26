"""Write, sync, read checked: how bytes reach the disk and how damage is noticed on the way back.

The only place that calls `os.fsync` and `os.replace` (SQLite syncs for itself). Never decides
what is written or when it may be deleted, and never repairs: damage is an error with a name.

Invariant: when a function that writes returns, the bytes and the names survive a loss of power;
when a `BlockFile` hands out bytes, their checksums were compared.

A *block file* is one header, one directory (JSON) and named blocks. The layout is frozen:

    0   8  magic b"LSBLOCKS"          8  4  format, uint32 = 1      12  4  zero
    16  8  directory length, uint64   24  8  file length, uint64
    32 32  blake3 of the directory    64 32  blake3 of the 64 bytes before
    96     directory: {"meta": {...}, "blocks": [[name, offset, length, "hex of page digests"]]},
           filled with blanks to a multiple of 64; offsets count from its end
    then the blocks, each filled with zeros to a multiple of 64

A page is 1 MiB of a block; its digest is the first 16 bytes of its blake3. Little-endian.
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
import shutil
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from blake3 import blake3

from localsearch.errors import LibraryError, LibraryFull, LibraryReadOnly, LibrarySegmentDamaged

if TYPE_CHECKING:
    import numpy.typing as npt

MAGIC: Final = b"LSBLOCKS"  # frozen
FORMAT: Final = 1  # frozen: a reader refuses every other number
PAGE: Final = 1 << 20  # frozen: what one digest covers; a touch of one row checks 1 MiB, ~0.3 ms
ALIGN: Final = 64  # frozen: a cache line, so that vectors may be read where they lie
_DIGEST: Final = 16  # frozen: bytes kept of a page's blake3
_HEADER: Final = struct.Struct("<8sIIQQ32s")
_HEADER_LENGTH: Final = _HEADER.size + 32
_CHUNK: Final = 1 << 20

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
# What says "this process or machine is short of something", never "this file is bad".
_SHORT = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


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


def make_folder(path: Path) -> None:
    """Make the folder `path` (its parent exists) and sync its name; error if it exists."""
    with _write_faults(path):
        path.mkdir()
        sync_folder(path.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file under its final name, synced with its folder.

    Raises LibraryFull, LibraryReadOnly, LibraryError (also when it exists).
    """
    _write_new(path, (data,))


def _write_new(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """The one way a new file comes to be: chunks, sync, folder. A half-written one is removed."""
    made = False
    try:
        with _write_faults(path):
            with open(path, "xb") as file:
                made = True
                for chunk in chunks:
                    file.write(chunk)
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
    _write_new(beside, (data,))
    try:
        with _write_faults(path):
            os.replace(beside, path)  # noqa: PTH105 (named in the rule: only here)
            sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def copy_file(source: Path, target: Path) -> None:
    """Copy a file to a new name, a mebibyte at a time, synced with its folder."""

    def chunks() -> Iterator[bytes]:
        while chunk := file.read(_CHUNK):
            yield chunk

    with open(source, "rb") as file:
        _write_new(target, chunks())


def free_bytes(path: Path) -> int:
    """Bytes that this user can still write on the file system of `path` (it or a parent exists)."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return 2**62  # a system that cannot tell: the write itself will


# ---------------------------------------------------------------- block files


def write_blocks(
    path: Path, meta: Mapping[str, Any], blocks: Mapping[str, bytes | memoryview | npt.NDArray[Any]]
) -> None:
    """Write a new block file, synced with its folder; `meta` is JSON. Copies no block.

    Arrays must be contiguous. Raises LibraryFull, LibraryReadOnly, LibraryError.
    """
    views = {name: _bytes_of(block) for name, block in blocks.items()}
    rows, at = [], 0
    for name, view in views.items():
        rows.append([name, at, len(view), b"".join(_page_digests(view)).hex()])
        at += len(view) + -len(view) % ALIGN
    directory = json.dumps({"meta": meta, "blocks": rows}).encode()
    directory += b" " * (-(_HEADER_LENGTH + len(directory)) % ALIGN)
    total = _HEADER_LENGTH + len(directory) + at
    head = _HEADER.pack(MAGIC, FORMAT, 0, len(directory), total, blake3(directory).digest())

    def chunks() -> Iterator[bytes | memoryview]:
        yield head + blake3(head).digest() + directory
        for view in views.values():
            yield view
            yield bytes(-len(view) % ALIGN)

    _write_new(path, chunks())


def _bytes_of(block: bytes | memoryview | npt.NDArray[Any]) -> memoryview:
    view = memoryview(cast("bytes", block))  # arrays are buffers too, which 3.11 cannot type
    return view.cast("B") if view.nbytes else memoryview(b"")


def _page_digests(view: memoryview) -> Iterator[bytes]:
    for start in range(0, len(view), PAGE):
        yield blake3(view[start : start + PAGE]).digest(length=_DIGEST)


@dataclass(slots=True)
class _Block:
    """Where a block lies, the digests of its pages, and which pages were compared (1)."""

    view: memoryview
    digests: bytes
    checked: bytearray
    whole: bool = False


class BlockFile:
    """An open block file; made by `open_blocks`. Its file never changes while it is named.

    Any thread may read. Each page is compared with its digest at first touch. `close` gives the
    mapping back as soon as no view of it is held any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._map: mmap.mmap | bytes = _read_or_map(path)
        self._stamp = _stamp_of(path)
        whole = memoryview(self._map)
        directory, data = _checked_directory(path, whole)
        try:
            self.meta: dict[str, Any] = directory["meta"]
            self._blocks = {
                name: _cut(path, data, name, offset, length, bytes.fromhex(digests))
                for name, offset, length, digests in directory["blocks"]
            }
        except (KeyError, TypeError, ValueError) as fault:
            raise _damaged(path, "its directory makes no sense", str(fault)) from fault

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the blocks, in the order they were written."""
        return tuple(self._blocks)

    def block(self, name: str) -> memoryview:
        """A whole block, checked. Raises LibrarySegmentDamaged."""
        block = self._block(name)
        if not block.whole:
            self._check_pages(name, block, range(len(block.checked)))
            block.whole = True
        return block.view

    def part(self, name: str, start: int, stop: int) -> memoryview:
        """The bytes [start, stop) of a block; only the pages they lie in are checked."""
        block = self._block(name)
        if not 0 <= start <= stop <= len(block.view):
            raise _damaged(self.path, f"block {name} ends early", f"{start}:{stop} asked")
        if not block.whole and stop > start:
            self._check_pages(name, block, range(start // PAGE, (stop - 1) // PAGE + 1))
        return block.view[start:stop]

    def pages(self, name: str, numbers: Iterable[int]) -> memoryview:
        """The whole block, of which only some pages (of `PAGE` bytes) are checked."""
        block = self._block(name)
        if not block.whole:
            self._check_pages(name, block, numbers)
        return block.view

    def check_all(self) -> None:
        """Compare every byte anew, gaps included, as `verify` does. LibrarySegmentDamaged."""
        _, data = _checked_directory(self.path, memoryview(self._map))
        end = 0
        for name, block in self._blocks.items():
            block.checked[:] = bytes(len(block.checked))
            block.whole = False
            end += len(self.block(name))
            gap = bytes(data[end : end + -end % ALIGN])
            if any(gap):
                raise _damaged(self.path, f"the gap after block {name} is not empty", gap.hex())
            end += len(gap)

    def close(self) -> None:
        """Give the file back; with views still held it goes when the last of them goes."""
        for block in self._blocks.values():
            with contextlib.suppress(BufferError):
                block.view.release()
        self._blocks = {}
        mapped, self._map = self._map, b""
        if isinstance(mapped, mmap.mmap):
            with contextlib.suppress(BufferError):
                mapped.close()

    def _block(self, name: str) -> _Block:
        self._check_stamp()
        try:
            return self._blocks[name]
        except KeyError:
            raise _damaged(self.path, f"block {name} is missing", f"found {self.names}") from None

    def _check_stamp(self) -> None:
        """Refuse a file that was cut or overwritten while mapped: touching it could kill us."""
        now = _stamp_of(self.path)
        # Gone or another file under this name: what we have mapped is still the old, good one.
        same_file = now is not None and self._stamp is not None and now[0] == self._stamp[0]
        if same_file and now != self._stamp:
            raise _damaged(self.path, "it changed while it was open", f"{self._stamp} -> {now}")

    def _check_pages(self, name: str, block: _Block, pages: Iterable[int]) -> None:
        # Two threads may compare a page at once: wasted time, never a wrong answer.
        for page in pages:
            if page >= len(block.checked):
                raise _damaged(self.path, f"block {name} ends early", f"page {page} asked")
            if block.checked[page]:
                continue
            found = blake3(block.view[page * PAGE : (page + 1) * PAGE]).digest(length=_DIGEST)
            expected = block.digests[page * _DIGEST : (page + 1) * _DIGEST]
            if found != expected:
                raise _damaged(
                    self.path,
                    f"page {page} of block {name} differs",
                    f"expected {expected.hex()}, found {found.hex()}",
                )
            block.checked[page] = 1


def open_blocks(path: Path) -> BlockFile:
    """Open a block file: header, length and directory are checked, blocks at first touch.

    Raises LibrarySegmentDamaged for whatever is wrong with the file, also when there is none.
    """
    return BlockFile(path)


def _read_or_map(path: Path) -> mmap.mmap | bytes:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size < _HEADER_LENGTH:
                return file.read()
            try:
                # Without its own descriptor (3.13+) a large store stays far from the limit of 256
                # open files that macOS sets.
                if sys.version_info >= (3, 13) and os.name != "nt":
                    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ, trackfd=False)
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):
                return file.read()  # file systems that cannot map
    except OSError as fault:
        reason = fault.strerror or str(fault)
        if fault.errno in _SHORT:
            raise LibraryError(f"{path} cannot be opened: {reason}") from fault
        raise _damaged(path, "it cannot be opened", reason) from fault


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _checked_directory(path: Path, whole: memoryview) -> tuple[dict[str, Any], memoryview]:
    """The directory of a block file whose header, length and directory are sound; the rest."""
    if len(whole) < _HEADER_LENGTH:
        raise _damaged(path, "it is cut short", f"{len(whole)} bytes found")
    head = whole[: _HEADER.size]
    if blake3(head).digest() != whole[_HEADER.size : _HEADER_LENGTH]:
        raise _damaged(path, "its header differs from the checksum", "")
    magic, number, _, length, total, digest = _HEADER.unpack(head)
    if magic != MAGIC or number != FORMAT:
        raise _damaged(path, "it is no block file of this format", f"{magic!r} {number} found")
    if total != len(whole):
        raise _damaged(path, "its length is wrong", f"expected {total}, found {len(whole)} bytes")
    directory = bytes(whole[_HEADER_LENGTH : _HEADER_LENGTH + length])
    if blake3(directory).digest() != digest:
        raise _damaged(path, "its directory differs from the checksum", "")
    # The checksum holds, so this is what `write_blocks` wrote: JSON, an object.
    return cast("dict[str, Any]", json.loads(directory)), whole[_HEADER_LENGTH + length :]


def _cut(
    path: Path, data: memoryview, name: str, offset: int, length: int, digests: bytes
) -> _Block:
    pages = -(-length // PAGE)
    if offset < 0 or length < 0 or offset + length > len(data) or len(digests) != pages * _DIGEST:
        raise _damaged(path, f"block {name} does not fit the file", f"{offset}+{length}")
    return _Block(data[offset : offset + length], digests, bytearray(pages))


def _damaged(path: Path, what: str, found: str) -> LibrarySegmentDamaged:
    detail = f": {found}" if found else ""
    return LibrarySegmentDamaged(
        f"{path} is damaged: {what}{detail}",
        hint="it is rebuilt from the features by the next sync",
    )
