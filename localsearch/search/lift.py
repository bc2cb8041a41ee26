"""Concepts that a text names raise its cosines: "two dogs in the snow" asks for dog and snow.

A row's cosine with the text becomes

    min(1, cosine + concept_weight * mean of the probabilities of the concepts that the text names)

with the pack's weight and the 16-bit probabilities that the concepts themselves are ranked by, 0
where a row is not listed. It rises with each part, and the score is the pack's map of it, as
without concepts. Never decides what is a hit. Invariant: what is added to a row depends on that row
alone, and is summed in the order of the text: the same bits on every route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.search.clauses.concept import CLAUSE, index_of
from localsearch.search.spoken import concepts_in
from localsearch.search.terms import Concept, Text

if TYPE_CHECKING:
    from localsearch.rows import Rows
    from localsearch.scores import Floats
    from localsearch.search.snapshot import Snapshot


class Lift(NamedTuple):
    """What the concepts of a text add to cosines, `weight` at most."""

    snapshot: Snapshot
    concepts: tuple[Concept, ...]
    weight: float

    def at(self, rows: Rows) -> Floats:
        """What is added to the cosine of each of some rows, float64 [n]."""
        assert CLAUSE.values is not None
        total = np.zeros(len(rows))
        for concept in self.concepts:
            total += CLAUSE.values(self.snapshot, concept, rows)
        return total * (self.weight / len(self.concepts))


def named_in(snapshot: Snapshot, term: Text) -> tuple[Concept, ...]:
    """The concepts that raise the cosines of a text, in its order; each once."""
    concepts, spec = snapshot.concepts, snapshot.pack.text
    if spec is None or not spec.concept_weight:
        return ()
    found: dict[object, Concept] = {}  # two names of one concept count once
    for name in concepts_in(term.query, concepts.answers):
        found.setdefault(index_of(snapshot, Concept(name)), Concept(name))
    return tuple(found.values())


def lift_of(snapshot: Snapshot, term: Text) -> Lift | None:
    """What raises the cosines of a text; None where it names no concept."""
    concepts = named_in(snapshot, term)
    if not concepts or snapshot.pack.text is None:
        return None
    return Lift(snapshot, concepts, snapshot.pack.text.concept_weight)
