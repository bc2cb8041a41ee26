"""Looks at inputs and takes them away.

Deleting hides a photo of a folder, which can be restored; what came as bytes goes for good, since
programs delete and add again under the same id. Never touches a photo file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import localsearch as ls
from localsearch.clarifai.answer import (
    BAD_REQUEST,
    NO_INPUT,
    Answer,
    Fault,
    ok,
)
from localsearch.clarifai.reading import flag_of, list_of, text_of
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import inputs_of

_CHUNK: Final = 1000


def listed(request: Request) -> Answer:
    """GET /inputs: all in the order of adding, page by page; past the end an empty list."""
    paging = request.paging
    found = request.library.listed(page=paging.page, limit=paging.per_page)
    return ok(inputs=inputs_of(request, found))


def get(request: Request) -> Answer:
    """GET /inputs/{id}."""
    (id,) = request.parts
    waiting = request.room.pending.get(id)
    found = request.library.get_many([id])
    if found and not found[0].removed:
        return ok(input=inputs_of(request, found)[0])
    if waiting is not None:
        return ok(input=waiting.item)
    raise no_input(id)


def counts(request: Request) -> Answer:
    """GET /inputs/status: four whole numbers, all of them always."""
    waiting, failed = request.room.pending.counts()
    now = request.library.status()
    return ok(
        counts={
            "processed": now.ok + now.offline,
            "to_process": waiting,
            "errors": now.failed + failed,
            "processing": 0,
        }
    )


def no_input(id: str) -> Fault:
    """There is none of that id."""
    return Fault(NO_INPUT, f"there is no input with the id {id[:80]}")


def delete(request: Request) -> Answer:
    """DELETE /inputs/{id}, whatever the body is."""
    request.check_may_write()
    (id,) = request.parts
    if not _gone(request, [id]):
        raise no_input(id)
    return ok()


def delete_many(request: Request) -> Answer:
    """DELETE /inputs: `ids`, or `delete_all`."""
    request.check_may_write()
    if flag_of(request.get("delete_all")):
        return _delete_all(request)
    given = [text_of(each, "each of ids", BAD_REQUEST) for each in _ids(request)]
    ids = list(dict.fromkeys(each for each in given if each))
    if not ids:
        raise Fault(BAD_REQUEST, "say which inputs to delete: ids, or delete_all")
    if not _gone(request, ids):
        raise no_input(ids[0])
    return ok()  # also where some were gone before: none of them is there any more


def _ids(request: Request) -> list[object]:
    """`ids`, or the ids of `inputs`, as some programs send them."""
    inputs = list_of(request.get("inputs"), "inputs", BAD_REQUEST)
    named = [each.get("id") if isinstance(each, dict) else each for each in inputs]
    return [*list_of(request.get("ids"), "ids", BAD_REQUEST), *named]


def _delete_all(request: Request) -> Answer:
    with request.room.writing:
        request.room.pending.clear()
        ids: list[str] = []
        for one in request.library.inputs():
            ids.append(one.id)
            if len(ids) >= _CHUNK:
                _hide(request, request.library.get_many(ids))
                ids = []
        _hide(request, request.library.get_many(ids))
    return ok()


def _gone(request: Request, ids: list[str]) -> list[str]:
    """Take inputs away; gives the ids that there were."""
    with request.room.writing:
        there = [one for one in request.library.get_many(ids) if not one.removed]
        known = {one.id for one in there}
        waited = [id for id in ids if request.room.pending.drop(id) and id not in known]
        _hide(request, there)
    return [one.id for one in there] + waited


def _hide(request: Request, inputs: Iterable[ls.Input]) -> None:
    """Hide what has a file or a URL, and forget what came as bytes."""
    ours = [one.id for one in inputs if one.path is None and not one.source_url]
    others = [one.id for one in inputs if one.path is not None or one.source_url]
    if others:
        request.library.remove(others)
    if ours:
        request.library.purge(ours)
