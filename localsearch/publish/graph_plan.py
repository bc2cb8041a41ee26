"""When a graph is built, and whether anew. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Container

    from localsearch.catalog.graphs import GraphRow
    from localsearch.rows import RowSet

FROM_ROWS: Final = 20_000
"""Rows from which a graph is worth it: below, a scan takes a millisecond or two."""

SHARE: Final = 4
"""A graph is renewed when more than one of so many live rows is not in it, or of its own is dead.
The rest is scanned meanwhile, so this bounds a query at a quarter of a scan."""

FLOOR: Final = 0.98
"""A graph that finds less of the true best 20 is not used."""

Mode = Literal["auto", "always", "never"]
Work = Literal["anew", "add"]


def graph_due(
    mode: Mode, named: GraphRow | None, live: RowSet, damaged: Container[str] = ()
) -> Work | None:
    """What to do about the graph: build it "anew", "add" to a copy of it, or nothing.

    `live` are the live rows with features, `damaged` names of graphs that cannot be read. A graph
    under its floor is due no sooner than another: nothing says that the next one would be better.
    """
    count = len(live)
    if mode == "never" or not count or (mode == "auto" and count < FROM_ROWS):
        return None
    if named is None or named.name in damaged:
        return "anew"
    below = live.rank(named.last_row)
    fresh, dead = count - below, max(named.rows - below, 0)
    if SHARE * fresh <= count and SHARE * dead <= named.rows:
        return None
    # What is dead stays in it for good, so adding is for graphs that hold little of it.
    sound = named.recall >= FLOOR and 2 * SHARE * dead <= named.rows
    return "add" if sound else "anew"
