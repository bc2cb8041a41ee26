"""What one search stands on: a catalog transaction, the live set that it names, the pack.

A snapshot serves one search and is then dropped; `library` builds it inside the transaction.
It also remembers what its search has found out (the rows of a leaf, the vector of a query
picture), so that reasons cost no second look. It never writes, and after the transaction has
ended only what it remembers and the live set, which is immutable, may be asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from localsearch.catalog import input_reads
from localsearch.rows import Rows, RowSet, from_array, positions_in
from localsearch.search.terms import Like, State, Term, leaves_of

if TYPE_CHECKING:
    import sqlite3

    import numpy as np
    import numpy.typing as npt

    from localsearch.pack import Pack
    from localsearch.scores import Floats
    from localsearch.segments.live_set import LiveSet

    Vector: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`query_vector` gives the unit vector, float32 [D], of the picture of a `like` term.

    It may raise PictureError (unreadable), InputError or LibraryMissing (unknown id). It is asked
    only when the vector is needed, at most once a picture. `sets`, `values` (of ascending rows)
    and `vectors` are what this search remembers, by leaf.
    """

    conn: sqlite3.Connection
    live: LiveSet
    pack: Pack
    query_vector: Callable[[Like], Vector]
    sets: dict[Term, RowSet] = field(default_factory=dict)
    values: dict[Term, tuple[Rows, Floats]] = field(default_factory=dict)
    vectors: dict[tuple[object, ...], Vector] = field(default_factory=dict)


def universe_of(snapshot: Snapshot, tree: Term) -> RowSet:
    """The rows that a tree speaks of: live rows with features; with a State leaf, all inputs
    that are not removed.
    """
    if not any(isinstance(leaf, State) for leaf in leaves_of(tree)):
        return snapshot.live.rows
    return from_array(input_reads.rows_not_removed(snapshot.conn))


def vector_of(snapshot: Snapshot, term: Like) -> Vector:
    """The query vector of a `like` term, computed at its first use."""
    key = term.picture_key()
    if key not in snapshot.vectors:
        snapshot.vectors[key] = snapshot.query_vector(term)
    return snapshot.vectors[key]


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
    positions, found = positions_in(held, rows)
    return values[positions] if found.all() else None
