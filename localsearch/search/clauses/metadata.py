"""`metadata:album=home`, `metadata:"{""a"": [1]}"`: photos whose metadata contain a document.

A filter. See `catalog.metadata_terms` for what it means to contain one.
"""

from __future__ import annotations

from localsearch.catalog import filters
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog, unknown_size
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Metadata
from localsearch.search.terms.documents import from_pairs
from localsearch.search.words import Written, no_floor


def _read(written: Written) -> Metadata:
    no_floor(written)
    return Metadata(from_pairs(written.items))


def _rows(snapshot: Snapshot, term: Metadata) -> RowSet:
    return from_array(filters.rows_of_metadata(snapshot.conn, term.document))


def _size(snapshot: Snapshot, term: Metadata) -> int:
    known = filters.size_of_metadata(snapshot.conn, term.document)
    return unknown_size(snapshot, term) if known is None else known


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=_size,
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
