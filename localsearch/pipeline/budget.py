"""How much memory the photos in work may take together, in bytes.

Knows no photo and no thread by name. Invariant: the oldest holder is never made to wait, so there
is always one that goes on; the bound is passed by at most what that one needs.
"""

from __future__ import annotations

import itertools
import threading
from types import TracebackType


class Cancelled(Exception):
    """The budget was closed while somebody waited for it; never leaves the pipeline."""


class Budget:
    """A shared bound. Take a `Share` for each photo and let it grow as the photo does."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._changed = threading.Condition()
        self._held: dict[int, int] = {}
        self._number = itertools.count()
        self._closed = False

    @property
    def used(self) -> int:
        """Bytes that are held now."""
        with self._changed:
            return sum(self._held.values())

    def share(self) -> Share:
        """A new share of no bytes, younger than all others."""
        with self._changed:
            number = next(self._number)
            self._held[number] = 0
        return Share(self, number)

    def close(self) -> None:
        """Make all who wait, now or later, stop with Cancelled."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _grow(self, number: int, count: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._may_grow(number, count))
            if self._closed:
                raise Cancelled
            self._held[number] += count

    def _may_grow(self, number: int, count: int) -> bool:
        fits = sum(self._held.values()) + count <= self.limit
        return fits or number == min(self._held)

    def _release(self, number: int) -> None:
        with self._changed:
            del self._held[number]
            self._changed.notify_all()


class Share:
    """What one photo holds; given back at the end of a `with`."""

    def __init__(self, budget: Budget, number: int) -> None:
        self._budget = budget
        self._number = number

    def grow(self, count: int) -> None:
        """Hold `count` bytes more, after waiting until they fit. Raises Cancelled."""
        self._budget._grow(self._number, count)

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._budget._release(self._number)
