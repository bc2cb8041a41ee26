"""`concept:dog>=0.8`, or the bare word: photos by what is in them, ranked by its probability."""

from __future__ import annotations

from collections.abc import Sequence

from localsearch.rows import Rows, RowSet
from localsearch.scores import Floats, at_least, value_of
from localsearch.search.clauses.clause import BITMAP, Clause
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Concept
from localsearch.search.words import Written, one_item, plain
from localsearch.segments.probed import Asked, Probe


def index_of(snapshot: Snapshot, term: Concept) -> Asked:
    """What the live set is asked for: an index of the pack, or the probe of a taught concept.

    Raises QueryUnknownConcept with the nearest names.
    """
    return snapshot.concepts.find(term.name)


def threshold_of(term: Concept) -> int:
    """The 16-bit probability that `at_least` asks for; the pack's floor comes on top of it."""
    return at_least(term.at_least)


def _read(written: Written) -> Concept:
    return Concept(plain(one_item(written)), written.floor or 0.0)


def _rows(snapshot: Snapshot, term: Concept) -> RowSet:
    return snapshot.live.rows_of(index_of(snapshot, term), threshold_of(term))


def _values(snapshot: Snapshot, term: Concept, rows: Rows) -> Floats:
    index = index_of(snapshot, term)
    held = snapshot.lists.get(index)
    found = snapshot.live.values_at(index, rows) if held is None else held.at(rows)
    return value_of(found)


def _size(snapshot: Snapshot, term: Concept) -> int:
    return snapshot.live.count(index_of(snapshot, term))


def _routes(snapshot: Snapshot, term: Concept, rows: Rows) -> Sequence[str]:
    if isinstance(index_of(snapshot, term), Probe):
        return ["scan"] * len(rows)  # a taught concept has no postings
    tail = snapshot.live.tail.row_set
    return ["tail" if row in tail else "postings" for row in rows.tolist()]


CLAUSE = Clause(
    read=_read,
    rows=_rows,
    values=_values,
    size=_size,
    cost=lambda term: BITMAP,
    routes=_routes,
)
