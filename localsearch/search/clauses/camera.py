"""`camera:"iphone 12"`: photos by make and model of their camera, or a part of it. A filter."""

from __future__ import annotations

from localsearch.catalog import filters
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Camera
from localsearch.search.words import Written, no_floor, one_item, plain


def _read(written: Written) -> Camera:
    no_floor(written)
    return Camera(plain(one_item(written)))


def _rows(snapshot: Snapshot, term: Camera) -> RowSet:
    return from_array(filters.rows_of_camera(snapshot.conn, term.name))


def _size(snapshot: Snapshot, term: Camera) -> int:
    return filters.size_of_camera(snapshot.conn, term.name)


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=_size,
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
