"""Block files: named blocks whose bytes are compared with their checksums at first touch.

Reads only. Invariant: what a `BlockFile` hands out was compared.

A *block file* is one header, one directory (JSON) and named blocks. The layout is frozen:

    0   8  magic b"LSBLOCKS"          8  4  format, uint32           12  4  zero
    16  8  directory length, uint64   24  8  file length, uint64
    32 32  blake3 of the directory    64 32  blake3 of the 64 bytes before
    96     directory: {"meta": {...}, "blocks": [[name, offset, length, digests]]},
           filled with blanks to a multiple of 64; offsets count from its end
    then the blocks, each filled with zeros to a multiple of 64

A page is 1 MiB of a block; its digest is the first 16 bytes of its blake3, and `digests` are
these in hex. Format 2 has, besides, *fine* blocks: their `digests` is {"page": bytes, "block":
name}, and the digests of their smaller pages lie in the block of that name. Little-endian.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

from blake3 import blake3

from localsearch.deferred import dataclass
from localsearch.durable.mapping import Mapping, map_file
from localsearch.errors import LibraryError, LibrarySegmentDamaged

MAGIC: Final = b"LSBLOCKS"  # frozen
FORMAT: Final = 2  # frozen: what is written
READABLE: Final = (1, 2)  # frozen: a reader refuses every other number
PAGE: Final = 1 << 20  # frozen: what one digest covers; a touch of one row checks 1 MiB, ~0.3 ms
ALIGN: Final = 64  # frozen: a cache line, so that vectors may be read where they lie
DIGEST: Final = 16  # frozen: bytes kept of a page's blake3
HEADER: Final = struct.Struct("<8sIIQQ32s")
HEADER_LENGTH: Final = HEADER.size + 32

# What says "this process or machine is short of something", never "this file is bad".
_SHORT = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


@dataclass(slots=True, eq=False, repr=False)
class _Block:
    """Where a block lies, its page size, which pages were compared (1), and their digests:
    these themselves, or the name of the block that they lie in."""

    view: memoryview
    page: int
    digests: bytes | str
    checked: bytearray
    whole: bool = False


class BlockFile:
    """An open block file; made by `open_blocks`. Its file never changes while it is named.

    Any thread may read. Each page is compared with its digest at first touch. `close` gives the
    mapping back as soon as no view of it is held any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._map = _mapped(path)
        self._name = os.fspath(path)
        self._stamp = _stamp_of(self._name)
        directory, data = _checked_directory(path, self._map.view)
        try:
            self.meta: dict[str, Any] = directory["meta"]
            self._blocks = {
                name: _cut(path, data, name, offset, length, digests)
                for name, offset, length, digests in directory["blocks"]
            }
        except (KeyError, TypeError, ValueError) as fault:
            raise damaged(path, "its directory makes no sense", str(fault)) from fault

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the blocks, in the order they were written."""
        return tuple(self._blocks)

    def length(self, name: str) -> int:
        """The bytes of a block; touches none of them."""
        return len(self._block(name).view)

    def page_of(self, name: str) -> int:
        """How many bytes of a block one digest covers."""
        return self._block(name).page

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
            raise damaged(self.path, f"block {name} ends early", f"{start}:{stop} asked")
        if not block.whole and stop > start:
            touched = range(start // block.page, (stop - 1) // block.page + 1)
            self._check_pages(name, block, touched)
        return block.view[start:stop]

    def pages(self, name: str, numbers: Iterable[int]) -> memoryview:
        """The whole block, of which only some pages (of `page_of` bytes) are checked."""
        block = self._block(name)
        if not block.whole:
            self._check_pages(name, block, numbers)
        return block.view

    def check_all(self) -> None:
        """Compare every byte anew, gaps included, as `verify` does. LibrarySegmentDamaged."""
        _, data = _checked_directory(self.path, self._map.view)
        for block in self._blocks.values():
            block.checked[:] = bytes(len(block.checked))
            block.whole = False
        end = 0
        for name in self._blocks:
            end += len(self.block(name))
            gap = bytes(data[end : end + -end % ALIGN])
            if any(gap):
                raise damaged(self.path, f"the gap after block {name} is not empty", gap.hex())
            end += len(gap)

    def close(self) -> None:
        """Give the file back; with views still held it goes when the last of them goes."""
        for block in self._blocks.values():
            with contextlib.suppress(BufferError):
                block.view.release()
        self._blocks = {}
        self._map.close()

    def _block(self, name: str) -> _Block:
        self._check_stamp()
        try:
            return self._blocks[name]
        except KeyError:
            raise damaged(self.path, f"block {name} is missing", f"found {self.names}") from None

    def _check_stamp(self) -> None:
        """Refuse a file that was cut or overwritten while mapped: touching it could kill us."""
        now = _stamp_of(self._name)
        # Gone or another file under this name: what we have mapped is still the old, good one.
        same_file = now is not None and self._stamp is not None and now[0] == self._stamp[0]
        if same_file and now != self._stamp:
            raise damaged(self.path, "it changed while it was open", f"{self._stamp} -> {now}")

    def _check_pages(self, name: str, block: _Block, pages: Iterable[int]) -> None:
        # Two threads may compare a page at once: wasted time, never a wrong answer.
        size, checked = block.page, block.checked
        digests = block.digests if isinstance(block.digests, bytes) else self.block(block.digests)
        for page in pages:
            if page >= len(checked):
                raise damaged(self.path, f"block {name} ends early", f"page {page} asked")
            if checked[page]:
                continue
            found = blake3(block.view[page * size : (page + 1) * size]).digest(length=DIGEST)
            expected = digests[page * DIGEST : (page + 1) * DIGEST]
            if found != expected:
                raise damaged(
                    self.path,
                    f"page {page} of block {name} differs",
                    f"expected {expected.hex()}, found {found.hex()}",
                )
            checked[page] = 1


def open_blocks(path: Path) -> BlockFile:
    """Open a block file: header, length and directory are checked, blocks at first touch.

    Raises LibrarySegmentDamaged for whatever is wrong with the file; `missing` is set where there
    is none.
    """
    return BlockFile(path)


def _mapped(path: Path) -> Mapping:
    try:
        return map_file(path)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        if fault.errno in _SHORT:
            raise LibraryError(f"{path} cannot be opened: {reason}") from fault
        error = damaged(path, "it cannot be opened", reason)
        error.missing = isinstance(fault, FileNotFoundError)
        raise error from fault


def _stamp_of(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # asked at every touch: half the time of a Path
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _checked_directory(path: Path, whole: memoryview) -> tuple[dict[str, Any], memoryview]:
    """The directory of a block file whose header, length and directory are sound; the rest."""
    if len(whole) < HEADER_LENGTH:
        raise damaged(path, "it is cut short", f"{len(whole)} bytes found")
    head = whole[: HEADER.size]
    if blake3(head).digest() != whole[HEADER.size : HEADER_LENGTH]:
        raise damaged(path, "its header differs from the checksum", "")
    magic, number, _, length, total, digest = HEADER.unpack(head)
    if magic != MAGIC or number not in READABLE:
        raise damaged(path, "it is no block file of this format", f"{magic!r} {number} found")
    if total != len(whole):
        raise damaged(path, "its length is wrong", f"expected {total}, found {len(whole)} bytes")
    directory = bytes(whole[HEADER_LENGTH : HEADER_LENGTH + length])
    if blake3(directory).digest() != digest:
        raise damaged(path, "its directory differs from the checksum", "")
    # The checksum holds, so this is what `write_blocks` wrote: JSON, an object.
    return cast("dict[str, Any]", json.loads(directory)), whole[HEADER_LENGTH + length :]


def _cut(
    path: Path, data: memoryview, name: str, offset: int, length: int, told: str | dict[str, Any]
) -> _Block:
    fine = isinstance(told, dict)
    page = int(told["page"]) if isinstance(told, dict) else PAGE
    digests = str(told["block"]) if isinstance(told, dict) else bytes.fromhex(told)
    pages = -(-length // page)
    if (
        offset < 0
        or length < 0
        or offset + length > len(data)
        or not (fine or len(digests) == pages * DIGEST)
    ):
        raise damaged(path, f"block {name} does not fit the file", f"{offset}+{length}")
    return _Block(data[offset : offset + length], page, digests, bytearray(pages))


def damaged(path: Path, what: str, found: str) -> LibrarySegmentDamaged:
    """The error that says what is wrong with a derived file."""
    detail = f": {found}" if found else ""
    return LibrarySegmentDamaged(
        f"{path} is damaged: {what}{detail}",
        hint="it is rebuilt from the features by the next sync",
    )
