"""Fetches the pictures of a batch side by side; one that takes long comes later.

Never opens a socket: the server hands over the function that does. Invariant: an id that was
answered as pending becomes an input, or a failure that can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import localsearch as ls
from localsearch.clarifai.answer import INTERNAL, PENDING, Fault, Json, status_of
from localsearch.clarifai.media import Media, fetched, not_fetched
from localsearch.clarifai.pending import Waiting
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import new_id, now, refused
from localsearch.clarifai.wanted import Wanted
from localsearch.log import logger

AT_ONCE: Final = 8
"""Fetches side by side: as many as a browser allows itself."""

PATIENCE_SECONDS: Final = 10.0
"""So long an answer waits for fetches; clients give up after 30 to 60 s."""


def must_be_fetched(media: Media) -> bool:
    """Whether a picture is nowhere here."""
    return media.data is None and media.path is None and media.id is None


def all_of(
    request: Request, todo: Mapping[int, Wanted], store: Callable[[Wanted], None]
) -> dict[int, Wanted | Fault | Json]:
    """Each with its bytes, or why there are none; what is not here in time as a pending item, and
    `store` is called with it when it is."""
    if not todo:
        return {}
    if request.room.options.fetch is None:
        return dict.fromkeys(todo, not_fetched())
    pool = ThreadPoolExecutor(min(AT_ONCE, len(todo)), thread_name_prefix="fetch")
    futures = {place: pool.submit(_fetched, request, one) for place, one in todo.items()}
    wait(futures.values(), timeout=PATIENCE_SECONDS)
    found: dict[int, Wanted | Fault | Json] = {}
    for place, future in futures.items():
        if future.done():
            found[place] = future.result()
        else:
            found[place] = _later(request, todo[place], future, store)
    pool.shutdown(wait=False)
    return found


def _fetched(request: Request, wanted: Wanted) -> Wanted | Fault:
    try:
        data = fetched(request.room, wanted.media.url)
    except Fault as fault:
        return fault
    return wanted._replace(media=wanted.media._replace(data=data))


def _later(
    request: Request,
    wanted: Wanted,
    future: Future[Wanted | Fault],
    store: Callable[[Wanted], None],
) -> Json:
    """The item as it is answered now; the rest happens on the thread that fetches."""
    pending = request.room.pending
    known = wanted._replace(id=wanted.id or new_id())
    item = {
        "id": known.id,
        "created_at": now(),
        "data": {"image": {"url": known.media.url}},
        "status": status_of(PENDING),
    }
    pending.put(known.id, Waiting(item, known.media.url))

    def come(done: Future[Wanted | Fault]) -> None:
        if pending.get(known.id) is None:
            return  # deleted meanwhile
        try:
            result = done.result()
            if isinstance(result, Fault):
                raise result
            store(result._replace(id=known.id))
        except Fault as fault:
            _failed(request, known, fault)
        except Exception as error:  # noqa: BLE001  # a thread of its own: nobody else would tell
            logger().error("a picture that came late was not stored", exc_info=error)
            told = str(error) if isinstance(error, ls.LocalsearchError) else "see the log"
            _failed(request, known, Fault(INTERNAL, told))

    future.add_done_callback(come)
    return item


def _failed(request: Request, wanted: Wanted, fault: Fault) -> None:
    item = refused(wanted.id, wanted.image, fault.code, fault.details)
    request.room.pending.put(wanted.id, Waiting(item, wanted.media.url, failed=True))
