"""A graph that is open for searching: points and members as one, in words of rows.

Immutable, so that searches may go on with it while another takes its place. Never knows which
rows are alive. Invariant: `nearest` gives covered rows only, and with one of several equal
vectors all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from localsearch.deferred import dataclass
from localsearch.errors import LibrarySegmentDamaged
from localsearch.graph.files import GRAPH, MEMBERS, check_digest
from localsearch.graph.hnsw import Graph, load_graph
from localsearch.graph.members import Members, read_members
from localsearch.rows import Rows, RowSet


@dataclass(frozen=True)
class Told:
    """What the catalog tells of a graph: digest of its file, dimensions, how it is asked."""

    name: str
    digest: str
    dimensions: int
    ef: int
    window: int

    def about(self) -> dict[str, str | int]:
        """What stands in `members.bin`, so that it is never read beside another's graph."""
        return {"graph": self.name, "digest": self.digest, "dimensions": self.dimensions}


class OpenGraph:
    """A graph ready for searches; any thread may ask."""

    def __init__(self, told: Told, graph: Graph, members: Members) -> None:
        self.name = told.name
        self.window = told.window
        """How many distinct vectors `nearest` finds, whatever page is shown."""
        self.covered: RowSet = members.covered
        """The rows it can find, some of them perhaps dead. Not to be changed."""
        self.members, self._graph = members, graph

    def nearest(self, query: npt.NDArray[np.float32]) -> Rows:
        """The rows of about the `window` vectors nearest to a query, float32 [D]; in no order."""
        return self.members.rows_of(self._graph.nearest(query, self.window))

    def set_breadth(self, breadth: int) -> None:
        """Try another `ef`; only before searches begin."""
        self._graph.set_breadth(breadth)

    def close(self) -> None:
        """Give the memory back; only when no search uses it any more."""
        self._graph.close()


def open_graph(folder: Path, told: Told, stop: Callable[[], bool] = lambda: False) -> OpenGraph:
    """Read a graph from its folder, digests first. Takes seconds for a large one.

    Raises LibrarySegmentDamaged with the graph's name, MemoryError, `files.Stopped`.
    """
    members = members_in(folder, told)
    check_digest(folder / GRAPH, told.digest, stop)
    graph = load_graph(folder / GRAPH, told.dimensions)
    if len(graph) != len(members.labels):
        raise LibrarySegmentDamaged(
            f"{folder} is damaged: {len(graph)} points, {len(members.labels)} labels",
            segment=told.name,
        )
    graph.set_breadth(told.ef)
    return OpenGraph(told, graph, members)


def members_in(folder: Path, told: Told) -> Members:
    """The members of a graph, all bytes checked. Raises LibrarySegmentDamaged with its name."""
    try:
        return read_members(folder / MEMBERS, told.about())
    except LibrarySegmentDamaged as fault:
        fault.segment = told.name
        raise


def check_graph(folder: Path, told: Told) -> None:
    """Compare every byte of both files, as `verify` does; loads nothing.

    Raises LibrarySegmentDamaged.
    """
    members_in(folder, told)
    check_digest(folder / GRAPH, told.digest)
