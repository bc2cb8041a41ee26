"""Visual clauses and exact URLs: which picture a query means, without a download where possible.

A URL that is indexed is its own vector. Never adds an input. Invariant: what is found wrong here
is a Fault for the whole search: a picture that cannot be had has no likeness.
"""

from __future__ import annotations

from contextlib import suppress

import localsearch as ls
from localsearch.clarifai.answer import (
    BAD_SEARCH,
    NO_INPUT,
    NOT_INDEXED,
    Fault,
    Json,
)
from localsearch.clarifai.media import (
    Media,
    Region,
    fetched,
    media_of,
    own_picture,
    path_of_url,
    region_of,
)
from localsearch.clarifai.reading import text_of
from localsearch.clarifai.room import Request


def visual(request: Request, id: str, image: Json) -> ls.Term:
    """Likeness to an input by its id, else to the picture of an image object."""
    if id:
        return _like(_indexed(request, id), region_of(image.get("crop"), BAD_SEARCH))
    region = region_of(image.get("crop"), BAD_SEARCH)
    url = text_of(image.get("url"), "image.url", BAD_SEARCH)
    if url and not image.get("base64") and url[:5].lower() != "data:":
        known = input_of_url(request, url)
        if known is not None:
            return _like(known.id, region)
    return _like_media(request, media_of(request, image, BAD_SEARCH))


def _like_media(request: Request, media: Media) -> ls.Term:
    if media.data is not None:
        return ls.like(data=media.data, region=media.region)
    if media.path is not None:
        standing = request.library.find(media.path)
        if standing is not None and standing.state == "ok" and not standing.removed:
            return _like(standing.id, media.region)
        return ls.like(str(media.path), region=media.region)
    return ls.like(data=fetched(request.room, media.url), region=media.region)


def _like(id: str, region: Region | None) -> ls.Term:
    return ls.like(id=id, region=region)


def _indexed(request: Request, id: str) -> str:
    """An id whose picture has a vector. Faults 30102 and 43004."""
    found = request.library.get_many([id])
    if not found or found[0].removed:
        waiting = request.room.pending.get(id)
        if waiting is not None and not waiting.failed:
            raise Fault(NOT_INDEXED, f"the input {id[:80]} is still being downloaded")
        raise Fault(NO_INPUT, f"there is no input with the id {id[:80]}")
    if found[0].digest is None:
        raise Fault(NOT_INDEXED, f"the picture of {id[:80]} is {found[0].state}: {found[0].reason}")
    return id


def input_of_url(request: Request, url: str) -> ls.Input | None:
    """The indexed input that a URL stands for: it was added by it, or is shown at it here."""
    for one in request.library.with_source(url):
        if not one.removed and one.digest is not None:
            return one
    found = own_picture(request, url)
    return found if found is not None and found.digest is not None else None


def exact_url(request: Request, url: str) -> ls.Term:
    """The inputs whose picture is answered at exactly this URL."""
    ids = [one.id for one in request.library.with_source(url) if not one.removed]
    if not ids:
        own = own_picture(request, url)
        path = None
        with suppress(Fault):
            path = path_of_url(request.room, url)
        standing = request.library.find(path) if path is not None else None
        ids = [one.id for one in (own, standing) if one is not None and not one.removed]
    return ls.ids(ids)
