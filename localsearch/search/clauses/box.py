"""`box:47.9,11.3,48.3,11.8`: photos taken between south, west, north and east. A filter."""

from __future__ import annotations

from localsearch.catalog import filters
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog
from localsearch.search.clauses.degrees import latitude, longitude, these
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Box
from localsearch.search.words import Written, no_floor, query_error


def _read(written: Written) -> Box:
    no_floor(written)
    names = ("south", "west", "north", "east")
    south, west, north, east = these(written, names, "box:47.9,11.3,48.3,11.8")
    least, most = latitude(south, "south"), latitude(north, "north")
    if least > most:
        raise query_error(
            f"the north of a box lies above its south, not {north.value} above {south.value}",
            north.column,
            hint="the order is south, west, north, east",
        )
    return Box(least, longitude(west, "west"), most, longitude(east, "east"))


def _rows(snapshot: Snapshot, term: Box) -> RowSet:
    bounds = (term.south, term.west, term.north, term.east)
    return from_array(filters.rows_of_box(snapshot.conn, *bounds))


def _size(snapshot: Snapshot, term: Box) -> int:
    return filters.size_of_box(snapshot.conn, term.south, term.west, term.north, term.east)


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=_size,
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
