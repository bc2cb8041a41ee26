"""`text:"a dog running through snow"`, `text:snow>=0.6`: photos by likeness to a description.

Concepts that the words name count too: they raise the score, and are told as reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from localsearch.records import Why
from localsearch.search.clauses import likeness
from localsearch.search.clauses.clause import Clause, unknown_size
from localsearch.search.clauses.concept import CLAUSE as CONCEPT
from localsearch.search.lift import named_in
from localsearch.search.terms import Text
from localsearch.search.visual_terms import query_of
from localsearch.search.words import Written, one_item, plain

if TYPE_CHECKING:
    from localsearch.rows import Rows
    from localsearch.search.snapshot import Snapshot


def _read(written: Written) -> Text:
    return Text(plain(one_item(written)), written.floor)


def _size(snapshot: Snapshot, term: Text) -> int:
    """A guess: all rows. QueryNoText where the pack cannot answer the text, or reads nothing."""
    query_of(snapshot, term)
    return unknown_size(snapshot, term)


def _also(snapshot: Snapshot, term: Text, rows: Rows) -> Sequence[tuple[Why, ...]]:
    """The concepts that raise the score of each of some rows (ascending), with their values."""
    found: list[tuple[Why, ...]] = [()] * len(rows)
    for concept in named_in(snapshot, term):
        assert CONCEPT.values is not None
        values = CONCEPT.values(snapshot, concept, rows).tolist()
        routes = CONCEPT.routes(snapshot, concept, rows)
        for place, (value, route) in enumerate(zip(values, routes, strict=True)):
            if value > 0:
                found[place] = (*found[place], Why(str(concept), value, route))
    return found


CLAUSE = Clause(
    read=_read,
    rows=likeness.rows,
    values=likeness.values,
    size=_size,
    cost=likeness.cost,
    routes=likeness.routes,
    also=_also,
)
