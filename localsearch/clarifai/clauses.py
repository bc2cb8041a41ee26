"""Turns the wire's query into the library's one tree of terms.

All clauses AND; a clause may hold several keys, which AND too. Never searches, but looks up what
names and URLs mean. Invariant: a key that is not understood is a Fault 40002, never passed over; a
concept that is not known matches nothing, and its NOT everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import localsearch as ls
from localsearch.clarifai.answer import BAD_SEARCH, Fault, Json
from localsearch.clarifai.geo import place_term
from localsearch.clarifai.meanings import NOTHING, Meanings
from localsearch.clarifai.reading import flag_of, list_of, object_of, text_of, truth_of
from localsearch.clarifai.room import Request
from localsearch.clarifai.seeing import exact_url, visual
from localsearch.search.terms import And, Concept, Like, Not, Or, Sum, Text

EVERYTHING: Final = ~ls.ids([])

PROBABLE: Final = 0.5
"""From here on a photo shows a concept, as far as NOT is concerned."""

ALIKE: Final = 0.9
"""From here on two photos are alike, as far as NOT is concerned."""


def tree_of(request: Request, query: Any) -> ls.Term:
    """The tree of a `query` object. Raises Fault."""
    if not isinstance(query, dict):
        raise Fault(BAD_SEARCH, 'the body of a search has a query: {"query": {"ands": [...]}}')
    _only(query, ("ands", "ors", "language", "min_value"), "query")
    meanings = Meanings(request)
    ands = list_of(query.get("ands"), "query.ands", BAD_SEARCH)
    ors = list_of(query.get("ors"), "query.ors", BAD_SEARCH)
    terms = [_clause(request, meanings, each, "ands") for each in ands]
    if ors:
        terms.append(_any([_clause(request, meanings, each, "ors") for each in ors]))
    return _all(terms)


def _clause(request: Request, meanings: Meanings, clause: Any, where: str) -> ls.Term:
    given = object_of(clause, f"each clause of query.{where}", BAD_SEARCH)
    _only(given, ("input", "output", "negate"), f"a clause of query.{where}")
    terms: list[ls.Term] = []
    if given.get("output") is not None:
        terms += _output(request, meanings, object_of(given["output"], "output", BAD_SEARCH))
    if given.get("input") is not None:
        terms += _input(request, meanings, object_of(given["input"], "input", BAD_SEARCH))
    if not terms:
        raise Fault(BAD_SEARCH, "a clause asks for something: input or output, with data in it")
    found = _all(terms)
    return negative(found) if flag_of(given.get("negate")) else found


def _output(request: Request, meanings: Meanings, output: Json) -> list[ls.Term]:
    """What ranks: predicted concepts, and likeness to a picture."""
    _only(output, ("data", "input"), "output")
    terms: list[ls.Term] = []
    data = object_of(output.get("data"), "output.data", BAD_SEARCH)
    _only(data, ("concepts", "image", "metadata", "geo"), "output.data")
    for each in list_of(data.get("concepts"), "output.data.concepts", BAD_SEARCH):
        concept = object_of(each, "each of output.data.concepts", BAD_SEARCH)
        term = meanings.predicted(concept)
        terms.append(term if _is_wanted(concept) else negative(term))
    if data.get("image"):
        terms.append(visual(request, "", object_of(data["image"], "output.data.image", BAD_SEARCH)))
    terms += _facts(data)
    inner = object_of(output.get("input"), "output.input", BAD_SEARCH)
    _only(inner, ("id", "data"), "output.input")
    id = text_of(inner.get("id"), "output.input.id", BAD_SEARCH)
    seen = object_of(inner.get("data"), "output.input.data", BAD_SEARCH)
    _only(seen, ("image", "concepts", "metadata", "geo"), "output.input.data")
    image = object_of(seen.get("image"), "output.input.data.image", BAD_SEARCH)
    if id or image:
        terms.append(visual(request, id, image))
    return terms + _annotated(meanings, seen.get("concepts")) + _facts(seen)


def _input(request: Request, meanings: Meanings, given: Json) -> list[ls.Term]:
    """What filters: annotated concepts, an exact URL or id, metadata, places."""
    _only(given, ("id", "data"), "input")
    id = text_of(given.get("id"), "input.id", BAD_SEARCH)
    terms: list[ls.Term] = [ls.ids([id])] if id else []
    data = object_of(given.get("data"), "input.data", BAD_SEARCH)
    _only(data, ("concepts", "image", "metadata", "geo", "url", "base64"), "input.data")
    image = object_of(data.get("image"), "input.data.image", BAD_SEARCH)
    _only(image, ("url", "base64", "crop", "allow_duplicate_url"), "input.data.image")
    url = text_of(image.get("url"), "input.data.image.url", BAD_SEARCH)
    if url and url[:5].lower() != "data:":
        terms.append(exact_url(request, url))
    elif url or image.get("base64"):
        terms.append(visual(request, "", image))  # bytes cannot be compared: the likest are meant
    if data.get("url") or data.get("base64"):
        loose = {name: data.get(name) for name in ("url", "base64")}
        terms.append(visual(request, "", loose))
    return terms + _annotated(meanings, data.get("concepts")) + _facts(data)


def _annotated(meanings: Meanings, concepts: Any) -> list[ls.Term]:
    terms: list[ls.Term] = []
    for each in list_of(concepts, "input.data.concepts", BAD_SEARCH):
        concept = object_of(each, "each of input.data.concepts", BAD_SEARCH)
        term = meanings.annotated(concept)
        terms.append(term if _is_wanted(concept) else negative(term))
    return terms


def _facts(data: Json) -> list[ls.Term]:
    terms: list[ls.Term] = []
    if data.get("metadata") is not None:
        document = object_of(data["metadata"], "data.metadata", BAD_SEARCH)
        terms.append(_metadata(document) if document else EVERYTHING)
    if data.get("geo"):
        terms.append(place_term(object_of(data["geo"], "data.geo", BAD_SEARCH)))
    return terms


def _metadata(document: Json) -> ls.Term:
    try:
        return ls.metadata(document)
    except ls.InputError as error:
        raise Fault(BAD_SEARCH, error.message) from error


def _is_wanted(concept: Json) -> bool:
    return truth_of(concept.get("value"), "a concept's value", BAD_SEARCH)


def _all(terms: Sequence[ls.Term]) -> ls.Term:
    kept = [each for each in dict.fromkeys(terms) if each != EVERYTHING]
    if not kept:
        return EVERYTHING
    return kept[0] if len(kept) == 1 else And(tuple(kept))


def _any(terms: Sequence[ls.Term]) -> ls.Term:
    kept = list(dict.fromkeys(terms))
    return kept[0] if len(kept) == 1 else Or(tuple(kept))


def negative(term: ls.Term) -> ls.Term:
    """NOT of a term: what is probable, or very alike, is dropped. Twice NOT is none."""
    return term.term if isinstance(term, Not) and term != EVERYTHING else Not(_probable(term))


def _probable(term: ls.Term) -> ls.Term:
    """The term as NOT means it."""
    if isinstance(term, Concept):
        return Concept(term.name, max(term.at_least, PROBABLE))
    if isinstance(term, And):
        return And(tuple(_probable(each) for each in term.terms))
    if isinstance(term, Or):
        return Or(tuple(_probable(each) for each in term.terms))
    if isinstance(term, Like) and term.min_score is None:
        return Like(term.source, term.id, term.base64, term.data, ALIKE, term.region)
    if isinstance(term, Text) and term.min_score is None:
        return Text(term.query, PROBABLE)
    if isinstance(term, Sum) and term.min_score is None:
        return term.reaching(PROBABLE)
    return term


def _only(given: Json, known: tuple[str, ...], where: str) -> None:
    """Fault 40002 for a key that is not understood; one without a value says nothing."""
    for key, value in given.items():
        if key not in known and value not in (None, "", [], {}, False):
            raise Fault(BAD_SEARCH, f"{where} has no {str(key)[:40]}; it has {', '.join(known)}")


__all__ = ["EVERYTHING", "NOTHING", "negative", "tree_of"]
