"""What each request is answered with: who may ask, then a picture, the description, or the wire.

Holds no connection and knows no field of the wire: `clarifai` words all answers but pictures.
Invariant: `admit` looks at host, origin, key and size, in this order, before a byte of the body is
read; `answer` is only asked what was admitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial

import localsearch as ls
from localsearch.clarifai import Answer, Face, FaceOptions
from localsearch.clarifai.paths import segments_of
from localsearch.clarifai.refusals import asks_for_token, granted, refusal, token_granted
from localsearch.clarifai.routes import methods_at
from localsearch.log import logger
from localsearch.server import pictures
from localsearch.server.connection import Admission
from localsearch.server.description import description
from localsearch.server.keys import ANYBODY, Key, Keys, Lacking
from localsearch.server.lanes import Lanes
from localsearch.server.messages import Head, Response, json_response
from localsearch.server.settings import Settings, hosts_of, origins_of, public_base

DESCRIPTION = "/openapi.json"
_NO_BODY = 64 << 10  # of requests that need none; some clients send `null` or `{}` all the same
_SMALL = 16 << 10
_WORDS = {400: "malformed", 408: "too-slow", 413: "too-large", 431: "head-too-large", 503: "busy"}
_NO_KEY = "send the header: Authorization: Key YOUR_KEY"

Work = Callable[[], Response]


@dataclass(frozen=True, slots=True)
class _Ticket:
    """What was found out when a request was admitted."""

    key: Key | None = None  # of a call of the wire
    picture: pictures.Named | None = None


class Application:
    """The answers of one server over one library. Any request, at any time; never raises."""

    def __init__(
        self, library: ls.Library, settings: Settings, options: FaceOptions, lanes: Lanes
    ) -> None:
        self._library, self._settings, self._lanes = library, settings, lanes
        self._face = Face(library, options)
        self._fetches = options.fetch is not None
        self._keys: Keys = settings.keys
        self._addresses = pictures.Addresses(settings.keys)
        self._hosts, self._origins = hosts_of(settings), origins_of(settings)
        self._public = public_base(settings)
        self.own_url = ""  # where it listens, once it does

    # -- before the body -------------------------------------------------------------------

    def admit(self, head: Head) -> Admission | Response:
        """Leave to send the body, or the answer at once."""
        found = self._admitted(head)
        return self._dressed(head, found) if isinstance(found, Response) else found

    def _admitted(self, head: Head) -> Admission | Response:
        # HTTP/1.0 has no Host; browsers, which can be made to send a false one, always have.
        if head.host and not self._hosts.answers_to(head.host):
            return _refuse("host", f"this server does not answer to {head.host!r}: --allow-host")
        if not self._origins.allow(head):
            origin = head.headers.get("origin", "")
            return _refuse("origin", f"pages of {origin!r} may not ask: --allow-origin")
        if head.method == "OPTIONS":
            return _worded(granted()).with_headers(*self._origins.preflight(head))
        if head.path == DESCRIPTION:
            return Admission(_NO_BODY, _Ticket())
        if head.path.startswith((pictures.PICTURES, pictures.THUMBNAILS)):
            named = self._addresses.named(head.path)
            if named is None:
                return _refuse("unknown-path", "there is no picture at this address")
            return Admission(_NO_BODY, _Ticket(picture=named))
        return self._admitted_call(head)

    def _admitted_call(self, head: Head) -> Admission | Response:
        key = self._keys.of(head.headers)
        if isinstance(key, Lacking):
            told = _NO_KEY if key is Lacking.HEADER else "this server has no such key"
            refused = _refuse(key.value, told)
            return refused.with_headers(("WWW-Authenticate", 'Key realm="localsearch"'))
        limit = self._settings.max_body_bytes
        declared = head.headers.get("content-length", "0")
        # What is no number was refused by the parser.
        if declared.isdecimal() and int(declared[:20]) > limit:
            return _refuse("too-large", f"a request has at most {limit:,} bytes")
        return Admission(limit, _Ticket(key=key))

    # -- the answer ------------------------------------------------------------------------

    async def answer(self, head: Head, body: bytes, admission: Admission) -> Response:
        """The answer to an admitted request."""
        ticket = admission.ticket
        assert isinstance(ticket, _Ticket)
        lane = self._lanes.quick if self._is_quick(head, body) else self._lanes.slow
        try:
            response = await lane(self._work(head, body, ticket))
        except Exception as error:  # noqa: BLE001  (the last door: the client gets JSON)
            logger().error("a request failed", exc_info=error)
            response = _refuse("internal", "see the log of the server")
        return self._dressed(head, response)

    def refusal(self, status: int, reason: str, head: Head | None) -> Response:
        """The answer to what could not be read."""
        response = _refuse(_WORDS[status], reason)
        return response if head is None else self._dressed(head, response)

    def _work(self, head: Head, body: bytes, ticket: _Ticket) -> Work:
        if ticket.picture is not None:
            return partial(pictures.answer, self._library, ticket.picture, head, _refuse)
        if ticket.key is None:
            return partial(self._described, head)
        return partial(self._called, head, body, ticket.key)

    def _described(self, head: Head) -> Response:
        if head.method not in ("GET", "HEAD"):
            response = _refuse("wrong-method", "the description is read by GET")
            return response.with_headers(("Allow", "GET, HEAD, OPTIONS"))
        return json_response(200, description(self._base(head), with_keys=bool(self._keys)))

    def _called(self, head: Head, body: bytes, key: Key) -> Response:
        if key is not ANYBODY and asks_for_token(head.method, head.path):
            return _worded(token_granted(key.token))
        base = self._base(head)
        found = self._face.call(
            head.method,
            head.path,
            head.query,
            body,
            picture_url=lambda one: base + self._addresses.path_of(one, key),
            may_write=key.may_write,
        )
        response = _worded(found)
        if found.http == 405:
            allowed = [*methods_at(segments_of(head.path)[1]), "OPTIONS"]
            response = response.with_headers(("Allow", ", ".join(allowed)))
        return response

    def _is_quick(self, head: Head, body: bytes) -> bool:
        """Whether it takes milliseconds: reads, and searches without a picture to look at."""
        if head.method in ("GET", "HEAD"):
            return True
        if "/searches" not in head.path or len(body) > _SMALL:
            return False
        return not (self._fetches and b'"url"' in body)

    def _base(self, head: Head) -> str:
        """What the URLs of this server begin with, for who asks."""
        if self._public or not head.host:
            return self._public or self.own_url
        return f"{head.scheme}://{head.host}"

    def _dressed(self, head: Head, response: Response) -> Response:
        """The answer with what every answer has."""
        headers = [("Date", formatdate(usegmt=True)), *self._origins.headers(head)]
        if not any(name == "Cache-Control" for name, _ in response.headers):
            headers += [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        return response.with_headers(*headers)


def _worded(answer: Answer) -> Response:
    return json_response(answer.http, answer.body)


def _refuse(word: str, details: str) -> Response:
    return _worded(refusal(word, details))
