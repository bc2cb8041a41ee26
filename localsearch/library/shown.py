"""The concepts that photos show: the most probable ones of each.

Segments and tail keep the first few of every live row, so a page of hits costs no arithmetic;
for more than these, and for photos that are in neither, they are computed from the features. What
a user taught stands in neither: it is computed from the vectors of the few photos asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from localsearch.pack import SHOWN, Pack, leading
from localsearch.records import ConceptValue
from localsearch.rows import Rows
from localsearch.scores import value_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.catalog.features import Features
    from localsearch.catalog.input_reads import InputRow
    from localsearch.search.known import TaughtConcept
    from localsearch.segments.live import LiveSet

Told = tuple[ConceptValue, ...]


def shown_concepts(
    pack: Pack,
    features: Features,
    live: LiveSet,
    inputs: Sequence[InputRow],
    limit: int = SHOWN,
    taught: Sequence[TaughtConcept] = (),
) -> list[Told]:
    """The most probable concepts of each input, best first; none where its features are gone."""
    told: dict[int, Told] = {}
    if limit <= SHOWN:
        rows = np.array(sorted(one.row for one in inputs), np.uint32)
        told = _kept(pack, live, rows, limit, taught)
    others = {one.digest for one in inputs if one.row not in told and one.digest is not None}
    made = _computed(pack, features, sorted(others), limit, taught) if others else {}
    return [told.get(one.row) or made.get(one.digest or b"", ()) for one in inputs]


def concepts_of(
    pack: Pack,
    vectors: npt.NDArray[np.float16],
    logits: npt.NDArray[np.float16],
    *,
    limit: int,
    at_least: float = 0.0,
    taught: Sequence[TaughtConcept] = (),
) -> list[Told]:
    """The most probable concepts of photos, best first; ties in the order of the vocabulary, with
    taught ones behind.
    """
    told = _told(pack, leading(pack.probabilities(vectors, logits), limit))
    told = _joined(told, vectors, taught, limit)
    if at_least <= 0.0:
        return told
    return [tuple(each for each in one if each.value >= at_least) for one in told]


def _kept(
    pack: Pack, live: LiveSet, rows: Rows, limit: int, taught: Sequence[TaughtConcept]
) -> dict[int, Told]:
    """Those of rows (ascending) of which segments and tail know them."""
    shown, known = live.shown_of(rows, min(limit, len(pack.vocabulary)))
    told = _told(pack, shown[known])
    if taught:
        told = _joined(told, live.halves_of(rows[known]), taught, limit)
    return dict(zip(rows[known].tolist(), told, strict=True))


def _joined(
    told: list[Told],
    vectors: npt.NDArray[np.float16],
    taught: Sequence[TaughtConcept],
    limit: int,
) -> list[Told]:
    """The most probable of what is told already and the taught concepts of photos [n, D]."""
    found = list(told)
    for concept in taught:
        if concept.probe is None:
            continue
        values = value_of(concept.probe.values(vectors)).tolist()
        new = [(ConceptValue(concept.id, concept.name, value),) for value in values]
        found = [(*one, *more) for one, more in zip(found, new, strict=True)]
    return [tuple(sorted(one, key=lambda each: -each.value)[:limit]) for one in found]


def _computed(
    pack: Pack,
    features: Features,
    digests: Sequence[bytes],
    limit: int,
    taught: Sequence[TaughtConcept],
) -> dict[bytes, Told]:
    vectors, logits, found = features.arrays_of(digests)
    told = concepts_of(pack, vectors[found], logits[found], limit=limit, taught=taught)
    known = [digest for digest, has in zip(digests, found.tolist(), strict=True) if has]
    return dict(zip(known, told, strict=True))


def _told(pack: Pack, shown: npt.NDArray[np.uint16]) -> list[Told]:
    ids, names = pack.vocabulary.ids, pack.vocabulary.names
    return [
        tuple(
            ConceptValue(ids[index], names[index], value)
            for index, value in zip(columns, values, strict=True)
        )
        for columns, values in zip(
            shown[:, 0].tolist(), value_of(shown[:, 1]).tolist(), strict=True
        )
    ]
