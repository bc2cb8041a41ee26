"""What a concept of a query means: an old name, a concept of the pack or a taught one, or a tag.

Ids and names are looked up as what they are said to be and then as the other, since clients mix
them up. Never raises for an unknown one: it matches nothing, and the log has one line with the
names nearest to it.
"""

from __future__ import annotations

from typing import Final

import localsearch as ls
from localsearch.clarifai.annotations import Names, folded
from localsearch.clarifai.answer import BAD_SEARCH, Fault, Json
from localsearch.clarifai.old_names import OldName
from localsearch.clarifai.own_models import taught_by_models
from localsearch.clarifai.reading import text_of
from localsearch.clarifai.room import Request
from localsearch.log import logger
from localsearch.search.terms import And, Concept, Not, Or

NOTHING: Final = ls.ids([])

_MOST_TOLD: Final = 10_000


class Meanings:
    """Looks concepts up for one query; a user's own names are read once."""

    def __init__(self, request: Request) -> None:
        self._library = request.library
        self._old = request.room.old_names
        self._told = request.room.told
        self._names: Names | None = None

    @property
    def names(self) -> Names:
        """The names of the user's own concepts."""
        if self._names is None:
            self._names = Names.read(self._library)
        return self._names

    def predicted(self, concept: Json) -> ls.Term:
        """What ranks by a concept's probability."""
        id, name = _id_and_name(concept)
        found = self._by_id(id) if id else None
        if found is None and name:
            found = self._by_name(name)
        if found is None:
            self._tell(id or name)
            return NOTHING
        return found

    def annotated(self, concept: Json) -> ls.Term:
        """What filters by a user's word."""
        id, name = _id_and_name(concept)
        tags = self._tags_of_id(id) if id else self._tags_of_name(name)
        terms = [ls.tag(each) for each in dict.fromkeys(tags)]
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _by_id(self, id: str) -> ls.Term | None:
        old = self._old.by_id(id)
        if old is not None:
            return self._answerable(old)
        found = self._in_pack(id)
        if found is None:
            found = self._in_model(id)
        if found is None and self.names.note(id) is not None:
            found = self._by_name(self.names.name_of(id))
        return self._by_name(id) if found is None else found

    def _by_name(self, name: str) -> ls.Term | None:
        old = self._old.by_name(name)
        if old is not None and self._old.is_users(name):
            return self._answerable(old)
        found = self._in_pack(name)
        if found is None and old is not None:
            found = self._answerable(old)
        if found is None and (by_id := self._old.by_id(name)) is not None:
            found = self._answerable(by_id)
        own = (self._in_model(id) for id in (name, *self.names.ids_named(name)))
        return next((one for one in own if one is not None), None) if found is None else found

    def _in_pack(self, name: str) -> ls.Term | None:
        try:
            return Concept(self._library.concept(name).id)
        except ls.QueryUnknownConcept:
            return None

    def _in_model(self, id: str) -> ls.Term | None:
        """A concept of the user's that a model of the user's has learned."""
        known = taught_by_models(self._library)
        names = [name for name, one in known.items() if folded(one) == folded(id)]
        found = [one for name in names if (one := self._in_pack(name)) is not None]
        if len(found) < 2:
            return found[0] if found else None
        return Or(tuple(found))

    def _answerable(self, old: OldName) -> ls.Term | None:
        """The meaning of an old name, as far as this pack knows the concepts in it."""
        return self._known_part(old.meaning)

    def _known_part(self, term: ls.Term) -> ls.Term | None:
        """A term without the alternatives that are unknown; None where nothing is left."""
        if isinstance(term, Concept):
            return term if self._in_pack(term.name) is not None else None
        if isinstance(term, Not):
            inner = self._known_part(term.term)
            return None if inner is None else Not(inner)
        if not isinstance(term, And | Or):
            return term
        known = [one for each in term.terms if (one := self._known_part(each)) is not None]
        if isinstance(term, And) and len(known) < len(term.terms):
            return None
        if len(known) < 2:
            return known[0] if known else None
        return And(tuple(known)) if isinstance(term, And) else Or(tuple(known))

    def _tags_of_id(self, id: str) -> list[str]:
        if self.names.note(id) is not None:
            return [id]
        return [id, *self.names.ids_named(id)]

    def _tags_of_name(self, name: str) -> list[str]:
        found = self.names.ids_named(name)
        note = self.names.note(name)
        if note is None or folded(self.names.name_of(name)) == folded(name) or not found:
            found.append(name)
        return found

    def _tell(self, name: str) -> None:
        """One line for each unknown name, with the nearest."""
        if name in self._told:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told.add(name)
        try:
            self._library.concept(name)
        except ls.QueryUnknownConcept as error:
            logger().warning("no hits: %s (%s)", error.message, error.hint)


def _id_and_name(concept: Json) -> tuple[str, str]:
    id = text_of(concept.get("id"), "a concept's id", BAD_SEARCH)
    name = text_of(concept.get("name"), "a concept's name", BAD_SEARCH)
    if not id and not name:
        raise Fault(BAD_SEARCH, "a concept has an id or a name")
    return id, name
