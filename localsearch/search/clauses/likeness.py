"""What all visual leaves share: they match every row that has a vector or, with a `min_score`,
those whose score reaches it. A text without one matches those above its floor (`search.floor`).

The score is always exact: from the stored half-precision vector, by `scores.cosines`.
"""

from __future__ import annotations

from collections.abc import Sequence

from localsearch.rows import Rows, RowSet
from localsearch.scores import Floats, value_of
from localsearch.search import visual
from localsearch.search.clauses.clause import HELD, VECTORS, unknown_size
from localsearch.search.floor import floor_of
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Like, Sum, Term, Text
from localsearch.search.visual_terms import score_map_of


def rows(snapshot: Snapshot, term: Like | Text | Sum) -> RowSet:
    """Every live row, or those that reach the leaf's `min_score` or a text's floor."""
    if cost(term) == HELD or not snapshot.live.rows:
        return snapshot.live.rows
    return visual.reaching(visual.look_of(snapshot, term), floor_of(snapshot, term))


def values(snapshot: Snapshot, term: Like | Text | Sum, rows: Rows) -> Floats:
    """The scores of some rows."""
    return value_of(visual.exact_scores(visual.look_of(snapshot, term), rows))


def size(snapshot: Snapshot, term: Like | Text | Sum) -> int:
    """A guess: all rows. QueryNoText where the pack cannot answer the leaf."""
    score_map_of(snapshot, term)
    return unknown_size(snapshot, term)


def cost(term: Like | Text | Sum) -> int:
    """Nothing without a `min_score`, if it is no text: every row matches."""
    return HELD if term.min_score is None and not isinstance(term, Text) else VECTORS


def routes(snapshot: Snapshot, term: Term, rows: Rows) -> Sequence[str]:
    """How hits were found, where the search has no word of its own for it."""
    return ["exact"] * len(rows)
