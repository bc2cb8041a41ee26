"""The face itself: finds the operation that a call means, runs it, and words what went wrong.

Never raises for anything that a client sends. Invariant: each answer is JSON with a `status`; an
exception that nobody foresaw is a 500 answer and a line in the log, after the operation has undone
what it had stored.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import localsearch as ls
from localsearch.clarifai.answer import (
    BAD_REQUEST,
    INTERNAL,
    NO_INPUT,
    NO_METHOD,
    NO_RESOURCE,
    NO_SCOPE,
    Answer,
    Fault,
    failure,
    ok,
)
from localsearch.clarifai.media import name_mapped_folders
from localsearch.clarifai.old_names import OldNames
from localsearch.clarifai.paths import segments_of, split_query
from localsearch.clarifai.pending import Pending
from localsearch.clarifai.reading import body_of
from localsearch.clarifai.room import FaceOptions, Request, Room
from localsearch.clarifai.routes import Route, methods_at, route_of
from localsearch.log import logger

_OLD = (
    "this server speaks version 2 of the API: see POST /v2/inputs, POST /v2/searches and"
    " POST /v2/models/{id}/outputs"
)


class Face:
    """A library as Clarifai's clients see it. Any thread may call; closing the library ends it."""

    def __init__(self, library: ls.Library, options: FaceOptions | None = None) -> None:
        options = options or FaceOptions()
        self._room = Room(
            library,
            options,
            OldNames.read(options.concepts),
            Pending(),
            threading.RLock(),
            set(),
        )
        name_mapped_folders(library, options)

    def call(
        self,
        method: str,
        path: str,
        query: str = "",
        body: bytes | Mapping[str, Any] | None = None,
        *,
        picture_url: Callable[[ls.Input], str],
        may_write: bool = True,
    ) -> Answer:
        """The answer to one call, whatever its spelling.

        `picture_url` gives an absolute URL for a photo that was not added by one.
        """
        path, query = split_query(path, query)
        version, segments = segments_of(path)
        method = "GET" if method.upper() == "HEAD" else method.upper()
        if version == "v1":
            return failure(NO_RESOURCE, _OLD)
        route, parts = route_of(method, segments)
        if route is None:
            return _nowhere(method, path, segments)
        try:
            read = {} if route.ignores_body else body_of(body)
            request = Request(
                self._room, method, parts, query, read, picture_url, may_write=may_write
            )
            return _run(route, request)
        except Fault as fault:
            return failure(fault.code, fault.details, **route.empty())
        except Exception as error:  # noqa: BLE001  # the last door: told to the client and the log
            return _told(error, route)


def _run(route: Route, request: Request) -> Answer:
    """Once more if a reindex switched packs meanwhile: nothing was half done, as always."""
    try:
        return _at_one_state(route, request)
    except ls.LibraryPackChanged:
        return _at_one_state(route, request)


def _at_one_state(route: Route, request: Request) -> Answer:
    """What only asks sees one state of the library, however many calls it takes; but for what may
    wait for a picture to be fetched."""
    if not route.asks or request.room.options.fetch is not None:
        return route.run(request)
    with request.library.reading():
        return route.run(request)


def _nowhere(method: str, path: str, segments: tuple[str, ...]) -> Answer:
    allowed = methods_at(segments)
    if method == "OPTIONS" and allowed:
        return ok()
    if allowed:
        return failure(NO_METHOD, f"{path} takes {', '.join(allowed)}, not {method}")
    return failure(NO_RESOURCE, f"there is nothing at {path}")


def _told(error: Exception, route: Route) -> Answer:
    """What an exception of the house, or a surprise, is on the wire."""
    if isinstance(error, ls.LibraryReadOnly):
        return failure(NO_SCOPE, error.message, **route.empty())
    if isinstance(error, ls.LibraryMissing):
        return failure(NO_INPUT, str(error), **route.empty())
    if isinstance(error, ls.InputError | ls.QueryError | ls.PictureError):
        return failure(BAD_REQUEST, str(error), **route.empty())
    logger().error("a request failed: %s", route.name, exc_info=error)
    told = str(error) if isinstance(error, ls.LocalsearchError) else "see the log of the server"
    return failure(INTERNAL, told, **route.empty())
