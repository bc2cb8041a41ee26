"""The concepts that photos show: the most probable ones, and those of recent hits kept.

What a content shows under one pack never changes, and the hits of one search are often among
those of the next: a page turned back, a word added. So a page of known hits costs no arithmetic.
Never keeps what could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from localsearch.pack import Pack, highest
from localsearch.records import ConceptValue
from localsearch.scores import value_of

if TYPE_CHECKING:
    from localsearch.catalog.features import Features
    from localsearch.catalog.input_reads import InputRow

SHOWN: Final = 5
"""Concepts that a hit tells, if nothing else is said."""
# Contents whose concepts are kept: some 0.7 KiB each.
_KEPT: Final = 4096


class ShownConcepts:
    """The most probable concepts of contents under one pack. Any thread may ask."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._kept: dict[bytes, tuple[ConceptValue, ...]] = {}

    def of(
        self, features: Features, rows: Sequence[InputRow], limit: int = SHOWN
    ) -> list[tuple[ConceptValue, ...]]:
        """Those of each input, best first; none where its features are not there.

        Only five are kept for the next time.
        """
        kept = self._kept if limit == SHOWN else {}
        digests = [row.digest or b"" for row in rows]
        new = [digest for digest in dict.fromkeys(digests) if digest not in kept]
        made: dict[bytes, tuple[ConceptValue, ...]] = {}
        if new:
            vectors, logits, found = features.arrays_of(new)
            told = concepts_of(self._pack, vectors[found], logits[found], limit=limit)
            known = [digest for digest, has in zip(new, found.tolist(), strict=True) if has]
            made = dict(zip(known, told, strict=True))
            if limit != SHOWN:
                return [made.get(one, ()) for one in digests]
            if len(kept) + len(made) > _KEPT:  # begun anew: who holds the old one reads on in it
                self._kept = {}
            self._kept.update(made)
        return [made[one] if one in made else kept.get(one, ()) for one in digests]


def concepts_of(
    pack: Pack,
    vectors: npt.NDArray[np.float16],
    logits: npt.NDArray[np.float16],
    *,
    limit: int,
    at_least: float = 0.0,
) -> list[tuple[ConceptValue, ...]]:
    """The most probable concepts of photos, best first; ties in the order of the vocabulary."""
    ids, names = pack.vocabulary.ids, pack.vocabulary.names
    found = pack.probabilities(vectors, logits)
    best = highest(found, limit)
    values = value_of(np.take_along_axis(found, best, axis=1)).tolist()
    return [
        tuple(
            ConceptValue(ids[index], names[index], value)
            for index, value in zip(columns, line, strict=True)
            if value >= at_least
        )
        for columns, line in zip(best.tolist(), values, strict=True)
    ]
