"""`id:my-cat,other`: inputs by their public ids. A filter; unknown ids match nothing."""

from __future__ import annotations

from localsearch.catalog import input_reads
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Ids
from localsearch.search.words import Written, no_floor, plain


def _read(written: Written) -> Ids:
    no_floor(written)
    return Ids(tuple(plain(item) for item in written.items))


def _rows(snapshot: Snapshot, term: Ids) -> RowSet:
    return from_array(input_reads.rows_of_ids(snapshot.conn, term.ids))


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=lambda snapshot, term: len(term.ids),
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
