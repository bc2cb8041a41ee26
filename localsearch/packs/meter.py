"""How far a pack has come, in bytes; told at most ten times a second. Never prints."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from localsearch.errors import Cancelled
from localsearch.records import Progress

OnProgress = Callable[[Progress], None] | None

_EVERY = 0.1  # seconds


class Meter:
    """Counts the bytes of one pack; those that were there before count, but not for the rate."""

    def __init__(
        self, stage: str, total: int, progress: OnProgress, stop: threading.Event | None
    ) -> None:
        self.stop = stop or threading.Event()
        self._stage, self._total, self._progress = stage, total, progress
        self._current, self._before, self._done = "", 0, 0
        self._began, self._told, self.moved = time.monotonic(), 0.0, 0

    def file(self, name: str) -> None:
        """Another file begins; what came of the one before is whole."""
        self._current, self._before, self._done = name, self._before + self._done, 0

    def says(self, text: str) -> None:
        """What is going on with the file, in place of its name."""
        self._current, self._told = text, 0.0
        self._tell()

    def at(self, done: int) -> None:
        """So many bytes of the file are there, without having come now."""
        self._done = done
        self._tell()

    def came(self, count: int) -> None:
        """So many more bytes of the file came. Raises Cancelled."""
        self._done += count
        self.moved += count
        self._tell()

    def check(self) -> None:
        """Raise Cancelled if that was asked for."""
        if self.stop.is_set():
            raise Cancelled("stopped; what came so far is kept")

    def _tell(self) -> None:
        self.check()
        now = time.monotonic()
        if self._progress is None or now - self._told < _EVERY:
            return
        self._told = now
        done = self._before + self._done
        rate = self.moved / max(now - self._began, 1e-9)
        left = max(self._total - done, 0) / rate if rate else None
        self._progress(Progress(self._stage, done, self._total, 0, self._current, rate, left))
