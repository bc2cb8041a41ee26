"""What one search stands on: a catalog transaction, the live set that it names, the pack.

A snapshot serves one search and is then dropped; `library` builds it inside the transaction, and
hands over the graph that may answer and the `check` that calls the search off.
It also remembers what its search has found out (the rows of a leaf, the vector of a query
picture), so that reasons cost no second look. It never writes, and after the transaction has
ended only what it remembers and the live set, which is immutable, may be asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from localsearch.catalog import input_reads
from localsearch.deferred import NamedTuple, dataclass
from localsearch.rows import Rows, RowSet, from_array, positions_in
from localsearch.search.known import Known
from localsearch.search.terms import Like, State, Term, Text, leaves_of

if TYPE_CHECKING:
    import sqlite3

    import numpy as np
    import numpy.typing as npt

    from localsearch.pack import Pack
    from localsearch.scores import Floats
    from localsearch.segments.listed import Listed
    from localsearch.segments.live_set import LiveSet
    from localsearch.segments.probed import Asked

    Vector: TypeAlias = npt.NDArray[np.float32]


class GraphView(Protocol):
    """A graph over stored vectors, as a search sees it. It proposes rows and never ranks them.

    `covered` are the rows that it can find, dead ones among them. `nearest` gives the rows of the
    best `window` distinct vectors, all rows of each, in no order: some hundreds at most, and the
    same ones for the same query as long as this view lives.
    """

    @property
    def covered(self) -> RowSet: ...
    @property
    def window(self) -> int: ...
    def nearest(self, query: Vector) -> Rows: ...


class Floor(NamedTuple):
    """The floor of a text: `score` (16 bits) is what a hit must reach, the score of `cosine`; the
    rest is how it came about: the background's `median` and `spread`, its `photos` and `decoys`,
    and what the best decoy lacks (`lacking`).
    """

    score: int
    cosine: float
    median: float
    spread: float
    photos: int
    decoys: int
    lacking: float


@dataclass(slots=True, eq=False, repr=False)
class Measured:
    """What one term of a query took: its rows (None: not asked for), seconds with its parts."""

    rows: int | None = None
    seconds: float = 0.0


def _go_on() -> None:
    """The `check` of a search that nobody calls off."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Snapshot:
    """`query_vector` gives the unit vector, float32 [D], of a `like` term's picture or of
    a text (asked only where the pack has a text part; QueryNoText where it says nothing).

    It may raise PictureError (unreadable), InputError or LibraryMissing (unknown id). It is asked
    only when the vector is needed, at most once a picture. `graph` may answer visual searches.
    `check` is called between leaves and blocks of work; what it raises ends the search. `trace`,
    where there is one, is filled with what each term took. `sets`, `values` (of ascending rows),
    `vectors` and `floors` (of texts) are what this search remembers, by leaf; `lists` are whole
    lists of a few concepts. `known`: taught concepts beside those of the pack; None: there are
    none.
    """

    conn: sqlite3.Connection
    live: LiveSet
    pack: Pack
    query_vector: Callable[[Like | Text], Vector]
    graph: GraphView | None = None
    check: Callable[[], None] = _go_on
    trace: dict[Term, Measured] | None = None
    sets: dict[Term, RowSet] = field(default_factory=dict)
    values: dict[Term, tuple[Rows, Floats]] = field(default_factory=dict)
    vectors: dict[tuple[object, ...], Vector] = field(default_factory=dict)
    floors: dict[tuple[object, ...], Floor] = field(default_factory=dict)
    lists: dict[Asked, Listed] = field(default_factory=dict)
    known: Known | None = None

    @property
    def concepts(self) -> Known:
        """The concepts of the pack, and those that were taught."""
        return Known(self.pack.vocabulary) if self.known is None else self.known


def universe_of(snapshot: Snapshot, tree: Term) -> RowSet:
    """The rows that a tree speaks of: live rows with features; with a State leaf, all inputs
    that are not removed.
    """
    if not any(isinstance(leaf, State) for leaf in leaves_of(tree)):
        return snapshot.live.rows
    return from_array(input_reads.rows_not_removed(snapshot.conn))


def remember_values(snapshot: Snapshot, leaf: Term, rows: Rows, values: Floats) -> None:
    """Keep the values of a leaf at `rows` (ascending), unless more of them are known."""
    known = snapshot.values.get(leaf)
    if known is None or len(known[0]) < len(rows):
        snapshot.values[leaf] = (rows, values)


def known_values(snapshot: Snapshot, leaf: Term, rows: Rows) -> Floats | None:
    """The values of a leaf at `rows`, where this search has found them all out already."""
    if leaf not in snapshot.values:
        return None
    held, values = snapshot.values[leaf]
    if len(rows) > len(held):
        return None
    positions, found = positions_in(held, rows)
    return values[positions] if found.all() else None
