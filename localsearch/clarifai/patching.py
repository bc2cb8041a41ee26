"""Changes what is said of inputs: merge, overwrite, remove; concepts, metadata, place.

Never changes a picture. The older, milder overwriting: it replaces the list or the keys that are
given, and leaves the rest. Invariant: an item is changed whole or not at all; if anything
unforeseen happens, the items before it are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import localsearch as ls
from localsearch.clarifai.annotations import Annotation, Names, annotations_of, folded, note_names
from localsearch.clarifai.answer import (
    BAD_REQUEST,
    NO_INPUT,
    STATUSES,
    Answer,
    Fault,
    Json,
    batch,
    failure,
    ok,
)
from localsearch.clarifai.inputs import no_input
from localsearch.clarifai.reading import items_of, object_of, text_of
from localsearch.clarifai.regions import keep_regions, regions_of, regions_told
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import inputs_of, refused
from localsearch.clarifai.wanted import Place, id_of, place_of, without_nulls
from localsearch.deferred import NamedTuple
from localsearch.log import logger

MERGE: Final = "merge"
OVERWRITE: Final = "overwrite"
REMOVE: Final = "remove"
_ALIASES: Final = {
    "": MERGE,
    "add": MERGE,
    "merge_concepts": MERGE,
    "delete": REMOVE,
    "remove_concepts": REMOVE,
    "delete_concepts": REMOVE,
}


class Change(NamedTuple):
    """What one item asks for, of an input that is there."""

    before: ls.Input
    said: tuple[Annotation, ...]
    tags: dict[str, bool | None]
    metadata: dict[str, Any] | None
    place: Place | tuple[()] | None
    regions: list[Json] | None = None


def patch(request: Request) -> Answer:
    """PATCH /inputs."""
    request.check_may_write()
    action = action_of(request.get("action"))
    items = items_of(request.body, "inputs", BAD_REQUEST)
    with request.room.writing:
        results = _changed(request, action, items)
    failed = [each for each in results if isinstance(each, Fault)]
    if len(items) == 1 and failed and failed[0].code == NO_INPUT:
        only = failed[0]
        body = failure(only.code, only.details, inputs=[_refused(items[0], only)]).body
        return Answer(STATUSES[NO_INPUT][1], body)
    shown = [
        _refused(item, each) if isinstance(each, Fault) else each
        for item, each in zip(items, results, strict=True)
    ]
    return batch("inputs", shown, len(failed))


def patch_one(request: Request) -> Answer:
    """PATCH /inputs/{id}: the same for one, whose fields stand at the top or in `input`."""
    request.check_may_write()
    body = object_of(request.get("input"), "input", BAD_REQUEST) or request.body
    item = {**body, "id": request.parts[0]}
    with request.room.writing:
        (result,) = _changed(request, action_of(request.get("action")), [item])
    if isinstance(result, Fault):
        raise result
    return ok(input=result)


def change_concepts(request: Request, action: str, id: str, concepts: Any) -> None:
    """Change the concepts of one input. Raises Fault."""
    with request.room.writing:
        (result,) = _changed(request, action, [{"id": id, "data": {"concepts": concepts}}])
    if isinstance(result, Fault):
        raise result


def action_of(value: Any) -> str:
    """The action; one client leaves it out when it merges."""
    word = text_of(value, "action", BAD_REQUEST).strip().lower()
    word = _ALIASES.get(word, word)
    if word not in (MERGE, OVERWRITE, REMOVE):
        raise Fault(BAD_REQUEST, f"action is merge, overwrite or remove, not {word[:40]}")
    return word


def _refused(item: Json, fault: Fault) -> Json:
    id = item.get("id")
    return refused(str(id) if isinstance(id, str | int) else "", {}, fault.code, fault.details)


def _changed(request: Request, action: str, items: list[Json]) -> list[Json | Fault]:
    """Each item as it is afterwards, or why it could not be."""
    library, names = request.library, Names.read(request.library)
    results: list[Json | Fault | str] = []
    undo: list[Callable[[], object]] = []
    try:
        for item in items:
            try:
                change = _change(request, action, item, names)
                undo.append(partial(_put, library, _back(library, change)))
                _put(library, change)
                note_names(request, change.said, names)
                results.append(change.before.id)
            except Fault as fault:
                results.append(fault)
            except ls.InputError as error:
                results.append(Fault(BAD_REQUEST, str(error)))
    except BaseException:
        logger().error("a change failed half-way; what it had changed is put back")
        for step in reversed(undo):
            step()
        raise
    ids = [each for each in results if isinstance(each, str)]
    shown = {one["id"]: one for one in inputs_of(request, library.get_many(ids))}
    return [shown[each] if isinstance(each, str) else each for each in results]


def _put(library: ls.Library, change: Change) -> None:
    id = change.before.id
    library.update(id, tags=change.tags or None, metadata=change.metadata, place=change.place)
    if change.regions is not None:
        keep_regions(library, {id: change.regions})


def _back(library: ls.Library, change: Change) -> Change:
    """What undoes a change."""
    before = change.before
    tags: dict[str, bool | None] = {**dict.fromkeys(change.tags), **before.tags}
    place = () if before.lat is None or before.lon is None else (before.lat, before.lon)
    regions = regions_of(library, [before.id]).get(before.id, [])
    return Change(before, (), tags, dict(before.metadata), place, regions)


def _change(request: Request, action: str, item: Json, names: Names) -> Change:
    id = id_of(item)
    found = request.library.get_many([id]) if id else []
    if not found or found[0].removed:
        raise no_input(id)
    before = found[0]
    data = object_of(item.get("data"), "data", BAD_REQUEST)
    concepts = data.get("concepts")
    said = (
        () if concepts is None else tuple(annotations_of(concepts, names, sorts=action != REMOVE))
    )
    tags: dict[str, bool | None] = {one.id: one.value for one in said}
    if action == REMOVE:
        tags = dict.fromkeys(tags)
        said = ()
    elif concepts is not None and (action == OVERWRITE or not said):
        kept = {folded(one) for one in tags}
        tags |= {name: None for name in before.tags if folded(name) not in kept}
    return Change(
        before,
        said,
        tags,
        _metadata(action, before.metadata, data.get("metadata")),
        _place(action, data.get("geo")),
        None if data.get("regions") is None else _regions(action, data["regions"]),
    )


def _place(action: str, told: Any) -> Place | tuple[()] | None:
    """The place afterwards; (): none; None: as it was."""
    if action == REMOVE:
        return None if told is None else ()
    return place_of(told)


def _regions(action: str, told: Any) -> list[Json] | None:
    """The regions afterwards; None: as they were."""
    return [] if action == REMOVE else regions_told(told)


def _metadata(action: str, before: Mapping[str, Any], given: Any) -> dict[str, Any] | None:
    """The document afterwards; None: as it was."""
    if given is None:
        return None
    told = object_of(given, "data.metadata", BAD_REQUEST)
    if action == REMOVE:
        return without(before, told)
    if not told:
        return {}
    if action == OVERWRITE:
        return {**before, **without_nulls(told)}
    return merged(before, without_nulls(told))


def merged(before: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """A document with another merged into it: objects key by key, lists appended; an empty object
    or list replaces what was there."""
    found = dict(before)
    for key, value in told.items():
        old = found.get(key)
        if isinstance(value, dict) and value and isinstance(old, dict):
            found[key] = merged(old, value)
        elif isinstance(value, list) and value and isinstance(old, list):
            found[key] = old + value
        else:
            found[key] = value
    return found


def without(before: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """A document without the keys that are named; an object names keys inside."""
    found = dict(before)
    for key, value in told.items():
        old = found.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            left = without(old, value)
            found[key] = left
            if not left:
                del found[key]
        elif value is not False and value is not None:
            found.pop(key, None)
    return found
