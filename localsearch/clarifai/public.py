"""The public concepts: those of the pack, under the ids that old programs know where there are any.

Never the user's own. Invariant: each has an id, a name and a date that are not empty.
"""

from __future__ import annotations

from collections.abc import Iterator

import localsearch as ls
from localsearch.clarifai.annotations import EPOCH
from localsearch.clarifai.answer import Json
from localsearch.clarifai.model import MAIN
from localsearch.clarifai.old_names import OldNames
from localsearch.clarifai.room import Request

TAUGHT = "taught"


def public_id(old_names: OldNames, id: str, name: str) -> str:
    """The id by which old programs know a concept of the pack, else its own."""
    old = old_names.of_concept(name)
    return id if old is None else old.id


def public_shape(id: str, name: str) -> Json:
    """A public concept as it is listed."""
    return {"id": id, "name": name, "created_at": EPOCH, "language": "en", "app_id": MAIN}


def public_concepts(request: Request) -> Iterator[Json]:
    """All of them: the pack's by name, then what old names mean beside them."""
    old_names, seen = request.room.old_names, set[str]()
    for one in request.library.concepts():
        if one.kind != TAUGHT:
            id = public_id(old_names, one.id, one.name)
            if id not in seen:
                seen.add(id)
                yield public_shape(id, one.name)
    for old in old_names.lines:
        id = old.id or old.name
        if old.name and id not in seen:
            seen.add(id)
            yield public_shape(id, old.name)


def public_concept(request: Request, id: str) -> Json | None:
    """The public concept of exactly this id, the pack's or an old one."""
    old_names = request.room.old_names
    old = old_names.by_id(id)
    if old is not None:
        return public_shape(id, old.name or id)
    try:
        found = request.library.concept(id)
    except ls.QueryUnknownConcept:
        return None
    return public_shape(id, found.name) if found.id == id and found.kind != TAUGHT else None
