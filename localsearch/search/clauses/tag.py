"""`tag:pet`, `tag:pet=false`: photos by the tags of their user. A filter."""

from __future__ import annotations

from localsearch.catalog import tags
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog, unknown_size
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Tag
from localsearch.search.words import Written, no_floor, one_item, query_error

_VALUES = {"true": True, "false": False}


def _read(written: Written) -> Tag:
    no_floor(written)
    item = one_item(written)
    word = "true" if item.second is None else item.second.lower()
    if word not in _VALUES:
        raise query_error(
            f"expected true or false after =, found {item.second!r}",
            item.column,
            hint=f'a tag with such a sign: tag:"{item.value}={item.second}"',
        )
    return Tag(item.value, _VALUES[word])


def _rows(snapshot: Snapshot, term: Tag) -> RowSet:
    return from_array(tags.rows_with(snapshot.conn, term.name, term.value))


def _size(snapshot: Snapshot, term: Tag) -> int:
    known = tags.size_with(snapshot.conn, term.name, term.value)
    return unknown_size(snapshot, term) if known is None else known


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=_size,
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
