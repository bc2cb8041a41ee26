"""Calls over HTTP to a server that the program named, and to no other: no redirects, no proxies.

A call is repeated only where nothing can have been stored: nothing was sent, or it only asks.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import localsearch as ls
from localsearch.rest.errors import UNKNOWN, ApiError, UserError
from localsearch.rest.reply import Reply
from localsearch.rest.wire import Json

_ATTEMPTS = 3
_PAUSE_S = 0.2  # before the second attempt; twice as long before the third
_CONNECT_S = 10.0
_ANSWER_S = 600.0  # a batch of 128 photos on a small machine takes minutes
_BAD_GATEWAY = 502
_NO_JSON = {"code": UNKNOWN, "description": "no answer of a photo server: it is no JSON object"}
_BUSY = (_BAD_GATEWAY, 503, 504)
_ASKING = ("/searches", "/outputs")  # POSTs that store nothing
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _NothingSent(Exception):
    """No connection came about."""


class Http:
    """A server by its base URL; `key` is sent with each call. Any thread may call."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        host, port, secure = _place(base_url)
        self._host, self._port, self._secure = host, port, secure
        shown = f"[{host}]" if ":" in host else host
        self.base_url = f"{'https' if secure else 'http'}://{shown}:{port}"
        self._headers = {
            "Authorization": f"Key {key or 'none'}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Clarifai-Client": f"localsearch:{ls.__version__}",
        }

    def send(self, method: str, path: str, query: str, body: Json | None) -> Reply:
        """One call. Raises ApiError without a response where no answer came."""
        data = None if body is None else json.dumps(body).encode("utf-8")
        target = f"{path}?{query}" if query else path
        asks = method == "GET" or (method == "POST" and path.endswith(_ASKING))
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                reply = self._exchange(self._connected(), method, target, data)
            except _NothingSent as fault:
                if last:
                    raise self._no_answer(method, path, body, fault) from fault
            except (OSError, http.client.HTTPException) as fault:
                if last or not asks:
                    raise self._no_answer(method, path, body, fault) from fault
            else:
                if last or not asks or reply.status_code not in _BUSY:
                    return reply
            time.sleep(_PAUSE_S * attempt)
        raise AssertionError("the last attempt returns or raises")

    def hint_of(self, reply: Reply) -> str:
        """The server says it itself."""
        return ""

    def _connected(self) -> http.client.HTTPConnection:
        # A new one for each call: on a kept one nobody knows whether a POST that got no answer
        # was read, and on this machine a connection costs a fraction of a millisecond.
        place, limit = (self._host, self._port), _CONNECT_S
        try:
            if self._secure:
                context = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE"))
                made: http.client.HTTPConnection = http.client.HTTPSConnection(
                    *place, timeout=limit, context=context
                )
            else:
                made = http.client.HTTPConnection(*place, timeout=limit)
            made.connect()
        except OSError as fault:
            raise _NothingSent(str(fault)) from fault
        return made

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, target: str, data: bytes | None
    ) -> Reply:
        try:
            connection.sock.settimeout(_ANSWER_S)
            connection.request(method, target, data, self._headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        found = _object(text)
        if found is None:
            return Reply(max(answer.status, _BAD_GATEWAY), {"status": _NO_JSON}, text)
        return Reply(answer.status, found, text)

    def _no_answer(self, method: str, path: str, body: Json | None, fault: Exception) -> ApiError:
        told = str(fault) or type(fault).__name__
        hint = f"{self.base_url} gave no answer ({told}): is `localsearch serve` running there?"
        return ApiError(path, body, method, None, hint=hint)


def _object(text: str) -> Json | None:
    """The answer's object; None if it is no JSON object."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _place(base_url: str) -> tuple[str, int, bool]:
    """(host, port, whether by TLS). A path in the URL is left out, as the old client did."""
    text = base_url.strip()
    if "://" not in text:
        # The old client took https here, which no server of one's own machine speaks.
        bare = urlsplit(f"//{text}").hostname or ""
        text = f"{'http' if bare in _LOOPBACK else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as fault:
        raise UserError(f"{base_url!r} is no URL of a server: {fault}") from fault
    if parts.scheme not in ("http", "https") or not host:
        raise UserError(
            f"{base_url!r} is no URL of a server", hint="as base_url='http://127.0.0.1:8745'"
        )
    secure = parts.scheme == "https"
    return host, port or (443 if secure else 80), secure
