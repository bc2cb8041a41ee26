"""What a client asked and what it is answered, as plain records. Opens nothing, decides nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

JSON_TYPE = "application/json"
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A request before its body. `path` and `query` are as they came: percent-encoded ASCII.

    `headers` have lower-case names; what came several times is joined by commas. `host` is the
    authority that was asked for: of the Host header, or of an absolute target.
    """

    method: str
    path: str
    query: str
    host: str
    headers: Mapping[str, str]
    secure: bool = False

    @property
    def scheme(self) -> str:
        """`https` where the connection is encrypted by this server."""
        return "https" if self.secure else "http"


@dataclass(frozen=True, slots=True)
class FilePart:
    """A run of bytes of a file, sent as it is read."""

    path: Path
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `body` of a HEAD request is not sent, its length is told all the same."""

    status: int
    body: bytes | FilePart = b""
    headers: Headers = field(default=())
    content_type: str = JSON_TYPE

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return self.body.length if isinstance(self.body, FilePart) else len(self.body)

    def with_headers(self, *more: tuple[str, str]) -> Response:
        """The same answer with more headers."""
        return replace(self, headers=(*self.headers, *more))


def json_response(status: int, body: object, *headers: tuple[str, str]) -> Response:
    """An answer in JSON; ASCII, so that half a surrogate pair does not matter."""
    return Response(status, json.dumps(body, allow_nan=False).encode("ascii"), headers)
