"""Predictions: what a model says of pictures, without storing them.

Concepts fall by value, at most 20 where nothing else is said. Invariant: one bad picture spoils
its own output only.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import localsearch as ls
from localsearch.clarifai.annotations import Names, folded
from localsearch.clarifai.answer import (
    BAD_INPUT,
    BAD_MODEL_REQUEST,
    BAD_PREDICT,
    OK,
    UNDECODABLE,
    Answer,
    Fault,
    Json,
    batch,
    ok,
    status_of,
)
from localsearch.clarifai.inputs import no_input
from localsearch.clarifai.making import bytes_of, cut
from localsearch.clarifai.media import fetched, image_of, media_of
from localsearch.clarifai.model import GENERAL, MAIN, Model
from localsearch.clarifai.models import model_of
from localsearch.clarifai.own_models import taught_by_models, taught_name
from localsearch.clarifai.patching import action_of, change_concepts
from localsearch.clarifai.public import public_id
from localsearch.clarifai.reading import items_of, list_of, number_of, object_of, text_of
from localsearch.clarifai.room import Request
from localsearch.clarifai.seeing import input_of_url
from localsearch.clarifai.shapes import APP, CODE_OF_STATE, new_id, now
from localsearch.deferred import NamedTuple

_DEFAULT: Final = 20
_MOST: Final = 200
_ALL: Final = 1_000_000
_BYTES_WERE_SENT: Final = {"base64": "dHJ1ZQ=="}
"""What the service answered in place of bytes: base64 of "true"."""


class Config(NamedTuple):
    """What is wanted of each picture; `only` are folded names and ids, None for all concepts."""

    limit: int = _DEFAULT
    least: float = 0.0
    only: frozenset[str] | None = None


def predict(request: Request) -> Answer:
    """POST /models/{id}/outputs; any version is the one there is."""
    model = model_of(request, request.parts[0])
    if not model.is_trained:
        raise Fault(BAD_MODEL_REQUEST, "this model is not trained yet: POST .../versions")
    config = _config(request.get("model"))
    items = items_of(request.body, "inputs", BAD_PREDICT)
    outputs = [_output(request, model, config, item) for item in items]
    failed = sum(each["status"]["code"] != OK for each in outputs)
    return batch("outputs", outputs, failed)


def of_input(request: Request) -> Answer:
    """GET /inputs/{id}/outputs: what the general model says of one that is stored."""
    return ok(outputs=[_stored_output(request)])


def patch_of_input(request: Request) -> Answer:
    """PATCH /inputs/{id}/outputs: a user's word on what was predicted, which is an annotation."""
    request.check_may_write()
    action = action_of(request.get("action"))
    for each in items_of(request.body, "outputs", BAD_PREDICT):
        data = object_of(each.get("data"), "data", BAD_PREDICT)
        change_concepts(request, action, request.parts[0], data.get("concepts"))
    return ok(outputs=[_stored_output(request)])


def _stored_output(request: Request) -> Json:
    (id,) = request.parts
    found = request.library.get_many([id])
    if not found or found[0].removed:
        raise no_input(id)
    url = found[0].source_url or request.picture_url(found[0])
    data = _predicted(request, GENERAL, Config(), {"id": id})
    return _shape(GENERAL, id, {"url": url}, status_of(OK), data)


def _config(model: Any) -> Config:
    given = object_of(model, "model", BAD_PREDICT)
    info = object_of(given.get("output_info"), "output_info", BAD_PREDICT)
    told = object_of(info.get("output_config"), "output_config", BAD_PREDICT)
    most = number_of(told.get("max_concepts"), "max_concepts", BAD_PREDICT) or 0
    least = number_of(told.get("min_value"), "min_value", BAD_PREDICT) or 0.0
    if not 0 <= least <= 1:
        raise Fault(BAD_PREDICT, "'min_value' must be within the interval [0,1].")
    if most < 0:
        raise Fault(BAD_PREDICT, f"max_concepts is from 1 to {_MOST}, not {most:g}")
    selected = list_of(told.get("select_concepts"), "select_concepts", BAD_PREDICT)
    only = frozenset(_wanted(each) for each in selected) if selected else None
    limit = min(int(most), _MOST) if most >= 1 else (_MOST if only else _DEFAULT)
    return Config(limit, least, only)


def _wanted(concept: Any) -> str:
    given = object_of(concept, "each of select_concepts", BAD_PREDICT)
    id = text_of(given.get("id"), "a concept's id", BAD_PREDICT)
    name = text_of(given.get("name"), "a concept's name", BAD_PREDICT)
    if not id and not name:
        raise Fault(BAD_PREDICT, "each of select_concepts has an id or a name")
    return id or name


