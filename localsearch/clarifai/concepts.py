"""Concepts as such: listed, searched, made, renamed.

Listed are the user's own: those that were made, tags in use, and what was taught. A search finds
the public ones too. Never touches an input: a name is a note beside its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import localsearch as ls
from localsearch.clarifai.annotations import EPOCH, KIND, Names, folded
from localsearch.clarifai.answer import (
    BAD_CONCEPT,
    NO_RESOURCE,
    Answer,
    Fault,
    Json,
    ok,
)
from localsearch.clarifai.own_models import taught_by_models
from localsearch.clarifai.public import public_concept, public_concepts
from localsearch.clarifai.reading import items_of, object_of, text_of
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import APP, time_of

_LONGEST: Final = 200


def listed(request: Request) -> Answer:
    """GET /concepts."""
    return ok(concepts=request.paging.cut(own_concepts(request)))


def get(request: Request) -> Answer:
    """GET /concepts/{id}: one of the user's, or a public one."""
    (id,) = request.parts
    found = _own(request).get(folded(id)) or public_concept(request, id)
    if found is None:
        raise _none(id)
    return ok(concept=found)


def create(request: Request) -> Answer:
    """POST /concepts: all of them, or (if one is taken) none."""
    request.check_may_write()
    items = items_of(request.body, "concepts", BAD_CONCEPT)
    with request.room.writing:
        taken, made = set(_own(request)), dict[str, Json]()
        for each in items:
            id, name = _id_and_name(each)
            if folded(id) in taken:
                raise Fault(BAD_CONCEPT, f"there is a concept with the id {id[:80]}")
            taken.add(folded(id))
            made[id] = {"name": name, "language": _language(each)}
        request.library.put_notes(KIND, made)
        own = _own(request)
    return ok(concepts=[own[folded(id)] for id in made])


def patch(request: Request) -> Answer:
    """PATCH /concepts: gives concepts of the user other names."""
    request.check_may_write()
    word = text_of(request.get("action"), "action", BAD_CONCEPT).lower() or "overwrite"
    if word not in ("overwrite", "merge"):
        raise Fault(BAD_CONCEPT, f"concepts can be overwritten, not {word[:40]}")
    items = items_of(request.body, "concepts", BAD_CONCEPT)
    with request.room.writing:
        own = _own(request)
        wanted = [_id_and_name(each) for each in items]
        for id, _ in wanted:
            if folded(id) not in own:
                if public_concept(request, id) is not None:
                    raise Fault(BAD_CONCEPT, f"{id[:80]} is public: it cannot be changed")
                raise _none(id)
        for (id, name), each in zip(wanted, items, strict=True):
            _rename(request, own[folded(id)], name, _language(each))
        now = _own(request)
    return ok(concepts=[now[folded(id)] for id, _ in wanted])


def search(request: Request) -> Answer:
    """POST /concepts/searches: by name, with `*` for any text; the user's own ones first."""
    query = object_of(request.get("concept_query"), "concept_query", BAD_CONCEPT)
    name = text_of(query.get("name"), "concept_query.name", BAD_CONCEPT) or "*"
    found = _matching(name, own_concepts(request)) + _matching(name, public_concepts(request))
    if not found and "*" not in name:
        found = _by_synonym(request, name)
    return ok(concepts=request.paging.cut(found))


def own_concepts(request: Request) -> list[Json]:
    """The user's own: in the order of making, then tags that nobody named, by id."""
    return list(_own(request).values())


def _own(request: Request) -> dict[str, Json]:
    """By folded id."""
    library = request.library
    names = Names.read(library)
    found: dict[str, Json] = {}
    for note in names.notes.values():
        language = note.document.get("language")
        found[folded(note.id)] = _shape(
            note.id, names.name_of(note.id), time_of(note.made_at), language
        )
    for tag in library.tags():
        found.setdefault(folded(tag), _shape(tag, tag, EPOCH, None))
    of_models = taught_by_models(library)
    for one in library.taught():
        if one.name in of_models:
            continue  # it stands there under the user's own id
        found.setdefault(folded(one.id), _shape(one.id, one.name, EPOCH, None))
    return found


def _shape(id: str, name: str, created: str, language: object) -> Json:
    told = language if isinstance(language, str) and language else "en"
    return {"id": id, "name": name, "created_at": created, "language": told, "app_id": APP}


def _rename(request: Request, own: Json, name: str, language: str) -> None:
    if own["id"].startswith("taught:"):
        request.library.rename_taught(own["name"], name)
    else:
        request.library.put_note(KIND, own["id"], {"name": name, "language": language})


def _id_and_name(concept: Json) -> tuple[str, str]:
    id = " ".join(text_of(concept.get("id"), "a concept's id", BAD_CONCEPT).split())
    name = text_of(concept.get("name"), "a concept's name", BAD_CONCEPT)
    if not id and not name:
        raise Fault(BAD_CONCEPT, "a concept has an id or a name")
    id = id or " ".join(name.split())
    if not id.isprintable() or len(id) > _LONGEST:
        raise Fault(BAD_CONCEPT, f"a concept's id is 1 to {_LONGEST} printable characters")
    return id, name or id


def _language(concept: Json) -> str:
    return text_of(concept.get("language"), "a concept's language", BAD_CONCEPT) or "en"


def _matching(pattern: str, concepts: Iterable[Json]) -> list[Json]:
    parts = [re.escape(folded(each)) for each in pattern.split("*")]
    wanted = re.compile(".*".join(parts), re.DOTALL)
    return [each for each in concepts if wanted.fullmatch(folded(each["name"]))]


def _by_synonym(request: Request, name: str) -> list[Json]:
    try:
        wanted = request.library.concept(name)
    except ls.QueryUnknownConcept:
        return []
    return _matching(wanted.name, public_concepts(request))


def _none(id: str) -> Fault:
    return Fault(NO_RESOURCE, f"there is no concept with the id {id[:80]}")
