"""What a prediction is asked to tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localsearch.rest.concept import Concept
from localsearch.rest.wire import Json


class ModelOutputConfig:
    """How many concepts a prediction tells, from which value on, and which."""

    def __init__(
        self,
        mutually_exclusive: bool | None = False,
        closed_environment: bool | None = False,
        language: str | None = None,
        min_value: float | None = None,
        max_concepts: int | None = None,
        select_concepts: Sequence[Concept | str] | None = None,
        sample_ms: int | None = None,
    ) -> None:
        self.concepts_mutually_exclusive = mutually_exclusive
        self.closed_environment = closed_environment
        self.language = language
        self.min_value = min_value
        self.max_concepts = max_concepts
        self.select_concepts = select_concepts
        self.sample_ms = sample_ms

    def dict(self) -> Json:
        """As it travels, without what is not said."""
        chosen = self.select_concepts
        told: dict[str, Any] = {
            "concepts_mutually_exclusive": self.concepts_mutually_exclusive,
            "closed_environment": self.closed_environment,
            "language": self.language,
            "min_value": self.min_value,
            "max_concepts": self.max_concepts,
            "select_concepts": None if chosen is None else [_named(one) for one in chosen],
            "sample_ms": self.sample_ms,
        }
        return {"output_config": {key: one for key, one in told.items() if one is not None}}


class ModelOutputInfo:
    """The concepts of a model and its output config."""

    def __init__(
        self,
        concepts: Sequence[Concept] | None = None,
        output_config: ModelOutputConfig | None = None,
    ) -> None:
        self.concepts = concepts
        self.output_config = output_config

    def dict(self) -> Json:
        """As it travels."""
        told: Json = self.output_config.dict() if self.output_config else {}
        if self.concepts:
            told["data"] = {"concepts": [one.dict() for one in self.concepts]}
        return {"output_info": told}


def _named(concept: Concept | str) -> Json:
    return {"name": concept} if isinstance(concept, str) else concept.dict()
