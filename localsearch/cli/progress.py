"""The progress bar of a sync, on a terminal only, and Ctrl-C as a polite request.

Draws on stderr, so that stdout stays clean. In a pipe it draws nothing and imports no rich.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import localsearch as ls
from localsearch.cli import terminal

_ROOM = 40  # characters for the current file

OnProgress = Callable[[ls.Progress], None]


@contextmanager
def progress_bar() -> Iterator[OnProgress | None]:
    """A callback that draws a bar with rate, time left and current file; None in a pipe."""
    if not terminal.is_terminal(sys.stderr):
        yield None
        return
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sync", total=None, count="", pace="", current="")

        def draw(event: ls.Progress) -> None:
            bar.update(
                task,
                description=event.stage,
                total=event.total or None,
                completed=event.done,
                count=count_text(event),
                pace=pace_text(event),
                current=_markup_safe(terminal.short_path(Path(event.current), _ROOM)),
            )

        yield draw


def count_text(event: ls.Progress) -> str:
    """`1,204/50,000`, with what failed if anything did."""
    done = f"{event.done:,}/{event.total:,}" if event.total else f"{event.done:,}"
    return f"{done}, {event.failed:,} failed" if event.failed else done


def pace_text(event: ls.Progress) -> str:
    """`12.3/s, 3:20 left`; empty before anything is known."""
    if event.per_second <= 0:
        return ""
    rate = f"{event.per_second:.{0 if event.per_second >= 100 else 1}f}/s"
    if event.seconds_left is None:
        return rate
    minutes, seconds = divmod(round(event.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{rate}, {left} left"


def _markup_safe(text: str) -> str:
    # TextColumn reads square brackets as markup; a file may be called [bold].jpg.
    return text.replace("[", "\\[")


@contextmanager
def polite_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C (or SIGTERM) sets; a second Ctrl-C interrupts at once."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        terminal.note("stopping after the photos in work; press Ctrl-C again to stop at once")

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
