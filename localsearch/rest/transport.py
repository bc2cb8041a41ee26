"""How a call gets to who answers it: in this process, or (`http.py`) to a server.

The classes of the old client are written once, over `Transport`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from localsearch.rest.reply import Reply
from localsearch.rest.wire import Json, plain

if TYPE_CHECKING:
    from localsearch.clarifai import Face
    from localsearch.rest.pictures_out import PicturesOut


_DOWNLOAD_FAILED = 30002


class Transport(Protocol):
    """Sends a call and gives its answer, also one that is no success."""

    def hint_of(self, reply: Reply) -> str:
        """What to do about an answer that is no success; empty where the answer says it."""

    def send(self, method: str, path: str, query: str, body: Json | None) -> Reply:
        """One call: `path` begins with a slash, `query` has no question mark."""


class InProcess:
    """Calls a face of an open library: no socket, no server."""

    def __init__(self, face: Face, pictures: PicturesOut) -> None:
        self._face = face
        self._pictures = pictures

    def send(self, method: str, path: str, query: str, body: Json | None) -> Reply:
        """One call, answered in this thread. Raises TypeError for what JSON cannot carry."""
        sent = None if body is None else plain(body)
        answer = self._face.call(method, path, query, sent, picture_url=self._pictures.url_of)
        if method == "DELETE" and answer.http == 200:
            self._pictures.forget(_deleted(path, sent))
        return Reply(answer.http, answer.body)

    def hint_of(self, reply: Reply) -> str:
        """The answer speaks of a server's options; here they are arguments."""
        if _DOWNLOAD_FAILED not in reply.codes():
            return ""
        return "in this process: ClarifaiApp(url_map={URL_PREFIX: FOLDER}), or allow_urls=True"


def _deleted(path: str, body: Json | None) -> Iterable[str] | None:
    """The ids that a DELETE named; None if it meant all."""
    told = body or {}
    if told.get("delete_all"):
        return None
    if told.get("ids"):
        return [str(one) for one in told["ids"]]
    return [unquote(path.rstrip("/").rpartition("/")[2])]
