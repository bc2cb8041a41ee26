"""The names of a graph's files, and the digest that must match before hnswlib may see one.

hnswlib trusts what it reads: a wrong length in its file is memory that is written over. So never
give it a file that was not compared with the digest of the catalog just before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from blake3 import blake3

from localsearch.errors import LibraryError, LibrarySegmentDamaged

FOLDER: Final = "graphs"
"""The folder of a store that holds the folders of graphs. Frozen."""

GRAPH: Final = "graph.bin"  # frozen: hnswlib's own format
MEMBERS: Final = "members.bin"  # frozen: a block file

# blake3 lets go of the interpreter while it works; a stop is looked at between two pieces.
_PIECE: Final = 4 << 20


class Stopped(LibraryError):
    """Whoever waited for the file has no use for it any more; never leaves the house."""


def digest_of(path: Path, stop: Callable[[], bool] = lambda: False) -> str:
    """blake3 of a whole file, hex. Raises LibrarySegmentDamaged (cannot be read) and Stopped."""
    found = blake3()
    room = memoryview(bytearray(_PIECE))
    try:
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(room):
                if stop():
                    raise Stopped(f"{path} is not needed any more")
                found.update(room[:count])
    except FileNotFoundError as fault:
        raise damaged(path, "it is not there") from fault
    except OSError as fault:
        raise damaged(path, f"it cannot be read: {fault.strerror or fault}") from fault
    return found.hexdigest()


def check_digest(path: Path, expected: str, stop: Callable[[], bool] = lambda: False) -> None:
    """Raise LibrarySegmentDamaged unless the file has that digest; Stopped when told to stop."""
    found = digest_of(path, stop)
    if found != expected:
        raise damaged(path, f"expected the digest {expected}, found {found}")


def damaged(path: Path, what: str) -> LibrarySegmentDamaged:
    """The error for a file of a graph, with the graph's name."""
    return LibrarySegmentDamaged(
        f"{path} is damaged: {what}",
        hint="the graph is built anew by the next upkeep; searches scan meanwhile",
        segment=path.parent.name,
    )
