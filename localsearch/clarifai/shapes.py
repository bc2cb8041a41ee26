"""The library's records as the wire shows them: inputs, hits, concepts, times.

Never asks the library for anything but names. Invariants: no null, no unknown field; each item has
`data.image.url`; annotated concepts have id, name and a value of exactly 1 or 0, and predicted
ones never stand among them; what EXIF said is no metadata.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import localsearch as ls
from localsearch.clarifai.annotations import Names
from localsearch.clarifai.answer import (
    BAD_INPUT,
    DOWNLOAD_FAILED,
    INDEXED,
    PENDING,
    TOO_LARGE,
    UNDECODABLE,
    UNSUPPORTED,
    Json,
    status_of,
)
from localsearch.clarifai.regions import regions_of
from localsearch.clarifai.room import Request

APP = "local"
"""The app of what a user has; what a pack has is of "main"."""

CODE_OF_STATE = {
    "ok": INDEXED,
    "offline": INDEXED,
    "not-on-this-disk": PENDING,
    "missing": DOWNLOAD_FAILED,
    "unreadable": DOWNLOAD_FAILED,
    "too-large": TOO_LARGE,
    "unsupported": UNSUPPORTED,
    "no-decoder": UNSUPPORTED,
    "undecodable": UNDECODABLE,
}
"""What a state of the library is on the wire."""


def new_id() -> str:
    """An id as the service made them: 32 hex digits."""
    return secrets.token_hex(16)


def now() -> str:
    """This second, as the wire writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of(rfc3339: str) -> str:
    """A time of the library in whole seconds, UTC, with `Z`: one client knows no other form."""
    return f"{rfc3339[:19]}Z"


def inputs_of(request: Request, inputs: Sequence[ls.Input]) -> list[Json]:
    """Inputs as they are answered, in order."""
    any_tags = any(one.tags for one in inputs)
    names = Names.read(request.library) if any_tags else Names(())
    marked = regions_of(request.library, [one.id for one in inputs])
    return [input_of(request, one, names, marked.get(one.id, ())) for one in inputs]


def input_of(request: Request, one: ls.Input, names: Names, regions: Sequence[Json] = ()) -> Json:
    """One input: the smallest shape that satisfies all clients."""
    data: Json = {"image": {"url": one.source_url or request.picture_url(one)}}
    if one.tags:
        data["concepts"] = annotated(one.tags.items(), names)
    if one.metadata:
        data["metadata"] = dict(one.metadata)
    if one.lat is not None and one.lon is not None:
        data["geo"] = {"geo_point": {"longitude": one.lon, "latitude": one.lat}}
    if regions:
        data["regions"] = list(regions)
    code = CODE_OF_STATE.get(one.state, INDEXED)
    return {
        "id": one.id,
        "created_at": time_of(one.created_at),
        "modified_at": time_of(one.modified_at),
        "data": data,
        "status": status_of(code, "" if code == INDEXED else one.reason or one.state),
    }


def annotated(tags: Iterable[tuple[str, bool]], names: Names) -> list[Json]:
    """A user's tags as concepts."""
    return [
        {"id": id, "name": names.name_of(id), "value": int(value), "app_id": APP}
        for id, value in tags
    ]


def refused(
    id: str, image: Json, code: int = BAD_INPUT, details: str = "", created: str | None = None
) -> Json:
    """An item that failed: its id and what could be said of its picture, so that clients can
    build their objects, and why."""
    url = image.get("url") if isinstance(image, dict) else None
    shown: dict[str, Any] = {"url": url} if isinstance(url, str) and url else {}
    return {
        "id": id or new_id(),
        "created_at": created or now(),
        "data": {"image": shown},
        "status": status_of(code, details),
    }
