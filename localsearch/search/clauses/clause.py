"""The shape of one row of the table CLAUSES: what the search needs to know of a leaf.

A clause is told a snapshot and its own term. It never combines terms and never ranks: that is
done once, for all of them. Invariant: `values` belongs to rows that `rows` holds, and a row's
value does not depend on which other rows are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from localsearch.deferred import NamedTuple

if TYPE_CHECKING:
    from localsearch.records import Why
    from localsearch.rows import Rows, RowSet
    from localsearch.scores import Floats
    from localsearch.search.snapshot import Snapshot
    from localsearch.search.terms import Term
    from localsearch.search.words import Written

# What asking for the rows of a leaf costs; the planner asks the cheap ones first.
HELD: Final = 0  # they are in memory
BITMAP: Final = 1  # some 50 microseconds a million rows
INDEXED: Final = 2  # one statement that an index answers
TABLE: Final = 3  # one statement that reads every input
VECTORS: Final = 4  # every vector, and perhaps a run of the model


class Clause(NamedTuple):
    """`read` makes the term of what was written after one of its fields; its column errors are
    QueryErrors. It is None for a leaf without a field, which the grammar reads itself.

    `values` is None for a leaf that only filters (score 1). `size` guesses how many rows match,
    and `cost` what asking costs, both without asking. `routes` tells for hits how they were found,
    `also` what else has made each of some rows (ascending) a hit; most leaves have nothing else.
    """

    read: Callable[[Written], Term] | None
    rows: Callable[[Snapshot, Any], RowSet]
    values: Callable[[Snapshot, Any, Rows], Floats] | None
    size: Callable[[Snapshot, Any], int]
    cost: Callable[[Any], int]
    routes: Callable[[Snapshot, Any, Rows], Sequence[str]]
    also: Callable[[Snapshot, Any, Rows], Sequence[tuple[Why, ...]]] | None = None


def unknown_size(snapshot: Snapshot, term: Any) -> int:
    """The guess where nothing is known: all rows."""
    return len(snapshot.live.rows)


def from_catalog(snapshot: Snapshot, term: Any, rows: Rows) -> Sequence[str]:
    """The route of leaves that SQLite answers."""
    return ["catalog"] * len(rows)
