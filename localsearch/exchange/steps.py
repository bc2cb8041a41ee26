"""How far a long call is: counted, told at most ten times a second, stopped when asked.

Never prints. Invariant: what `progress` or `stop` raise ends the call where nothing is half done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from typing import Final

from localsearch.deferred import dataclass
from localsearch.errors import Cancelled
from localsearch.records import Progress

OnProgress = Callable[[Progress], None] | None

_EVERY: Final = 0.1  # seconds


def never() -> bool:
    """No stop is asked for."""
    return False


@dataclass(slots=True)
class Steps:
    """Counts of one call; `current` is told with them."""

    stage: str
    total: int
    progress: OnProgress = None
    stop: Callable[[], bool] = never
    done: int = 0
    failed: int = 0
    current: str = ""
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def __call__(self, count: int = 0) -> None:
        """So many more are done. Raises Cancelled."""
        self.done += count
        if self.stop():
            raise Cancelled(f"the {self.stage} was stopped; nothing was changed")
        now = time.monotonic()
        if now - self._told >= _EVERY:
            self._told = now
            self._tell(now)

    def end(self) -> None:
        """All is done: told once more."""
        self.total = self.done
        self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        if self.progress is None:
            return
        rate = self.done / max(now - self._began, 1e-9)
        total = max(self.total, self.done) if self.total else 0
        left = (total - self.done) / rate if total and rate else None
        self.progress(Progress(self.stage, self.done, total, self.failed, self.current, rate, left))
