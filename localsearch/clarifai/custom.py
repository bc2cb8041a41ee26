"""Models of a user's own: made, changed, trained, deleted.

Training is what the library calls teaching: a probe on the stored features, learned in a moment
from the inputs that carry each concept, so the answer to a training is the trained model. What has
no such shape (clusters, detectors, deleting one version, metrics) is refused with 21203.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import localsearch as ls
from localsearch.clarifai.annotations import Annotation, Names, annotation_of, folded, note_names
from localsearch.clarifai.answer import (
    BAD_MODEL_ARGUMENT,
    BAD_MODEL_REQUEST,
    DUPLICATE_ID,
    Answer,
    Fault,
    Json,
    ok,
)
from localsearch.clarifai.model import Model
from localsearch.clarifai.models import all_models, model_of
from localsearch.clarifai.own_models import KIND, document_of, taught_name
from localsearch.clarifai.reading import flag_of, items_of, list_of, object_of, text_of
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import new_id, now

_LONGEST: Final = 90
"""Characters of an id: a taught concept is named after two of them."""


def create(request: Request) -> Answer:
    """POST /models."""
    request.check_may_write()
    given = object_of(request.get("model"), "model", BAD_MODEL_ARGUMENT)
    id = text_of(given.get("id"), "model.id", BAD_MODEL_ARGUMENT) or new_id()
    if not id.isprintable() or len(id) > _LONGEST:
        raise Fault(BAD_MODEL_ARGUMENT, f"a model's id is 1 to {_LONGEST} printable characters")
    name = text_of(given.get("name"), "model.name", BAD_MODEL_ARGUMENT) or id
    with request.room.writing:
        if any(one.id == id for one in all_models(request)):
            raise Fault(DUPLICATE_ID, f"there is a model with the id {id}")
        _keep(request, id, name, _concepts(request, given) or [])
    return ok(model=model_of(request, id).shape)


def patch(request: Request) -> Answer:
    """PATCH /models: other names, and concepts merged, overwritten or removed."""
    request.check_may_write()
    action = text_of(request.get("action"), "action", BAD_MODEL_ARGUMENT).lower() or "merge"
    if action not in ("merge", "overwrite", "remove"):
        raise Fault(BAD_MODEL_ARGUMENT, f"action is merge, overwrite or remove, not {action[:40]}")
    items = items_of(request.body, "models", BAD_MODEL_ARGUMENT)
    with request.room.writing:
        models = [_own(request, each) for each in items]
        for model, each in zip(models, items, strict=True):
            name = text_of(each.get("name"), "name", BAD_MODEL_ARGUMENT) or model.name
            told = _concepts(request, each)
            concepts = _joined(action, model.concepts or (), told)
            _forget(request, model, but=concepts)
            _keep(request, model.id, name, concepts)
    return ok(models=[model_of(request, one.id).shape for one in models])


def train(request: Request) -> Answer:
    """POST /models/{id}/versions: learn each concept from the inputs that carry it."""
    request.check_may_write()
    with request.room.writing:
        model = _own(request, {"id": request.parts[0]})
        if not model.concepts:
            raise Fault(BAD_MODEL_REQUEST, "a model has at least one concept to be trained")
        for concept in model.concepts:
            try:
                request.library.teach(taught_name(model.id, concept), tag=concept, replace=True)
            except ls.InputError as error:
                raise Fault(BAD_MODEL_REQUEST, f"{concept}: {error}") from error
        _keep(request, model.id, model.name, model.concepts)
    return ok(model=model_of(request, model.id).shape)


def delete(request: Request) -> Answer:
    """DELETE /models/{id}."""
    request.check_may_write()
    with request.room.writing:
        _drop(request, _own(request, {"id": request.parts[0]}))
    return ok()


def delete_many(request: Request) -> Answer:
    """DELETE /models: `ids`, or `delete_all`, which leaves the public ones."""
    request.check_may_write()
    with request.room.writing:
        if flag_of(request.get("delete_all")):
            models = [one for one in all_models(request) if one.concepts is not None]
        else:
            ids = list_of(request.get("ids"), "ids", BAD_MODEL_ARGUMENT)
            if not ids:
                raise Fault(BAD_MODEL_ARGUMENT, "say which models to delete: ids, or delete_all")
            models = [_own(request, {"id": each}) for each in ids]
        for one in models:
            _drop(request, one)
    return ok()


def refused(request: Request) -> Answer:
    """What is not offered: metrics, and deleting one version."""
    raise Fault(BAD_MODEL_REQUEST, "not offered by this server")


def _own(request: Request, item: Json) -> Model:
    """The user's model that an item names. Faults 21200 and 21203."""
    id = text_of(item.get("id"), "a model's id", BAD_MODEL_ARGUMENT)
    model = model_of(request, id)
    if model.concepts is None:
        raise Fault(BAD_MODEL_REQUEST, f"the model {id} is public: it cannot be changed")
    return model


def _concepts(request: Request, model: Json) -> list[str] | None:
    """The ids of `output_info.data.concepts`, which are made if they are new; None: not told."""
    info = object_of(model.get("output_info"), "output_info", BAD_MODEL_ARGUMENT)
    data = object_of(info.get("data"), "output_info.data", BAD_MODEL_ARGUMENT)
    if data.get("concepts") is None:
        return None
    names, found = Names.read(request.library), dict[str, Annotation]()
    for each in list_of(data["concepts"], "concepts", BAD_MODEL_ARGUMENT):
        one = annotation_of(object_of(each, "each concept", BAD_MODEL_ARGUMENT), names)
        if len(one.id) > _LONGEST:
            raise Fault(
                BAD_MODEL_ARGUMENT, f"the id of a concept that is taught is at most {_LONGEST}"
            )
        found.setdefault(folded(one.id), one)
    note_names(request, found.values(), names)
    return [one.id for one in found.values()]


def _joined(action: str, before: Sequence[str], told: Sequence[str] | None) -> list[str]:
    if told is None:
        return list(before)
    wanted = {folded(each) for each in told}
    if action == "remove":
        return [each for each in before if folded(each) not in wanted]
    kept = before if action == "merge" and told else ()
    return [*kept, *(each for each in told if folded(each) not in {folded(one) for one in kept})]


def _keep(request: Request, id: str, name: str, concepts: Sequence[str]) -> None:
    request.library.put_note(KIND, id, document_of(name, concepts, new_id(), now()))


def _drop(request: Request, model: Model) -> None:
    _forget(request, model)
    request.library.forget_note(KIND, model.id)


def _forget(request: Request, model: Model, but: Any = ()) -> None:
    """Forget what a model has learned of its concepts, `but` some."""
    for concept in model.concepts or ():
        if concept not in but:
            with suppress(ls.LibraryMissing):
                request.library.forget_taught(taught_name(model.id, concept))
