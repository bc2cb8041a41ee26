"""What users say that a photo shows: their concepts, which are the library's tags.

A concept's id is the tag; its name, where it has another one, is a note beside it, so that giving
it another name touches no photo. Never a model's guess. Invariant: a concept always has a name
that is not empty: without a note it is its id.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import localsearch as ls
from localsearch.clarifai.answer import BAD_INPUT, Fault, Json
from localsearch.clarifai.reading import list_of, number_of, object_of, text_of
from localsearch.clarifai.room import Request
from localsearch.deferred import NamedTuple

KIND = "concept"
"""The kind of the notes (frozen: it stands in stores)."""

EPOCH = "2016-03-17T11:43:01Z"
"""Since when concepts are there of which nobody noted it: of a pack, or tags set elsewhere."""

POSITIVE = 0.5
"""A user's value from here on says that it is so."""


def folded(text: str) -> str:
    """A name or id as it is compared: tags are, without regard to case."""
    return unicodedata.normalize("NFC", " ".join(text.split()).casefold())


class Annotation(NamedTuple):
    """One concept that a user put on something: `name` is "" where only the id was told."""

    id: str
    name: str
    value: bool


class Names:
    """The names of a user's concepts at one moment."""

    def __init__(self, notes: Sequence[ls.Note]) -> None:
        self.notes = {folded(one.id): one for one in notes}

    @classmethod
    def read(cls, library: ls.Library) -> Names:
        """As the library holds them now."""
        return cls(library.notes(KIND))

    def note(self, id: str) -> ls.Note | None:
        """What was noted of an id."""
        return self.notes.get(folded(id))

    def name_of(self, id: str) -> str:
        """The name of a concept; its id where nothing else was said."""
        note = self.note(id)
        name = note.document.get("name") if note is not None else None
        return name if isinstance(name, str) and name else id

    def ids_named(self, name: str) -> list[str]:
        """The ids of the concepts of this name, in the order of making."""
        wanted = folded(name)
        return [one.id for one in self.notes.values() if folded(self.name_of(one.id)) == wanted]


def annotations_of(concepts: Any, names: Names, *, sorts: bool = True) -> list[Annotation]:
    """The concepts of an item. Fault 30104 for what is none.

    `sorts` False: values are ignored, as where concepts are taken off.
    """
    found: dict[str, Annotation] = {}
    for each in list_of(concepts, "data.concepts", BAD_INPUT):
        one = annotation_of(object_of(each, "each of data.concepts", BAD_INPUT), names, sorts)
        found[folded(one.id)] = one
    return list(found.values())


def annotation_of(concept: Json, names: Names, sorts: bool = True) -> Annotation:
    """One concept; one that has only a name is the one of that name, or a new one of that id."""
    id = text_of(concept.get("id"), "a concept's id", BAD_INPUT)
    name = text_of(concept.get("name"), "a concept's name", BAD_INPUT)
    if not id and not name:
        raise Fault(BAD_INPUT, "a concept has an id or a name")
    if not id:
        id = next(iter(names.ids_named(name)), name)
    if not id.isprintable() or len(id) > 200:
        raise Fault(BAD_INPUT, "a concept's id is 1 to 200 printable characters")
    return Annotation(" ".join(id.split()), name, _is_so(concept.get("value")) if sorts else True)


def _is_so(value: object) -> bool:
    """True before 1, since true is a whole number too; absent is yes."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    number = number_of(value, "a concept's value", BAD_INPUT)
    return number is None or number >= POSITIVE


def public_name(request: Request, id: str) -> str:
    """The name of the public concept of an old id; "" for any other."""
    old = request.room.old_names.by_id(id)
    return "" if old is None else old.name


def note_names(request: Request, said: Iterable[Annotation], names: Names) -> None:
    """Remember concepts that are new, and names that are told for the first time."""
    fresh: dict[str, tuple[str, dict[str, Any]]] = {}
    for one in said:
        known = names.note(one.id)
        nameless = known is None or names.name_of(one.id) == one.id
        if nameless and (known is None or one.name not in ("", one.id)):
            name = one.name or public_name(request, one.id) or one.id
            id = known.id if known else one.id
            fresh.setdefault(folded(one.id), (id, {"name": name}))
    if fresh:
        request.library.put_notes(KIND, dict(fresh.values()))
