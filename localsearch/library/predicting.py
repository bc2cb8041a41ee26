"""The vocabulary, and the concepts of one picture. Writes nothing.

A search on a terminal asks for both, so nothing is imported here that a search has not loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localsearch.catalog import input_reads as reads
from localsearch.errors import InputError, LibraryMissing, PictureError
from localsearch.later import Later
from localsearch.library import arguments, finding
from localsearch.library.parts import Parts
from localsearch.library.shown import concepts_of
from localsearch.records import ConceptInfo, ConceptValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from localsearch.search.known import Known
    from localsearch.sources import forms
    from localsearch.sync import new_input
else:
    forms = Later("localsearch.sources.forms")
    new_input = Later("localsearch.sync.new_input")


def concepts(parts: Parts, prefix: str) -> tuple[ConceptInfo, ...]:
    """Concepts whose name or synonym begins with a prefix; the taught ones first."""
    taught = [
        ConceptInfo(one.id, one.name, (), (), "taught", "")
        for one in _known(parts).starting_with(prefix)
    ]
    return tuple(taught) + tuple(
        ConceptInfo(c.id, c.name, c.synonyms, c.parents, c.kind, c.definition)
        for c in parts.pack.vocabulary.starting_with(prefix)
    )


def _known(parts: Parts) -> Known:
    with parts.truth.catalog.reading() as conn:
        return parts.known.current(conn)


def predict(
    parts: Parts,
    source: Any,
    base64: str | None,
    data: bytes | None,
    public_id: str | None,
    limit: int,
    at_least: float,
) -> tuple[ConceptValue, ...]:
    """Concepts of one picture; of a stored one from its features."""
    limit, at_least = arguments.whole(limit, "limit"), arguments.fraction(at_least, "at_least")
    vectors, logits = _features(parts, source, base64, data, public_id)
    return _told(parts, vectors, logits, limit, at_least)


def embed(
    parts: Parts, source: Any, base64: str | None, data: bytes | None, public_id: str | None
) -> list[float]:
    """The unit vector of one picture; of a stored one from its features."""
    vectors, _ = _features(parts, source, base64, data, public_id)
    values: list[float] = vectors[0].astype(float).tolist()
    return values


def concept_named(parts: Parts, name: str) -> ConceptInfo:
    """The concept of a name, synonym or id, a taught one first; QueryUnknownConcept."""
    known = _known(parts)
    taught = known.taught_as(arguments.text(name, "name"))
    if taught is not None:
        return ConceptInfo(taught.id, taught.name, (), (), "taught", "")
    known.find(name)  # with the nearest names, taught ones too, in what it raises
    c = known.vocabulary.find(name)
    return ConceptInfo(c.id, c.name, c.synonyms, c.parents, c.kind, c.definition)


def _features(
    parts: Parts, source: Any, base64: str | None, data: bytes | None, public_id: str | None
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
    """Vector [1, D] and logits [1, C] of one picture, of exactly one source."""
    if base64 is not None or data is not None:
        new_input.check_forms(base64, data)
    if sum(given is not None for given in (source, base64, data, public_id)) != 1:
        raise InputError("give exactly one of source, base64, data and id")
    if public_id is not None:
        with parts.truth.catalog.reading() as conn:
            row = reads.by_id(conn, arguments.text(public_id, "id"))
        if row is None:
            raise LibraryMissing(f"there is no input with the id {public_id!r}")
        digest = finding.content_of(row)
        vectors, logits, found = parts.truth.features.arrays_of([digest])
        if not found[0]:
            raise LibraryMissing(f"the features of {public_id!r} are lost", hint="sync again")
        return vectors, logits
    encoded = forms.from_base64(base64) if base64 is not None else data
    form = forms.encoded_of(encoded if encoded is not None else source)
    outcome = parts.models.outcome_of(form.data)
    if outcome.refusal is not None:
        where = f"{form.path}: " if form.path else ""
        raise PictureError(outcome.refusal.state, f"{where}{outcome.refusal.reason}")
    assert outcome.vector is not None and outcome.logits is not None
    return outcome.vector[None], outcome.logits[None]


def _told(
    parts: Parts,
    vectors: npt.NDArray[np.float16],
    logits: npt.NDArray[np.float16],
    limit: int,
    at_least: float,
) -> tuple[ConceptValue, ...]:
    """The concepts of one picture [1, D]."""
    taught = _known(parts).taught
    (told,) = concepts_of(
        parts.pack, vectors, logits, limit=limit, at_least=at_least, taught=taught
    )
    return told
