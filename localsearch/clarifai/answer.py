"""What is answered: an HTTP status, a JSON body, and the wire's own numbers with their words.

Pure. Invariants: every body has `status`; success is exactly 200 and carries no `details` (one
client compares the whole object); only failures have an HTTP status of 400 or more, and 207 is
for batches of which some items failed. No null is ever answered, and no unknown field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from localsearch.deferred import NamedTuple

Json = dict[str, Any]

OK: Final = 10000
MIXED: Final = 10010
FAILURE: Final = 10020
BAD_CREDENTIALS: Final = 11002
NO_SCOPE: Final = 11007
BAD_FORMAT: Final = 11100
NO_RESOURCE: Final = 11101
BAD_REQUEST: Final = 11102
NO_METHOD: Final = 11103
TRAINED: Final = 21100
NOT_TRAINED: Final = 21102
NO_MODEL: Final = 21200
BAD_MODEL_ARGUMENT: Final = 21202
BAD_MODEL_REQUEST: Final = 21203
NO_WORKFLOW: Final = 22102
INDEXED: Final = 30000
PENDING: Final = 30001
DOWNLOAD_FAILED: Final = 30002
DUPLICATE_URL: Final = 30100
UNSUPPORTED: Final = 30101
NO_INPUT: Final = 30102
BAD_INPUT: Final = 30104
TOO_LARGE: Final = 30105
BAD_URL: Final = 30106
UNDECODABLE: Final = 30300
BAD_PREDICT: Final = 40001
BAD_SEARCH: Final = 40002
BAD_CONCEPT: Final = 40003
DUPLICATE_ID: Final = 40010
TOO_LONG: Final = 40033
NOT_INDEXED: Final = 43004
INTERNAL: Final = 99009

# Number -> (words, HTTP status at the top of an answer). The words are compared by clients.
STATUSES: Final[dict[int, tuple[str, int]]] = {
    OK: ("Ok", 200),
    MIXED: ("Mixed Success", 207),
    FAILURE: ("Failure", 400),
    BAD_CREDENTIALS: ("Invalid authentication credentials", 401),
    NO_SCOPE: ("API key has insufficient scopes", 403),
    BAD_FORMAT: ("Bad request format", 400),
    NO_RESOURCE: ("Resource does not exist", 404),
    BAD_REQUEST: ("Invalid request", 400),
    NO_METHOD: ("Method not allowed", 405),
    TRAINED: ("Model trained successfully", 200),
    NOT_TRAINED: ("Model is not yet trained", 200),
    NO_MODEL: ("Model does not exist", 404),
    BAD_MODEL_ARGUMENT: ("Model invalid argument", 400),
    BAD_MODEL_REQUEST: ("Model invalid request", 400),
    NO_WORKFLOW: ("Workflow does not exist", 404),
    INDEXED: ("Download complete", 200),
    PENDING: ("Download pending", 200),
    DOWNLOAD_FAILED: ("Download failed", 400),
    DUPLICATE_URL: ("Duplicate URL", 400),
    UNSUPPORTED: ("Unsupported format", 400),
    NO_INPUT: ("Input does not exist", 404),
    BAD_INPUT: ("Input invalid argument", 400),
    TOO_LARGE: ("Image too large", 400),
    BAD_URL: ("Bad URL", 400),
    UNDECODABLE: ("Decoding failed", 400),
    BAD_PREDICT: ("Invalid request", 400),
    BAD_SEARCH: ("Invalid request", 400),
    BAD_CONCEPT: ("Invalid request", 400),
    DUPLICATE_ID: ("Object has a duplicate ID", 400),
    TOO_LONG: ("Request larger than allowed", 413),
    NOT_INDEXED: ("Input is not fully indexed", 400),
    INTERNAL: ("Internal error", 500),
}


class Answer(NamedTuple):
    """One answer of the wire: `http` is 200 on success and >= 400 on failure (207: of a batch,
    some); `body` always has `status`."""

    http: int
    body: dict[str, Any]


class Fault(Exception):
    """What a request cannot have: the wire's number, and the cause in words."""

    def __init__(self, code: int, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


def status_of(code: int, details: str = "") -> Json:
    """A status object; `details` only where something went wrong."""
    status: Json = {"code": code, "description": STATUSES[code][0]}
    return {**status, "details": details} if details else status


def ok(**fields: Any) -> Answer:
    """Success, with what was asked for."""
    return Answer(200, {"status": status_of(OK), **fields})


def failure(code: int, details: str, **fields: Any) -> Answer:
    """A failure with its cause; `fields` are the empty lists of the endpoint."""
    return Answer(STATUSES[code][1], {"status": status_of(code, details), **fields})


def batch(name: str, items: Sequence[Json], failed: int) -> Answer:
    """The answer to a batch, of which `failed` items carry a status that tells why.

    No `details` at the top: of a mixed success they would make one client see a failure.
    """
    code = OK if not failed else FAILURE if failed == len(items) else MIXED
    return Answer(STATUSES[code][1], {"status": status_of(code), name: list(items)})
