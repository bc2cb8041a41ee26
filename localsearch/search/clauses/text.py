"""`text:"a dog running through snow"`, `text:snow>=0.6`: photos by likeness to a description."""

from __future__ import annotations

from localsearch.search.clauses import likeness
from localsearch.search.clauses.clause import Clause
from localsearch.search.terms import Text
from localsearch.search.words import Written, one_item, plain


def _read(written: Written) -> Text:
    return Text(plain(one_item(written)), written.floor)


CLAUSE = Clause(
    read=_read,
    rows=likeness.rows,
    values=likeness.values,
    size=likeness.size,
    cost=likeness.cost,
    routes=likeness.routes,
)
