"""Models of a user's own: some of the user's concepts, each taught by the inputs that carry it.

A model is a note; what it has learned are taught concepts of the library, one for each of its
concepts, named after both. Never trains by itself. Invariant: a model is trained when each of its
concepts is taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import localsearch as ls
from localsearch.clarifai.model import Model, model_shape
from localsearch.clarifai.shapes import APP, time_of

KIND: Final = "model"
"""The kind of the notes (frozen: it stands in stores)."""


def own_models(library: ls.Library) -> list[Model]:
    """All of them, in the order of making."""
    notes = library.notes(KIND)
    taught = {one.name for one in library.taught()} if notes else set[str]()
    return [_model(note, taught) for note in notes]


def taught_by_models(library: ls.Library) -> dict[str, str]:
    """The ids of the concepts of all own models, by the name of the taught concept."""
    return {
        taught_name(note.id, each): each
        for note in library.notes(KIND)
        for each in note.document["concepts"]
    }


def taught_name(model: str, concept: str) -> str:
    """The name of the taught concept that a model's concept is."""
    return f"{' '.join(model.split())}: {' '.join(concept.split())}"


def document_of(name: str, concepts: Sequence[str], version: str, made: str) -> dict[str, Any]:
    """What is noted of a model."""
    return {"name": name, "concepts": list(concepts), "version": version, "made": made}


def _model(note: ls.Note, taught: set[str]) -> Model:
    told = note.document
    concepts = tuple(told["concepts"])
    trained = bool(concepts) and all(taught_name(note.id, each) in taught for each in concepts)
    created = time_of(note.made_at)
    shape = model_shape(
        *(note.id, told["name"], "concept", APP, created, told["version"], told["made"]),
        trained=trained,
    )
    return Model(note.id, told["name"], "concept", shape, concepts, trained)
