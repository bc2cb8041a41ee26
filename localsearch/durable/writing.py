"""Writes block files, whose layout `blocks` describes, from what lies in memory or as it is made.

Never holds more of a block than one of its pieces. Invariant: the header is written last, so a
file that was cut off is no block file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, cast

from blake3 import blake3

from localsearch.deferred import NamedTuple, dataclass
from localsearch.durable.blocks import ALIGN, DIGEST, FORMAT, HEADER, HEADER_LENGTH, MAGIC, PAGE
from localsearch.durable.files import write_new

if TYPE_CHECKING:
    import numpy.typing as npt

    Buffer: TypeAlias = bytes | bytearray | memoryview | npt.NDArray[Any]


class Pieces(NamedTuple):
    """A block that is made while it is written: its length in bytes, and its parts in order.

    Blocks are written in the order of their mapping, so a later one may tell of an earlier one.
    """

    length: int
    parts: Iterable[Buffer]


def write_blocks(
    path: Path,
    meta: Mapping[str, Any],
    blocks: Mapping[str, Buffer | Pieces],
    *,
    fine: Mapping[str, int] | None = None,
    check: Callable[[], None] | None = None,
) -> None:
    """Write a new block file, synced with its folder; `meta` is JSON. Copies no block.

    Arrays must be contiguous. `fine` gives blocks a smaller page, in bytes. `check` is called
    between pieces; what it raises ends the writing and leaves no file. Raises LibraryFull,
    LibraryReadOnly, LibraryError; ValueError where pieces are not as long as they said.
    """
    write_new(path, partial(_fill, meta=meta, planned=_planned(blocks, fine or {}), check=check))


@dataclass(slots=True)
class _Planned:
    """A block to be written: where, how long, from what; then the digests of its pages."""

    name: str
    offset: int
    length: int
    parts: Iterable[Buffer]
    page: int
    kept_in: str  # the block that holds its digests; empty: the directory
    digests: bytearray

    def entry(self) -> list[Any]:
        """Its line of the directory; as long before it is written as after."""
        if self.kept_in:
            return [self.name, self.offset, self.length, {"page": self.page, "block": self.kept_in}]
        blank = bytes(_pages(self.length, self.page) * DIGEST - len(self.digests))
        return [self.name, self.offset, self.length, (self.digests + blank).hex()]


def _planned(blocks: Mapping[str, Buffer | Pieces], fine: Mapping[str, int]) -> list[_Planned]:
    planned: list[_Planned] = []

    def plan(name: str, length: int, parts: Iterable[Buffer], page: int, kept_in: str) -> bytearray:
        end = planned[-1].offset + planned[-1].length if planned else 0
        one = _Planned(name, end + -end % ALIGN, length, parts, page, kept_in, bytearray())
        planned.append(one)
        return one.digests

    for name, block in blocks.items():
        made = block if isinstance(block, Pieces) else _whole(block)
        if name not in fine:
            plan(name, made.length, made.parts, PAGE, "")
            continue
        beside = f"digests of {name}"
        digests = plan(name, made.length, made.parts, fine[name], beside)
        # Read when its turn comes: by then the digests are there.
        plan(beside, _pages(made.length, fine[name]) * DIGEST, (digests,), PAGE, "")
    return planned


def _whole(block: Buffer) -> Pieces:
    view = _bytes_of(block)
    return Pieces(len(view), (view,))


def _bytes_of(block: Buffer) -> memoryview:
    view = memoryview(cast("bytes", block))  # arrays are buffers too, which 3.11 cannot type
    return view.cast("B") if view.nbytes else memoryview(b"")


def _pages(length: int, page: int) -> int:
    return -(-length // page)


def _fill(
    file: IO[bytes],
    *,
    meta: Mapping[str, Any],
    planned: list[_Planned],
    check: Callable[[], None] | None,
) -> None:
    room = len(_directory(meta, planned))
    file.write(bytes(HEADER_LENGTH + room))
    end = 0
    for one in planned:
        for view in _digested(one):
            if check is not None:
                check()
            file.write(view)
        end = one.offset + one.length
        file.write(bytes(-end % ALIGN))
        end += -end % ALIGN
    directory = _directory(meta, planned)
    total = HEADER_LENGTH + room + end
    head = HEADER.pack(MAGIC, FORMAT, 0, len(directory), total, blake3(directory).digest())
    file.seek(0)
    file.write(head + blake3(head).digest() + directory)


def _directory(meta: Mapping[str, Any], planned: list[_Planned]) -> bytes:
    made = json.dumps({"meta": meta, "blocks": [one.entry() for one in planned]}).encode()
    return made + b" " * (-(HEADER_LENGTH + len(made)) % ALIGN)


def _digested(one: _Planned) -> Iterator[memoryview]:
    """The bytes of a block in order, never across the edge of a page; notes the digests."""
    written, hasher = 0, blake3()
    for part in one.parts:
        view = _bytes_of(part)
        while len(view):
            room = one.page - written % one.page
            piece, view = view[:room], view[room:]
            hasher.update(piece)
            yield piece
            written += len(piece)
            if written % one.page == 0:
                one.digests += hasher.digest(length=DIGEST)
                hasher = blake3()
    if written % one.page:
        one.digests += hasher.digest(length=DIGEST)
    if written != one.length:
        raise ValueError(f"block {one.name}: {one.length} bytes promised, {written} made")
