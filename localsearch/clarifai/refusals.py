"""What a server answers before anything is called, as answers of the wire. A table.

A key that is missing and one that is unknown have numbers of their own, which clients tell apart;
what has none of its own is an invalid request, with the cause in words.
"""

from __future__ import annotations

from typing import Final

from localsearch.clarifai.answer import Answer, ok
from localsearch.clarifai.paths import segments_of

_DAYS: Final = 176_400  # seconds, as the service said; ours do not expire
REFUSALS: Final[dict[str, tuple[int, int, str]]] = {
    "no-key": (401, 11102, "Invalid request"),
    "unknown-key": (401, 11009, "API key not found"),
    "unknown-token": (401, 11001, "Invalid authentication token"),
    "unknown-credentials": (401, 11002, "Invalid authentication credentials"),
    "host": (403, 11102, "Invalid request"),
    "origin": (403, 11102, "Invalid request"),
    "malformed": (400, 11100, "Bad request format"),
    "too-slow": (408, 11100, "Bad request format"),
    "too-large": (413, 40033, "Request larger than allowed"),
    "head-too-large": (431, 40033, "Request larger than allowed"),
    "unknown-path": (404, 11101, "Resource does not exist"),
    "wrong-method": (405, 11103, "Method not allowed"),
    "no-such-range": (416, 11102, "Invalid request"),
    "internal": (500, 99009, "Internal error"),
    "busy": (503, 99009, "Internal error"),
}
"""Word -> (HTTP status, number, words of the number)."""


def refusal(word: str, details: str) -> Answer:
    """The answer to what is refused for the reason `word` of REFUSALS."""
    http, code, description = REFUSALS[word]
    status = {"code": code, "description": description, "details": details}
    return Answer(http, {"status": status})


def granted() -> Answer:
    """Success of what has no content, such as a browser's preflight."""
    return ok()


def token_granted(token: str) -> Answer:
    """What clients with an application's id and secret get for them: they send it as a Bearer."""
    return ok(access_token=token, expires_in=_DAYS, scope="api_access", token_type="Bearer")


def asks_for_token(method: str, path: str) -> bool:
    """Whether a call wants a token."""
    return method == "POST" and segments_of(path)[1] == ("token",)
