"""A model as it is answered: the public ones, and the shape that all of them have.

Pure. Invariant: each has all the fields that the strictest constructor reads.
"""

from __future__ import annotations

from typing import Final

from localsearch.clarifai.answer import NOT_TRAINED, TRAINED, Json, status_of
from localsearch.deferred import NamedTuple

MAIN: Final = "main"
"""The app of what is public."""


class Model(NamedTuple):
    """A model: `kind` is "concept" or "embed"; `shape` is how it is answered. `concepts` are the
    ids of a user's own model, None for a public one."""

    id: str
    name: str
    kind: str
    shape: Json
    concepts: tuple[str, ...] | None = None
    is_trained: bool = True


def model_shape(
    id: str, name: str, kind: str, app: str, created: str, version: str, made: str, trained: bool
) -> Json:
    """How a model is answered; its version was made at `made`."""
    return {
        "id": id,
        "name": name,
        "created_at": created,
        "app_id": app,
        "output_info": {"type": kind, "type_ext": kind},
        "model_version": {
            "id": version,
            "created_at": made,
            "status": status_of(TRAINED if trained else NOT_TRAINED),
        },
    }


def _public(id: str, name: str, kind: str, created: str, version: str) -> Model:
    made = "2016-07-13T01:19:12Z"
    return Model(id, name, kind, model_shape(id, name, kind, MAIN, created, version, made, True))


GENERAL: Final = _public(
    "aaa03c23b3724a16a56b629203edc62c",
    "general-v1.3",
    "concept",
    "2016-03-09T17:11:39Z",
    "aa9ca48295b37401f8af92ad1af0d91d",
)
EMBEDDING: Final = _public(
    "bbb5f41425b8468d9b7a554ff10f8581",
    "general-v1.3",
    "embed",
    "2016-06-17T22:01:04Z",
    "bb186755eda04f9cbb6fe32e816be104",
)
PUBLIC: Final = (GENERAL, EMBEDDING)
