"""Which names this server answers to, and which web pages may ask it.

A page in a browser can make any name of its own lead to this computer (DNS rebinding), but not
choose the Host header: so names must be known. An address is no name and cannot be rebound. A page
elsewhere can send requests that it may not read (forms): so a foreign Origin is refused, whatever
it asks, unless it was named. Decides from texts alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from localsearch import InputError
from localsearch.server.messages import Head

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~-]+)(?::(\d{1,5}))?")
_PREFLIGHT_SECONDS = "600"
_METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
_USUAL_HEADERS = ("authorization", "content-type", "x-clarifai-client", "x-clarifai-session-token")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
ANY = "*"


def host_name(authority: str) -> str | None:
    """The name or address of `name:port`, lower case; None if it is no such thing."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return None
    return found[1].strip("[]").lower().rstrip(".") or None


def is_address(name: str) -> bool:
    """Whether `name` is an IP address as it is written usually."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a host to listen on reaches this computer only."""
    if name.lower() == "localhost":
        return True
    return is_address(name) and ipaddress.ip_address(name.partition("%")[0]).is_loopback


class Hosts:
    """The names that a request may be addressed to."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {"localhost"}
        for one in names:
            name = host_name(one)
            if name is None:
                raise InputError(f"{one!r} is no name of a host", hint="for example photos.home")
            self._names.add(name)

    def answers_to(self, authority: str) -> bool:
        """Whether `authority` (a Host header) is an address or a known name."""
        name = host_name(authority)
        return name is not None and (name in self._names or is_address(name))


class Origins:
    """The web pages, by origin, that may ask from a browser."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = {_origin(one) for one in allowed}

    @property
    def open_to_all(self) -> bool:
        """Whether every page may ask."""
        return ANY in self._allowed

    def allow(self, head: Head) -> bool:
        """Whether the request comes from no page, from a page of this server or a named one."""
        origin = head.headers.get("origin")
        if origin is None or self._named(origin):
            return True
        return origin.lower() == f"{head.scheme}://{head.host}".lower()

    def headers(self, head: Head) -> tuple[tuple[str, str], ...]:
        """What lets the page read the answer; nothing where no page was named."""
        if not self._allowed:
            return ()
        origin = head.headers.get("origin")
        if origin is None or not self._named(origin):
            return (("Vary", "Origin"),)
        return (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", "Content-Length, Content-Range, ETag"),
            ("Vary", "Origin"),
        )

    def preflight(self, head: Head) -> tuple[tuple[str, str], ...]:
        """What else a preflight of a named page is told."""
        if "origin" not in head.headers or not self._named(head.headers["origin"]):
            return ()
        asked = head.headers.get("access-control-request-headers", "").split(",")
        names = [one.strip().lower() for one in asked if _TOKEN.fullmatch(one.strip())]
        told = [
            ("Access-Control-Allow-Methods", _METHODS),
            ("Access-Control-Allow-Headers", ", ".join(dict.fromkeys((*_USUAL_HEADERS, *names)))),
            ("Access-Control-Max-Age", _PREFLIGHT_SECONDS),
        ]
        if head.headers.get("access-control-request-private-network") == "true":
            told.append(("Access-Control-Allow-Private-Network", "true"))
        return tuple(told)

    def _named(self, origin: str) -> bool:
        return self.open_to_all or origin.lower() in self._allowed


def _origin(text: str) -> str:
    """An origin as browsers send it. Raises InputError with how it is written."""
    if text in (ANY, "null"):
        return text
    wrong = InputError(f"{text!r} is no origin", hint="for example http://localhost:3000, or null")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as fault:
        raise wrong from fault
    bare = not (parts.query or parts.fragment or parts.username) and parts.path in ("", "/")
    if not (parts.scheme and bare and (parts.netloc or parts.scheme == "file")):
        raise wrong
    return f"{parts.scheme}://{parts.netloc}".lower()
