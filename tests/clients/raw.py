"""One HTTP call as bytes on a socket: no library between a test and the server rewrites it.

Each answer is held to what the strictest of the old clients takes.
"""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.clarifai import strict


class Raw(NamedTuple):
    """An answer as it came."""

    http: int
    headers: dict[str, str]
    body: bytes


def call(url: str, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Raw:
    """Send these very bytes and read the answer to its end."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method in ("POST", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        data = b""
        while chunk := line.recv(1 << 16):
            data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *told = head.decode("latin-1").split("\r\n")
    named = (one.partition(":") for one in told)
    found = {name.strip().lower(): value.strip() for name, _, value in named}
    assert "transfer-encoding" not in found, "an old client may not know chunks"
    return Raw(int(first.split()[1]), found, rest)


def check(http: int, content_type: str, text: bytes) -> dict[str, Any]:
    """The answer's object. Raises AssertionError for what a client of old would break on."""
    assert content_type.split(";")[0] == "application/json", content_type
    answer: dict[str, Any] = json.loads(text)
    strict.check(http, answer)
    return answer
