"""Drawing on a terminal, and plain text where there is none.

Knows widths, bars and colours; knows no record and no column. `rich` is imported only while
something is drawn on a terminal, so that a pipe never pays for it. Text that came from file
names is made harmless before it reaches a terminal (`harmless`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, TextIO

from localsearch.cli import layout
from localsearch.deferred import NamedTuple

_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Column(NamedTuple):
    """A column of a table: its title, its side, its colour and whether it wraps on a terminal.

    `gives`: when it gives room on a narrow terminal; `cut`: where its text is cut then.
    """

    title: str
    side: Literal["left", "right"] = "left"
    style: str = ""
    wrap: bool = False
    gives: layout.Gives = "never"
    cut: Literal["front", "end"] = "end"


def prepare_streams() -> None:
    """Make stdout and stderr take every file name, whatever the locale or code page.

    Redirected output is UTF-8 everywhere (Windows would use its code page and fail); bytes of
    POSIX names that are no Unicode go out as they came. A real terminal keeps its encoding.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, TextIOWrapper):
            continue
        errors = "backslashreplace" if os.name == "nt" else "surrogateescape"
        if stream.isatty():
            stream.reconfigure(errors="replace")
        else:
            stream.reconfigure(encoding="utf-8", errors=errors)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at `stream`: a terminal that can draw."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def width() -> int:
    """Columns of the terminal, 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def harmless(text: str) -> str:
    """`text` without control characters, which a file name could use to drive the terminal."""
    if text.isprintable() or (text := as_text(text)).isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def as_text(text: str) -> str:
    """Text from arguments or file names, read as UTF-8 whatever the locale (which may be ASCII)."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def bar(value: float, cells: int) -> str:
    """A bar of `cells` characters for a value in [0, 1]; `#` where the output has no blocks."""
    eighths = round(min(max(value, 0.0), 1.0) * cells * 8)
    full, rest = divmod(eighths, 8)
    if not _has_blocks():
        return ("#" * round(eighths / 8)).ljust(cells, ".")
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def short_path(path: Path, room: int) -> str:
    """`path` as a person would write it here: relative, or with `~`, cut in front to `room`."""
    text = harmless(_from_here(path))
    return text if len(text) <= room else "…" + text[-(max(room, 8) - 1) :]


def draw_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, header: bool = True
) -> None:
    """Print rows under their titles: with colours on a terminal, aligned by spaces in a pipe."""
    cells = [[harmless(cell) for cell in row] for row in rows]
    if is_terminal(sys.stdout):
        _draw_rich(columns, cells, header)
    else:
        _draw_plain(columns, cells)


def say(text: str, style: str = "") -> None:
    """Print one line to stdout, in `style` on a terminal."""
    _line(text, style, sys.stdout)


def note(text: str, style: str = "yellow") -> None:
    """Print one line to stderr, in `style` on a terminal."""
    _line(text, style, sys.stderr)


# Standard SGR codes: a coloured line is not worth the 60 ms that importing rich takes.
_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def _line(text: str, style: str, stream: TextIO) -> None:
    text = "\n".join(map(harmless, text.split("\n")))
    if style and is_terminal(stream) and "NO_COLOR" not in os.environ and os.name != "nt":
        text = f"\x1b[{_SGR[style]}m{text}\x1b[0m"
    try:
        print(text, file=stream, flush=True)
    except OSError:
        if stream is not sys.stderr:  # nobody can be told that nobody can be told
            raise


def _has_blocks() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "█▏…".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _from_here(path: Path) -> str:
    for base, front in ((Path.cwd, ""), (Path.home, f"~{os.sep}")):
        try:
            return front + str(path.relative_to(base()))
        except (ValueError, OSError, RuntimeError):  # elsewhere; no such folder; no home
            continue
    return str(path)


def _draw_plain(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(len(columns))]
    for row in rows:
        parts = [
            cell.rjust(size) if column.side == "right" else cell.ljust(size)
            for column, cell, size in zip(columns, row, widths, strict=True)
        ]
        print("  ".join(parts).rstrip())


def _draw_rich(columns: Sequence[Column], rows: Sequence[Sequence[str]], header: bool) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    titles = [cell_len(column.title) if header else 0 for column in columns]
    longest = [max((cell_len(row[n]) for row in rows), default=0) for n in range(len(columns))]
    # rich would shrink all columns alike; a cut score would be of no use.
    widths = layout.fitted(
        [max(pair) for pair in zip(titles, longest, strict=True)],
        ["wrap" if column.wrap else column.gives for column in columns],
        width(),
    )
    shown = [place for place, cells in enumerate(widths) if cells]
    table = Table(
        box=None,
        show_header=header,
        header_style="bold",
        pad_edge=False,
        padding=(0, layout.GAP, 0, 0),
    )
    for place in shown:
        column = columns[place]
        table.add_column(
            column.title,
            justify=column.side,
            style=column.style,
            no_wrap=not column.wrap,
            overflow="fold" if column.wrap else "ellipsis",
            width=widths[place],
        )
    for row in rows:
        cells = [
            row[n] if columns[n].wrap else layout.cut(row[n], widths[n], cell_len, columns[n].cut)
            for n in shown
        ]
        table.add_row(*map(Text, cells))
    Console(highlight=False, width=width()).print(table)
