"""`state:undecodable`: inputs in one state, those without features too. A filter."""

from __future__ import annotations

from localsearch.catalog import filters, input_reads
from localsearch.records import STATES
from localsearch.rows import RowSet, from_array
from localsearch.search.clauses.clause import INDEXED, Clause, from_catalog
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import State
from localsearch.search.words import Written, no_floor, one_item, plain, query_error


def _read(written: Written) -> State:
    no_floor(written)
    item = one_item(written)
    if plain(item) not in STATES:
        raise query_error(
            f"no state {item.value!r}", item.column, hint=f"the states are {', '.join(STATES)}"
        )
    return State(item.value)


def _rows(snapshot: Snapshot, term: State) -> RowSet:
    return from_array(input_reads.rows_of_state(snapshot.conn, term.word))


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=None,
    size=lambda snapshot, term: filters.size_of_state(snapshot.conn, term.word),
    cost=lambda term: INDEXED,
    routes=from_catalog,
)
