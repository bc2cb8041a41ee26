"""The query vector of a visual leaf, and the map from its cosines to scores.

The only room that knows what pictures, texts and sums have in common: each becomes one vector of
the pack's space. Pictures and texts are turned into vectors by the snapshot's `query_vector`.
Never scores a row. Invariant: a vector is made once a search, at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsearch.deferred import NamedTuple
from localsearch.errors import QueryError, QueryNoText
from localsearch.scores import ScoreMap, weighted_sum
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Like, Sum, Text
from localsearch.search.words import quoted

if TYPE_CHECKING:
    from localsearch.search.snapshot import Vector

# Words of so few letters ("at", "the") are near to much and mean nothing.
_SHORT = 3


class Asked(NamedTuple):
    """What a visual leaf asks: its vector, float32 [D], and the map for its cosines."""

    vector: Vector
    score_map: ScoreMap


def query_of(snapshot: Snapshot, term: Like | Text | Sum) -> Asked:
    """What a visual leaf asks of each row.

    Raises QueryNoText (a text, and the pack has no text part or knows none of its words),
    QueryError (a sum that cancels out), and what the snapshot's `query_vector` raises.
    """
    score_map = score_map_of(snapshot, term)
    key = term.vector_key()
    if key not in snapshot.vectors:
        made = _summed(snapshot, term) if isinstance(term, Sum) else snapshot.query_vector(term)
        snapshot.vectors[key] = made
    return Asked(snapshot.vectors[key], score_map)


def score_map_of(snapshot: Snapshot, term: Like | Text | Sum) -> ScoreMap:
    """The map for a leaf's cosines; costs nothing. QueryNoText where the pack cannot answer it.

    A sum has that of pictures where one of them counts for it, or where it holds no text.
    """
    parts = term.terms if isinstance(term, Sum) else ((1.0, term),)
    texts = [each for _, each in parts if isinstance(each, Text)]
    spec = snapshot.pack.text
    if texts and spec is None:
        raise _no_text(snapshot, texts[0])
    by_picture = any(weight > 0 and isinstance(each, Like) for weight, each in parts)
    if by_picture or spec is None or not texts:
        return snapshot.pack.visual
    return spec.score_map


def _summed(snapshot: Snapshot, term: Sum) -> Vector:
    """The vector of a weighted sum; every part counts by its direction alone."""
    vectors = [query_of(snapshot, each).vector for _, each in term.terms]
    found = weighted_sum(vectors, [weight for weight, _ in term.terms])
    if found is None:
        raise QueryError(
            f"the parts of {term} cancel each other out: nothing is left to be like",
            hint="change a weight, or leave a part out",
        )
    return found


def _no_text(snapshot: Snapshot, term: Text) -> QueryNoText:
    """The error for free text, with the concepts that it and its words come nearest to."""
    vocabulary = snapshot.concepts
    words = term.query.split()
    named = [word for word in words if vocabulary.knows(word)]
    longer = [word for word in words if len(word) > _SHORT and word not in named]
    near = [name for word in longer for name in vocabulary.nearest(word)[:1]]
    if len(words) > 1:  # a word left out or misspelt
        near = [*vocabulary.nearest(term.query)[:1], *near]
    told = ", ".join(f"concept:{quoted(name)}" for name in dict.fromkeys((*named, *near)))
    return QueryNoText(
        f'the pack {snapshot.pack.name} has no text part, so it cannot look for "{term.query}"',
        hint=f"ask for concepts: {told}" if told else "`localsearch concepts` lists what there is",
    )
