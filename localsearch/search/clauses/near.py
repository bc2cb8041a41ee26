"""`near:48.1,11.6,5km`: photos taken near a place. A filter; those without a place never match."""

from __future__ import annotations

from localsearch.catalog import filters
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog
from localsearch.search.clauses.degrees import kilometres, latitude, longitude, these
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Near
from localsearch.search.words import Written, no_floor


def _read(written: Written) -> Near:
    no_floor(written)
    lat, lon, km = these(written, ("latitude", "longitude", "distance"), "near:48.1,11.6,5km")
    return Near(latitude(lat, "the latitude"), longitude(lon, "the longitude"), kilometres(km))


def _rows(snapshot: Snapshot, term: Near) -> RowSet:
    return from_array(filters.rows_of_near(snapshot.conn, term.lat, term.lon, term.km))


def _size(snapshot: Snapshot, term: Near) -> int:
    return filters.size_of_near(snapshot.conn, term.lat, term.lon, term.km)


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=_size,
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
