"""What a sync tells: progress while it runs, a report at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from localsearch.records import Progress, SyncReport
from localsearch.sync.commit import Tally
from localsearch.sync.survey import RootSurvey

_EVERY = 0.1  # seconds between two calls
_KEPT_FAILURES = 1000


class Teller:
    """Calls `progress` at most ten times a second, at each new stage, and once at the end."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self._stage = ""
        self._since = self._last = time.monotonic()
        self._latest = Progress("done", 0, 0)

    def tell(self, stage: str, done: int, total: int, failed: int, current: str) -> None:
        """Note where the work is; an exception of the callback goes to the caller."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since, self._last = stage, now, now - _EVERY
        per_second = done / (now - self._since) if now > self._since else 0.0
        left = (total - done) / per_second if total and per_second > 0 else None
        self._latest = Progress(stage, done, total, failed, current, per_second, left)
        if self._progress is not None and now - self._last >= _EVERY:
            self._last = now
            self._progress(self._latest)

    def end(self) -> None:
        """The last call, whatever the time."""
        if self._progress is not None:
            last = self._latest
            self._progress(
                Progress("done", last.done, last.total, last.failed, "", last.per_second, 0.0)
            )


def report_of(
    tally: Tally,
    surveys: Sequence[RootSurvey],
    missing: int,
    offline: int,
    notes: Sequence[str],
    began: float,
    stopped: bool,
) -> SyncReport:
    """Add up: every file that was seen is in one of the counts."""
    kinds: Counter[str] = Counter()
    away = 0
    for survey in surveys:
        kinds.update(survey.skipped)
        fresh = sum(1 for _, _, known in survey.away)
        away += fresh
    if away:
        kinds["not on this disk"] += away
    if tally.skipped:
        kinds["vanished"] += tally.skipped
    return SyncReport(
        added=tally.added,
        changed=tally.changed,
        moved=tally.moved,
        missing=missing,
        offline=offline,
        failed=tally.failed,
        unchanged=tally.unchanged + sum(s.unchanged + len(s.back) for s in surveys),
        skipped=sum(kinds.values()),
        seconds=round(time.monotonic() - began, 3),
        stopped=stopped,
        skipped_kinds=dict(kinds),
        failures=tuple(tally.failures[:_KEPT_FAILURES]),
        notes=tuple(notes),
    )
