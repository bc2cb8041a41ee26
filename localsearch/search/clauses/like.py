"""`like:"beach.jpg"`, `like-id:my-cat>=0.8`, `like:a.jpg,region=0:0:0.5:1`: photos by likeness to
one picture, or to a part of it.
"""

from __future__ import annotations

from localsearch.search.clauses import likeness
from localsearch.search.clauses.clause import Clause
from localsearch.search.terms import Like
from localsearch.search.words import Item, Written, plain, query_error

_HINT = "as region=0.1:0.2:0.6:0.9, left:top:right:bottom as fractions of the upright picture"


def _read(written: Written) -> Like:
    name = plain(written.items[0])
    region = _region(written.items[1:])
    if written.field == "like-id":
        return Like(id=name, min_score=written.floor, region=region)
    return Like(name, min_score=written.floor, region=region)


def _region(items: tuple[Item, ...]) -> tuple[float, float, float, float] | None:
    if not items:
        return None
    first = items[0]
    if len(items) > 1 or first.value != "region" or first.second is None:
        raise query_error(
            "expected region=LEFT:TOP:RIGHT:BOTTOM after the picture",
            items[1].column if len(items) > 1 and first.value == "region" else first.column,
            hint="put double quotes around a file name that holds a comma",
        )
    try:
        left, top, right, bottom = map(float, first.second.split(":"))
    except ValueError:
        raise query_error(
            f"expected four numbers with colons between, found {first.second!r}",
            first.column,
            hint=_HINT,
        ) from None
    return left, top, right, bottom


CLAUSE = Clause(
    read=_read,
    rows=likeness.rows,
    values=likeness.values,
    size=likeness.size,
    cost=likeness.cost,
    routes=likeness.routes,
)
