"""The graph itself: the only place that knows hnswlib, and hides what is odd about it.

It knows labels and unit vectors; no row's fate, no concept, no score, no file but its own. Odd
are: a search for more than there is fails; the breadth of a search is not in the file; adding
while another thread searches is memory written over; growing is slow and unsafe; a file is
trusted. So here: `k` is cut, `breadth` is set at once, a graph is either being made (one thread
adds) or is searched (any number), its room is given when it is made or loaded, and `files`
compares the digest first. Invariant: one query gives the same labels every time.

Reading and writing its file is one call that holds the interpreter: some 0.1 s for 100,000 points
of 512 numbers whose file is in the system's cache.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from localsearch.errors import LibraryError, LibraryFull
from localsearch.graph.files import damaged
from localsearch.rows import Rows

if TYPE_CHECKING:
    import hnswlib

Singles = npt.NDArray[np.float32]

LINKS: Final = 16
"""Links of a point (M): 2.2 KB a point at 512 dimensions, of which the vector is 2."""

CARE: Final = 150
"""How many candidates are looked at for the links of a new point (ef_construction). On 97,000
drawn photos in bursts, at ef 100: 60 found 0.959 of the best 20 in 36 s of building, 100 found
0.984 in 66 s, 150 found 0.993 in 81 s."""

_SEED: Final = 100  # of the levels; with several threads the order of adding differs anyway


class Graph:
    """A held resource over one index of hnswlib; made by `new_graph` or `load_graph`."""

    def __init__(self, index: hnswlib.Index) -> None:
        self._index = index

    def __len__(self) -> int:
        return int(self._index.get_current_count())

    def add(self, labels: Rows, vectors: Singles, threads: int) -> None:
        """Add points: distinct new labels [n], unit vectors float32 [n, D].

        Never while another thread asks. Lets go of the interpreter; the threads it starts inherit
        the priority of this one.
        """
        self._index.add_items(vectors, labels.astype(np.uint64), num_threads=threads)

    def set_breadth(self, breadth: int) -> None:
        """How many candidates a search keeps (ef): more find better and take longer."""
        self._index.set_ef(breadth)

    def nearest(self, query: Singles, k: int) -> Rows:
        """The labels of about the `k` nearest points, best first; query float32 [D], any length.

        Fewer where there are fewer; none for a query that is not finite.
        """
        if not np.isfinite(query).all():
            return np.zeros(0, np.uint32)
        wanted = min(k, len(self))
        while wanted > 0:
            try:
                found, _ = self._index.knn_query(query, k=wanted, num_threads=1)
                return np.asarray(found[0], np.uint32)
            except RuntimeError:
                # Points that no link leads to: hnswlib gives all that was asked for or nothing.
                wanted //= 2
        return np.zeros(0, np.uint32)

    def save(self, path: Path) -> None:
        """Write a new file, not synced. Raises LibraryError, LibraryFull."""
        _check_path(path)
        try:
            self._index.save_index(str(path))
        except RuntimeError as fault:
            raise LibraryError(f"{path} cannot be written by hnswlib: {fault}") from fault
        # It does not look whether its bytes were taken.
        expected, found = int(self._index.index_file_size()), path.stat().st_size
        if found != expected:
            raise LibraryFull(
                f"{path} has {found} of {expected} bytes", hint="free some space, then try again"
            )

    def close(self) -> None:
        """Give the memory back, once no search holds it any more."""
        del self._index


def new_graph(dimensions: int, room: int) -> Graph:
    """An empty graph with room for so many points. Raises MemoryError."""
    index = _index_of(dimensions)
    try:
        index.init_index(max(room, 1), ef_construction=CARE, M=LINKS, random_seed=_SEED)
    except RuntimeError as fault:
        raise MemoryError(f"no memory for a graph of {room} points") from fault
    return Graph(index)


def load_graph(path: Path, dimensions: int, *, room: int = 0) -> Graph:
    """A graph from a file whose digest was compared just now, with room for `room` points in all.

    Raises LibrarySegmentDamaged, MemoryError.
    """
    _check_path(path)
    index = _index_of(dimensions)
    try:
        index.load_index(str(path), max_elements=room)
    except RuntimeError as fault:
        raise damaged(path, f"hnswlib refuses it: {fault}") from fault
    return Graph(index)


def bytes_of(points: int, dimensions: int) -> int:
    """The memory, and nearly the file, of a graph of so many points."""
    # A point: vector, 2 M links and their count, label; beside it the way from label to place,
    # upper levels, a lock and the marks of a search.
    return points * (4 * dimensions + 4 * (2 * LINKS + 1) + 8 + 120) + (1 << 20)


def _index_of(dimensions: int) -> Any:
    import hnswlib  # not before `trial` has said that this does not end the process

    return hnswlib.Index(space="ip", dim=dimensions)


def _check_path(path: Path) -> None:
    if sys.platform == "win32" and not str(path).isascii():
        # It hands the name to the system in the wrong letters and would write another file.
        raise LibraryError(
            f"hnswlib cannot use {path}: its name has letters beyond ASCII",
            hint="keep the store in a folder whose path is plain ASCII",
        )
