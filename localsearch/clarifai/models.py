"""Models as they are listed: the general one and its embedding, under their public ids.

A list never tells a model's concepts (one client breaks on them); `output_info` does. Invariant:
each model has all the fields that the strictest constructor reads.
"""

from __future__ import annotations

import re

import localsearch as ls
from localsearch.clarifai.annotations import Names
from localsearch.clarifai.answer import (
    BAD_MODEL_REQUEST,
    NO_MODEL,
    Answer,
    Fault,
    Json,
    ok,
)
from localsearch.clarifai.model import PUBLIC, Model
from localsearch.clarifai.own_models import own_models
from localsearch.clarifai.public import public_concepts, public_shape
from localsearch.clarifai.reading import object_of, text_of
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import APP, inputs_of
from localsearch.search.terms import Or


def all_models(request: Request) -> list[Model]:
    """Every model, the public ones first."""
    return [*PUBLIC, *own_models(request.library)]


def model_of(request: Request, id: str) -> Model:
    """The model of an id. Fault 21200."""
    for one in all_models(request):
        if one.id == id:
            return one
    raise Fault(NO_MODEL, f"there is no model with the id {id[:80]}; GET /v2/models lists all")


def listed(request: Request) -> Answer:
    """GET /models: page by page, and past the end an empty list, or a constructor never ends."""
    return ok(models=request.paging.cut([one.shape for one in all_models(request)]))


def get(request: Request) -> Answer:
    """GET /models/{id}."""
    return ok(model=model_of(request, request.parts[0]).shape)


def output_info(request: Request) -> Answer:
    """GET /models/{id}/output_info: the model with its concepts."""
    model = model_of(request, request.parts[0])
    info = dict(model.shape["output_info"])
    if model.concepts is not None:
        info["data"] = {"concepts": [own_shape(request, each) for each in model.concepts]}
    elif model.kind == "concept":
        info["data"] = {"concepts": list(public_concepts(request))}
    return ok(model={**model.shape, "output_info": info})


def search(request: Request) -> Answer:
    """POST /models/searches: by name (`*` for any text) and type; nothing asked for is all."""
    query = object_of(request.get("model_query"), "model_query", BAD_MODEL_REQUEST)
    name = text_of(query.get("name"), "model_query.name", BAD_MODEL_REQUEST) or "*"
    kind = text_of(query.get("type"), "model_query.type", BAD_MODEL_REQUEST)
    found = [
        one.shape for one in all_models(request) if fits(name, one.name) and kind in ("", one.kind)
    ]
    return ok(models=request.paging.cut(found))


def fits(pattern: str, name: str) -> bool:
    """Whether a name is what a pattern says, `*` standing for any text."""
    parts = [re.escape(each.casefold()) for each in pattern.split("*")]
    return re.fullmatch(".*".join(parts), name.casefold(), re.DOTALL) is not None


def versions(request: Request) -> Answer:
    """GET /models/{id}/versions."""
    model = model_of(request, request.parts[0])
    return ok(model_versions=request.paging.cut([model.shape["model_version"]]))


def version(request: Request) -> Answer:
    """GET /models/{id}/versions/{v}."""
    id, wanted = request.parts
    found: Json = model_of(request, id).shape["model_version"]
    if found["id"] != wanted:
        raise Fault(NO_MODEL, f"the model {id[:80]} has no version {wanted[:80]}")
    return ok(model_version=found)


def inputs(request: Request) -> Answer:
    """GET /models/{id}/inputs: what it is trained with; of a public model nobody knows."""
    model, paging = model_of(request, request.parts[0]), request.paging
    if not model.concepts:
        return ok(inputs=[])
    said = [ls.tag(id, value) for id in model.concepts for value in (True, False)]
    page = request.library.search(Or(tuple(said)), limit=paging.per_page, page=paging.page)
    found = request.library.get_many([hit.id for hit in page])
    return ok(inputs=inputs_of(request, found))


def own_shape(request: Request, id: str) -> Json:
    """A concept of a user's model."""
    return {**public_shape(id, Names.read(request.library).name_of(id)), "app_id": APP}
