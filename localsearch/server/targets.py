"""The first line of a request and its headers as a `Head`; forgiving where old clients are not.

PHP's client puts letters beyond ASCII into the path as they are, which no parser takes: they are
percent-encoded before it sees them. Decides nothing about what was asked.
"""

from __future__ import annotations

import re

import h11

from localsearch.server.messages import Head

_ABSOLUTE = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


def quoted_line(raw: bytes) -> bytes:
    """The head with every byte of its first line that is no ASCII percent-encoded."""
    line, end, rest = raw.partition(b"\n")
    if line.isascii():
        return raw
    return b"".join(b"%%%02X" % one if one > 126 else bytes((one,)) for one in line) + end + rest


def head_of(request: h11.Request, *, secure: bool) -> Head:
    """The request in our words. Raises ValueError for a target that is no path."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        key, text = name.decode("ascii").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    target = request.target.decode("ascii")
    host = headers.get("host", "")
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:  # as it is said to a proxy
        host, target = absolute[1], absolute[2] or "/"
    if not target.startswith(("/", "?")) and not (target == "*" and request.method == b"OPTIONS"):
        raise ValueError("the target of the request is no path")
    path, _, query = target.partition("?")
    method = request.method.decode("ascii").upper()
    return Head(method, path.partition("#")[0] or "/", query, host, headers, secure)
