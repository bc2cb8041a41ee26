"""Adds inputs: a batch in, the same batch out, each item with what became of it.

Synchronous: an item that is answered with 30000 is found by the next search. Only a slow fetch is
answered with 30001 and comes later. An item that fails is not kept. Invariants: the ids and URLs
of a batch are looked up and taken in one step; if anything unforeseen happens, what the batch had
added is taken away again before the exception goes on, since clients repeat a 5xx.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import localsearch as ls
from localsearch.clarifai import fetching
from localsearch.clarifai.annotations import Names, note_names
from localsearch.clarifai.answer import (
    BAD_REQUEST,
    DUPLICATE_ID,
    DUPLICATE_URL,
    Answer,
    Fault,
    Json,
    batch,
)
from localsearch.clarifai.making import Making, made
from localsearch.clarifai.reading import items_of
from localsearch.clarifai.regions import keep_regions
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import inputs_of, refused
from localsearch.clarifai.wanted import Wanted, wanted_of
from localsearch.log import logger


def add(request: Request) -> Answer:
    """POST /inputs."""
    request.check_may_write()
    items = items_of(request.body, "inputs", BAD_REQUEST)
    names = Names.read(request.library)
    results: list[Wanted | Fault | Json] = [_read(request, item, names) for item in items]
    results = _with_pictures(request, results)
    with request.room.writing:
        results = _stored(request, results)
    answered = [
        _refused(item, each) if isinstance(each, Fault) else each
        for item, each in zip(items, results, strict=True)
    ]
    failed = sum(isinstance(each, Fault) for each in results)
    return batch("inputs", answered, failed)  # type: ignore[arg-type]  # none is wanted any more


def _read(request: Request, item: Json, names: Names) -> Wanted | Fault:
    try:
        return wanted_of(request, item, names)
    except Fault as fault:
        return fault


def _refused(item: Json, fault: Fault) -> Json:
    data = item.get("data")
    image = data.get("image") if isinstance(data, dict) else None
    id = item.get("id")
    return refused(
        str(id) if isinstance(id, str | int) else "", image or {}, fault.code, fault.details
    )


def _with_pictures(
    request: Request, results: list[Wanted | Fault | Json]
) -> list[Wanted | Fault | Json]:
    """The same with the bytes of what must be fetched; without the lock, since that takes time.

    What is a duplicate anyway is not fetched.
    """
    todo: dict[int, Wanted] = {}
    for place, each in enumerate(results):
        if isinstance(each, Wanted) and fetching.must_be_fetched(each.media):
            if _is_duplicate(request, each):
                results[place] = Fault(DUPLICATE_URL, _there_already(each.media.url))
            else:
                todo[place] = each
    later = _store_later(request)
    for place, found in fetching.all_of(request, todo, later).items():
        results[place] = found
    return results


def _store_later(request: Request) -> Callable[[Wanted], None]:
    """What a slow fetch does when its picture has come. Raises Fault."""

    def store(wanted: Wanted) -> None:
        with request.room.writing:
            (result,) = _stored(request, [wanted], arriving=wanted.id)
            if not isinstance(result, Fault):  # so nobody sees it in neither place
                request.room.pending.drop(wanted.id)
        if isinstance(result, Fault):
            raise result

    return store


def _stored(
    request: Request, results: list[Wanted | Fault | Json], arriving: str = ""
) -> list[Wanted | Fault | Json]:
    """Put into the library what can be, in order; the rest is told why not.

    `arriving`: the id of an input that was pending until now.
    """
    making, names = Making(request.library), Names.read(request.library)
    chosen: dict[int, Wanted] = {}
    for place, each in enumerate(results):
        if isinstance(each, Wanted):
            fault = _taken(request, each, [*chosen.values()], arriving)
            if fault is not None:
                results[place] = fault
            else:
                chosen[place] = each
    try:
        added = made(making, chosen)
        good = {place: one.id for place, one in added.items() if isinstance(one, ls.Added)}
        note_names(request, [each for place in good for each in chosen[place].said], names)
        keep_regions(request.library, {id: chosen[place].regions for place, id in good.items()})
        shown = _shown(request, [*good.values()])
    except BaseException:
        logger().error("an add failed half-way; what it had stored is taken away again")
        making.undo()
        raise
    making.settle()
    for place, one in added.items():
        results[place] = one if isinstance(one, Fault) else shown[one.id]
    return results


def _shown(request: Request, ids: list[str]) -> dict[str, Json]:
    found = request.library.get_many(ids)
    return {one["id"]: one for one in inputs_of(request, found)}


def _taken(request: Request, wanted: Wanted, before: list[Wanted], arriving: str) -> Fault | None:
    """Whether somebody has this id or URL: an input that is there, or an item before this one."""
    if wanted.id:
        there = request.library.get_many([wanted.id])
        hidden = not there or there[0].removed or there[0].state == "missing"
        waiting = request.room.pending.get(wanted.id)
        if wanted.id == arriving:
            waiting = None
        if not hidden or (waiting is not None and not waiting.failed):
            return Fault(DUPLICATE_ID, f"there is an input with the id {wanted.id}")
        if any(one.id == wanted.id for one in before):
            return Fault(DUPLICATE_ID, f"the id {wanted.id} is twice in this batch")
    if _is_duplicate(request, wanted, before, arriving):
        return Fault(DUPLICATE_URL, _there_already(wanted.media.url))
    return None


def _is_duplicate(
    request: Request, wanted: Wanted, before: Sequence[Wanted] = (), arriving: str = ""
) -> bool:
    """Whether the URL is there, letter for letter; bytes never are, nor what may be twice."""
    url = wanted.media.url
    if not url or wanted.media.allow_duplicate:
        return False
    if any(one.media.url == url for one in before):
        return True
    if request.room.pending.is_on_the_way(url, but=arriving):
        return True
    found = request.library.with_source(url)
    return any(not one.removed and one.state != "missing" for one in found)


def _there_already(url: str) -> str:
    return f"there is an input with this URL: {url[:200]}; allow_duplicate_url adds it once more"
