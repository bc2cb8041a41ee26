"""Dates as they are written in a query: a text of any length means the whole span it names.

"2024-05" is May, "2024-05-01T10" one hour. Local time of the camera, without a zone. Invariant:
`span_of(written_range(after, before))` gives the same two moments again.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final

from localsearch.errors import InputError

Moment = str | date  # a datetime is a date
Span = tuple[str | None, str | None]

_HINT: Final = "as 2024, 2024-05, 2024-05-31 or 2024-05-31T10:30:00"
_LENGTHS: Final = (4, 7, 10, 13, 16, 19)  # of the texts of a year, a month ... a second
_WRITTEN: Final = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}))?)?)?)?)?"
)
_STEPS: Final = {
    3: timedelta(days=1),
    4: timedelta(hours=1),
    5: timedelta(minutes=1),
    6: timedelta(seconds=1),
}


def span_of(written: Moment) -> Span:
    """The first moment of a span or a range, and the first one after it; None: without end."""
    first, joint, last = written.partition("..") if isinstance(written, str) else (written, "", "")
    if not joint:
        return _span(first, "taken")
    after = _span(first, "taken")[0] if first else None
    before = _span(last, "taken")[1] if last else None
    return after, before


def start_of(written: Moment, name: str) -> str:
    """The first moment of a span, "YYYY-MM-DDTHH:MM:SS"; InputError names the argument."""
    return _span(written, name)[0]


def written_range(after: str | None, before: str | None) -> str:
    """The shortest text for two moments: of one span, or `after=...,before=...`."""
    if after is not None and before is not None:
        for length in _LENGTHS:
            if _span(after[:length], "") == (after, before):
                return after[:length]
    ends = (("after", after), ("before", before))
    return ",".join(f"{name}={_shortest(end)}" for name, end in ends if end is not None)


def _shortest(moment: str) -> str:
    return next(moment[:length] for length in _LENGTHS if start_of(moment[:length], "") == moment)


def _span(written: Moment, name: str) -> tuple[str, str | None]:
    if isinstance(written, datetime) and written.tzinfo is not None:
        raise InputError(
            f"{name} is a local time without a zone, not {written!r}",
            hint="cameras tell the time of where they were: replace(tzinfo=None)",
        )
    if isinstance(written, datetime):
        text = written.isoformat(timespec="seconds")
    else:
        text = written.isoformat() if isinstance(written, date) else written
    match = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InputError(f"{name} is a date, not {written!r}", hint=_HINT)
    numbers = [int(part) for part in match.groups() if part is not None]
    try:
        start = datetime(*numbers, *[1, 1][len(numbers) - 1 :])  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(f"{name}: there is no {written!r} ({error})", hint=_HINT) from error
    return _told(start), _end(start, len(numbers))


def _end(start: datetime, parts: int) -> str | None:
    """The first moment after the span that begins at `start` and is told in so many numbers."""
    try:
        if parts == 1:
            return _told(start.replace(year=start.year + 1))
        if parts == 2:
            return _told((start + timedelta(days=31)).replace(day=1))
        return _told(start + _STEPS[parts])
    except (ValueError, OverflowError):  # the end of the last year of the calendar
        return None


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
