"""What a search asks for: terms on what users said, terms on what is seen, and their list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localsearch.rest.errors import UserError
from localsearch.rest.geo import Geo
from localsearch.rest.pictures_in import base64_text
from localsearch.rest.wire import Json

Value = bool | float | None


class SearchTerm:
    """A term of a search: an InputSearchTerm or an OutputSearchTerm."""

    def dict(self) -> Json:
        """As it travels."""
        raise UserError("a search term is an InputSearchTerm or an OutputSearchTerm")


class InputSearchTerm(SearchTerm):
    """What users said of an input: its URL, id, concepts, metadata or place.

    The first that is given counts. `value` False asks for inputs that are not so.
    """

    def __init__(
        self,
        url: str | None = None,
        input_id: str | None = None,
        concept: str | None = None,
        concept_id: str | None = None,
        value: Value = True,
        metadata: Json | None = None,
        geo: Geo | None = None,
    ) -> None:
        self.url = url
        self.input_id = input_id
        self.concept = concept
        self.concept_id = concept_id
        self.value = value
        self.metadata = metadata
        self.geo = geo

    def dict(self) -> Json:
        """As it travels."""
        if self.url:
            return {"input": {"data": {"image": {"url": self.url}}}}
        if self.input_id:
            return {"input": {"id": self.input_id, "data": {"image": {}}}}
        if self.concept or self.concept_id:
            return {"input": {"data": _concepts(self.concept, self.concept_id, self.value)}}
        if self.metadata:
            return {"input": {"data": {"metadata": self.metadata}}}
        if self.geo:
            return {"input": {"data": self.geo.dict()}}
        raise _empty("InputSearchTerm")


class OutputSearchTerm(SearchTerm):
    """What is seen: likeness to a picture (by URL, base64 or id), or a concept.

    The first that is given counts. `value` False asks for inputs without the concept.
    """

    def __init__(
        self,
        url: str | None = None,
        base64: str | bytes | None = None,
        input_id: str | None = None,
        concept: str | None = None,
        concept_id: str | None = None,
        value: Value = True,
        crop: Sequence[float] | None = None,
    ) -> None:
        self.url = url
        self.base64 = base64
        self.input_id = input_id
        self.concept = concept
        self.concept_id = concept_id
        self.value = value
        self.crop = crop

    def dict(self) -> Json:
        """As it travels."""
        if self.url:
            return self._like({}, {"url": self.url})
        if self.base64:
            return self._like({}, {"base64": base64_text(self.base64)})
        if self.input_id:
            return self._like({"id": self.input_id}, {})
        if self.concept or self.concept_id:
            return {"output": {"data": _concepts(self.concept, self.concept_id, self.value)}}
        raise _empty("OutputSearchTerm")

    def _like(self, named: Json, image: Json) -> Json:
        if self.crop:
            image["crop"] = list(self.crop)
        return {"output": {"input": {**named, "data": {"image": image}}}}


class SearchQueryBuilder:
    """A list of terms that must all hold."""

    def __init__(self, language: str | None = None) -> None:
        self.terms: list[SearchTerm] = []
        self.language = language

    def add_term(self, term: Any) -> None:
        """Add a term. Raises UserError for anything but a search term."""
        if not isinstance(term, InputSearchTerm | OutputSearchTerm):
            raise UserError(
                "first level search term could be only InputSearchTerm, OutputSearchTerm"
            )
        self.terms.append(term)

    def dict(self) -> Json:
        """The query as it travels."""
        query: Json = {"ands": [term.dict() for term in self.terms]}
        if self.language is not None:
            query["language"] = self.language
        return query


def _concepts(name: str | None, concept_id: str | None, value: Value) -> Json:
    named = {"name": name} if name else {"id": concept_id}
    return {"concepts": [{**named, "value": value}]}


def _empty(kind: str) -> UserError:
    return UserError(f"an {kind} without anything to search for", hint="give it one argument")