def _output(request: Request, model: Model, config: Config, item: Json) -> Json:
    id, image = new_id(), dict[str, Any]()
    try:
        id = text_of(item.get("id"), "id", BAD_INPUT) or id
        data = object_of(item.get("data"), "data", BAD_INPUT)
        known = item.get("id") and not data.get("image") and request.library.get_many([id])
        if known and not known[0].removed:
            image = {"url": known[0].source_url or request.picture_url(known[0])}
            found = _predicted(request, model, config, {"id": id})
        else:
            sent = image_of(data)
            image = _echo(sent)
            found = _predicted(request, model, config, _source(request, sent))
    except Fault as fault:
        return _shape(model, id, image, status_of(fault.code, fault.details))
    return _shape(model, id, image, status_of(OK), found)


def _shape(model: Model, id: str, image: Json, status: Json, data: Json | None = None) -> Json:
    output: Json = {
        "id": new_id(),
        "status": status,
        "created_at": now(),
        "model": model.shape,
        "input": {"id": id, "data": {"image": image}},
    }
    return output if data is None else {**output, "data": data}


def _echo(image: Json) -> Json:
    """The picture as it was sent; of bytes only that they were."""
    url = image.get("url")
    if isinstance(url, str) and url.strip() and url[:5].lower() != "data:":
        return {"url": url}
    return dict(_BYTES_WERE_SENT) if image.get("base64") or url else {}


def _source(request: Request, image: Json) -> dict[str, Any]:
    """The picture as `Library.predict` takes it."""
    url = text_of(image.get("url"), "image.url", BAD_INPUT)
    if url and not image.get("base64") and not image.get("crop"):
        known = input_of_url(request, url)
        if known is not None:
            return {"id": known.id}
    media = media_of(request, image)
    if media.data is None and media.path is None:
        media = media._replace(data=fetched(request.room, media.url))
    return {"source": cut(media)} if media.region is not None else {"data": bytes_of(media)}


def _predicted(request: Request, model: Model, config: Config, source: dict[str, Any]) -> Json:
    try:
        if model.kind == "embed":
            vector = request.library.embed(**source)
            return {"embeddings": [{"vector": vector, "num_dimensions": len(vector)}]}
        if model.concepts is not None:
            return {"concepts": _by_own(request, model, config, source)}
        found = _by_general(request, config, source)
    except ls.PictureError as error:
        raise Fault(CODE_OF_STATE.get(error.state, UNDECODABLE), error.reason) from error
    except ls.LibraryMissing as error:
        raise Fault(BAD_INPUT, error.message) from error
    return {"concepts": [_concept(request, each) for each in found]}


def _by_general(request: Request, config: Config, source: dict[str, Any]) -> list[ls.ConceptValue]:
    """What the general model says, without what only models of the user's own say."""
    others = taught_by_models(request.library)
    every = [
        each for each in request.library.predict(**source, limit=_ALL) if each.name not in others
    ]
    every = sorted([*every, *_opposites(request, every)], key=lambda each: -each.value)
    wanted = None if config.only is None else _selected(request, config.only)
    return [
        each
        for each in every
        if each.value >= config.least and (wanted is None or each.id in wanted)
    ][: config.limit]


def _opposites(request: Request, every: Sequence[ls.ConceptValue]) -> list[ls.ConceptValue]:
    """Old concepts that deny one of ours ("no person"), of pictures that do not show it."""
    values = {each.id: each.value for each in every}
    found = []
    for old in request.room.old_names.opposites:
        assert old.denied is not None  # so these lines were chosen
        with suppress(ls.QueryUnknownConcept):
            value = values.get(request.library.concept(old.denied.name).id, 0.0)
            if value < old.denied.at_least:
                found.append(ls.ConceptValue(old.id or old.name, old.name, 1 - value))
    return found


def _by_own(request: Request, model: Model, config: Config, source: dict[str, Any]) -> list[Json]:
    """What a user's own model says: each of its concepts, under the user's id."""
    names = Names.read(request.library)
    ids = {taught_name(model.id, each): each for each in model.concepts or ()}
    wanted = None if config.only is None else {folded(each) for each in config.only}
    told: list[Json] = []
    for each in request.library.predict(**source, limit=_ALL, at_least=config.least):
        if (id := ids.get(each.name)) is None:
            continue
        name = names.name_of(id)
        if wanted is None or {folded(id), folded(name)} & wanted:
            told.append({"id": id, "name": name, "value": round(each.value, 7), "app_id": APP})
    return told[: config.limit]


def _selected(request: Request, only: frozenset[str]) -> set[str]:
    """The pack's ids of what was selected; what is unknown is left out."""
    from localsearch.clarifai.meanings import Meanings
    from localsearch.search.terms import Concept

    meanings, asked = Meanings(request), {folded(each) for each in only}
    terms = [meanings.predicted({"id": each}) for each in only]
    names = [each.name for each in terms if isinstance(each, Concept)]
    opposites = request.room.old_names.opposites
    denied = {old.id or old.name for old in opposites if asked & {folded(old.id), folded(old.name)}}
    return {request.library.concept(name).id for name in names} | denied


def _concept(request: Request, one: ls.ConceptValue) -> Json:
    taught = one.id.startswith("taught:")
    id = one.id if taught else public_id(request.room.old_names, one.id, one.name)
    value = round(one.value, 7)
    return {"id": id, "name": one.name, "value": value, "app_id": APP if taught else MAIN}
