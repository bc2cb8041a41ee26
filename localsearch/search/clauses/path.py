"""`path:2024/**/*.jpg`, `path:**/*.jpg,root=home`: photos by where they lie. A filter."""

from __future__ import annotations

from localsearch.catalog import path_filter
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import TABLE, Clause, from_catalog, unknown_size
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import PathTerm
from localsearch.search.words import Written, no_floor, plain, query_error


def _read(written: Written) -> PathTerm:
    no_floor(written)
    root = None
    for item in written.items[1:]:
        if item.value != "root" or item.second is None or root is not None:
            raise query_error(
                "expected root=NAME after the pattern",
                item.column,
                hint="put double quotes around a pattern that holds a comma",
            )
        root = item.second
    return PathTerm(plain(written.items[0]), root)


def _rows(snapshot: Snapshot, term: PathTerm) -> RowSet:
    return from_array(path_filter.rows_of_path(snapshot.conn, term.pattern, term.root))


def _size(snapshot: Snapshot, term: PathTerm) -> int:
    known = path_filter.size_of_path(snapshot.conn, term.pattern, term.root)
    return unknown_size(snapshot, term) if known is None else known


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=_size,
    cost=lambda term: TABLE,
    routes=from_catalog,
)
