"""A concept, as the old client showed it."""

from __future__ import annotations

from localsearch.rest.wire import Json


class Concept:
    """A concept: its name, id, app, time of making, and a value where one was said."""

    def __init__(
        self,
        concept_name: str | None = None,
        concept_id: str | None = None,
        app_id: str | None = None,
        created_at: str | None = None,
        value: float | None = None,
    ) -> None:
        self.concept_name = concept_name
        self.concept_id = concept_id
        self.app_id = app_id
        self.created_at = created_at
        self.value = value

    def dict(self) -> Json:
        """As it travels, without what is not known."""
        told = {
            "name": self.concept_name,
            "id": self.concept_id,
            "app_id": self.app_id,
            "created_at": self.created_at,
            "value": self.value,
        }
        return {key: value for key, value in told.items() if value is not None}


def concept_of(item: Json) -> Concept:
    """The concept of an answer."""
    return Concept(
        concept_name=item.get("name") or item.get("id"),
        concept_id=item.get("id"),
        app_id=item.get("app_id"),
        created_at=item.get("created_at"),
        value=item.get("value"),
    )
