"""Inputs whose pictures are still on the way: what was asked for, and what became of it.

In memory only: who dies before a picture has come never had it. Invariant: an id is pending or in
the library, not both for longer than a moment; of those that failed the last thousand are known.
"""

from __future__ import annotations

import threading
from typing import Final

from localsearch.clarifai.answer import Json
from localsearch.deferred import NamedTuple

_MOST_FAILED: Final = 1000


class Waiting(NamedTuple):
    """One input as it is answered meanwhile; `failed`: nothing will come of it."""

    item: Json
    url: str
    failed: bool = False


class Pending:
    """What is on the way; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}

    def put(self, id: str, waiting: Waiting) -> None:
        """Note one, or what became of it."""
        with self._lock:
            self._waiting.pop(id, None)
            self._waiting[id] = waiting
            failed = [one for one, each in self._waiting.items() if each.failed]
            for one in failed[:-_MOST_FAILED]:
                del self._waiting[one]

    def drop(self, id: str) -> bool:
        """Forget one: it has come, or nobody wants it any more. False if it was not there."""
        with self._lock:
            return self._waiting.pop(id, None) is not None

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._waiting.clear()

    def get(self, id: str) -> Waiting | None:
        """What is known of an id."""
        return self._waiting.get(id)

    def is_on_the_way(self, url: str, but: str = "") -> bool:
        """Whether this URL is being fetched for an input, `but` for this one."""
        with self._lock:
            waiting = [each for id, each in self._waiting.items() if id != but]
        return any(one.url == url and not one.failed for one in waiting)

    def counts(self) -> tuple[int, int]:
        """How many are on the way, and how many have failed."""
        with self._lock:
            failed = sum(one.failed for one in self._waiting.values())
            return len(self._waiting) - failed, failed
