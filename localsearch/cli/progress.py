"""The progress bar of what takes long, on a terminal only, and Ctrl-C as a polite request.

Draws on stderr, so that stdout stays clean. In a pipe it draws nothing and imports no rich.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import localsearch as ls
from localsearch.cli import terminal
from localsearch.cli.output.for_people import size

_ROOM = 40  # characters for the current file
_IN_BYTES = frozenset(
    {"backup", "copy", "download", "recovery"}
)  # stages that count bytes, not photos

OnProgress = Callable[[ls.Progress], None]


@contextmanager
def progress_bar(after: float = 0.0) -> Iterator[OnProgress | None]:
    """A callback that draws a bar with rate, time left and current file; None in a pipe.

    Nothing is drawn, and rich not imported, in the first `after` seconds.
    """
    if not terminal.is_terminal(sys.stderr):
        yield None
        return
    begun = time.monotonic()
    bar: _Bar | None = None

    def draw(event: ls.Progress) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - begun >= after:
            bar = _Bar()
        if bar is not None:
            bar.draw(event)

    try:
        yield draw
    finally:
        if bar is not None:
            bar.close()


class _Bar:
    """The bar on the screen; it vanishes when it is closed."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        columns = (
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[pace]}", style="cyan"),
            TextColumn("{task.fields[current]}", style="dim", table_column=Column(no_wrap=True)),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task("", total=None, count="", pace="", current="")

    def draw(self, event: ls.Progress) -> None:
        self._bar.update(
            self._task,
            description=event.stage,
            total=event.total or None,
            completed=event.done,
            count=count_text(event),
            pace=pace_text(event),
            current=_markup_safe(_shown(event.current)),
        )

    def close(self) -> None:
        self._bar.stop()


def count_text(event: ls.Progress) -> str:
    """`1,204/50,000`, with what failed if anything did; bytes as `1.2 MB/50.0 MB`."""
    if event.stage in _IN_BYTES:
        return f"{size(event.done)}/{size(event.total)}"
    done = f"{event.done:,}/{event.total:,}" if event.total else f"{event.done:,}"
    return f"{done}, {event.failed:,} failed" if event.failed else done


def pace_text(event: ls.Progress) -> str:
    """`12.3/s, 3:20 left`; empty before anything is known."""
    if event.per_second <= 0:
        return ""
    rate = f"{event.per_second:.{0 if event.per_second >= 100 else 1}f}/s"
    if event.stage in _IN_BYTES:
        rate = f"{size(round(event.per_second))}/s"
    if event.seconds_left is None:
        return rate
    minutes, seconds = divmod(round(event.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{rate}, {left} left"


def _shown(current: str) -> str:
    return terminal.short_path(Path(current), _ROOM) if current else ""


def _markup_safe(text: str) -> str:
    # TextColumn reads square brackets as markup; a file may be called [bold].jpg.
    return text.replace("[", "\\[")


@contextmanager
def polite_interrupt(
    told: str = "stopping after the photos in work", stop: threading.Event | None = None
) -> Iterator[threading.Event]:
    """An event, `stop` or a new one, that the first Ctrl-C (or SIGTERM) sets, which says so in
    `told`; a second Ctrl-C interrupts at once."""
    stop = threading.Event() if stop is None else stop

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        terminal.note(f"{told}; press Ctrl-C again to stop at once")

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, on_signal) for number in _stop_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_signals() -> tuple[signal.Signals, ...]:
    return (signal.SIGINT, signal.SIGTERM)
