"""`app.concepts`: the concepts that can be said of images and searched for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localsearch.rest.api import ApiClient
from localsearch.rest.concept import Concept, concept_of
from localsearch.rest.errors import UserError

_PER_PAGE = 20


class Concepts:
    """The concepts of a library."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api

    def get_all(self) -> Iterator[Concept]:
        """All concepts."""
        page = 1
        while found := self.api.get_concepts(page, _PER_PAGE)["concepts"]:
            yield from map(concept_of, found)
            page += 1

    def get_by_page(self, page: int = 1, per_page: int = 20) -> list[Concept]:
        """A page of the concepts."""
        return [concept_of(one) for one in self.api.get_concepts(page, per_page)["concepts"]]

    def get(self, concept_id: str) -> Concept | None:
        """A concept by its id. Raises ApiError if there is none."""
        found = self.api.get_concept(concept_id).get("concept")
        return concept_of(found) if found else None

    def search(self, term: str, lang: str | None = None) -> Iterator[Concept]:
        """Concepts by name; `*` stands for any letters."""
        page = 1
        while found := self.api.search_concepts(term, page, _PER_PAGE, lang)["concepts"]:
            yield from map(concept_of, found)
            page += 1

    def create(self, concept_id: str, concept_name: str | None = None) -> Concept:
        """Make a concept; without a name it is named by its id."""
        return self.bulk_create([concept_id], [concept_name])[0]

    def bulk_create(
        self, concept_ids: Sequence[str], concept_names: Sequence[str | None] | None = None
    ) -> list[Concept]:
        """Make several concepts."""
        answer = self.api.add_concepts(concept_ids, concept_names)
        return [concept_of(one) for one in answer["concepts"]]

    def update(self, concept_id: str, concept_name: str, action: str = "overwrite") -> Concept:
        """Rename a concept."""
        return self.bulk_update([concept_id], [concept_name], action)[0]

    def bulk_update(
        self, concept_ids: Sequence[str], concept_names: Sequence[str], action: str = "overwrite"
    ) -> list[Concept]:
        """Rename several concepts."""
        if len(concept_ids) != len(concept_names):
            raise UserError("one name for each id of a concept")
        named = [
            Concept(concept_name=name, concept_id=one)
            for one, name in zip(concept_ids, concept_names, strict=True)
        ]
        return [concept_of(one) for one in self.api.patch_concepts(action, named)["concepts"]]
