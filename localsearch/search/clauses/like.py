"""`like:"beach.jpg"`, `like-id:my-cat>=0.8`: photos by likeness to one picture.

Matches every row that has a vector or, with a `min_score`, those whose score reaches it. The
score is always exact: from the stored half-precision vector, by `scores.cosines`.
"""

from __future__ import annotations

from collections.abc import Sequence

from localsearch.rows import Rows, RowSet
from localsearch.scores import Floats, at_least, value_of
from localsearch.search import visual
from localsearch.search.clauses.clause import HELD, VECTORS, Clause, unknown_size
from localsearch.search.snapshot import Snapshot, vector_of
from localsearch.search.terms import Like
from localsearch.search.words import Written, one_item, plain


def _read_file(written: Written) -> Like:
    return Like(source=plain(one_item(written)), min_score=written.floor)


def _read_id(written: Written) -> Like:
    return Like(id=plain(one_item(written)), min_score=written.floor)


def _read(written: Written) -> Like:
    return {"like": _read_file, "like-id": _read_id}[written.field](written)


def _rows(snapshot: Snapshot, term: Like) -> RowSet:
    if term.min_score is None or not snapshot.live.rows:
        return snapshot.live.rows
    query = vector_of(snapshot, term)
    return visual.reaching(snapshot.live, snapshot.pack.visual, query, at_least(term.min_score))


def _values(snapshot: Snapshot, term: Like, rows: Rows) -> Floats:
    query = vector_of(snapshot, term)
    return value_of(visual.exact_scores(snapshot.live, snapshot.pack.visual, query, rows))


def _cost(term: Like) -> int:
    return HELD if term.min_score is None else VECTORS


def _routes(snapshot: Snapshot, rows: Rows) -> Sequence[str]:
    return ["exact"] * len(rows)


CLAUSE = Clause(
    fields=("like", "like-id"),
    read=_read,
    rows=_rows,
    values=_values,
    size=unknown_size,
    cost=_cost,
    routes=_routes,
)
