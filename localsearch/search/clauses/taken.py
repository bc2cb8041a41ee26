"""`taken:2024-05`, `taken:2024-05-01..2024-06`, `taken:after=2024,before=2025`: photos by date.

A filter. Dates are the camera's local time; photos without one never match.
"""

from __future__ import annotations

from localsearch.catalog import filters
from localsearch.errors import InputError
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Taken
from localsearch.search.terms.spans import span_of, start_of
from localsearch.search.words import Item, Written, no_floor, query_error

_HINT = "as taken:2024-05, taken:2024-05..2024-08 or taken:after=2024-05,before=2025"


def _read(written: Written) -> Taken:
    no_floor(written)
    first = written.items[0]
    if first.second is None and len(written.items) == 1:
        return Taken(*span_of(first.value))  # the grammar adds the column of what it refuses
    ends: dict[str, str] = {}
    for item in written.items:
        name = _name(item, ends)
        ends[name] = _moment(item)
    return Taken(ends.get("after"), ends.get("before"))


def _name(item: Item, known: dict[str, str]) -> str:
    name = item.value.lower()
    if item.second is None or name not in ("after", "before") or name in known:
        raise query_error(
            f"expected after= or before=, once each, found {item.value!r}", item.column, hint=_HINT
        )
    return name


def _moment(item: Item) -> str:
    try:
        return start_of(item.second or "", item.value.lower())
    except InputError as error:
        raise query_error(error.message, item.column, hint=error.hint) from error


def _rows(snapshot: Snapshot, term: Taken) -> RowSet:
    return from_array(filters.rows_of_taken(snapshot.conn, term.after, term.before))


def _size(snapshot: Snapshot, term: Taken) -> int:
    return filters.size_of_taken(snapshot.conn, term.after, term.before)


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=_size,
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
