"""What `explain` tells of a search."""

from __future__ import annotations

from localsearch.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """One part of a query as it was run.

    `estimate` is how many rows the planner expected, `rows` how many there were, `milliseconds`
    what it took, its `children` included (both None where it was not asked). `note` says how.
    """

    term: str
    estimate: int
    rows: int | None
    milliseconds: float | None
    note: str
    children: tuple[Explained, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a query was run: its parts, the route, all hits, the whole time, and sentences on why."""

    tree: Explained
    route: str
    total: int
    milliseconds: float
    notes: tuple[str, ...] = ()
