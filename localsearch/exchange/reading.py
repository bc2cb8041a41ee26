"""The lines of a file that is imported: NDJSON or CSV, one at a time, each with its number.

Never asks a library. Invariant: a line that makes no sense is given as its error, and the lines
after it are read; only a file that is no list at all raises.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from localsearch.catalog.input_reads import is_text
from localsearch.errors import InputError
from localsearch.exchange.lines import COLUMNS, Told, check_header, told_of_cells, told_of_json

LONGEST: Final = 64 << 20  # characters of one line: far more than concepts and vector take
_NAMING: Final = frozenset({"id", "path", "relative_path", "digest"})

Line = Told | tuple[int, InputError]


class Lines:
    """An iterator of lines; `expected`: how many the file tells of, 0 where it does not."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.expected = 0
        first, start = _first(text)
        if first.lstrip().startswith("{"):
            self._lines = self._of_json(text, first, start)
        else:
            self._lines = self._of_cells(text, first, start)

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        return next(self._lines)

    def _of_json(self, text: io.TextIOBase, first: str, start: int) -> Iterator[Line]:
        self.expected = _expected(first)
        line, number = first, start
        while line:
            told = _one(line, number) if line.strip() else None
            if told is not None:
                yield told
            line, number = text.readline(LONGEST), number + 1

    def _of_cells(self, text: io.TextIOBase, first: str, start: int) -> Iterator[Line]:
        # A process-wide limit of the csv module: 128 KiB, which long metadata pass.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
        mark = next((one for one in "\t;" if one in first and "," not in first), ",")
        columns = [one.strip().lower() for one in next(csv.reader([first], delimiter=mark), [])]
        if not _NAMING & set(columns):
            raise InputError(
                "the first line names none of the columns id, relative_path, path and digest",
                hint="write NDJSON, or CSV whose first line names its columns; known are: "
                + ", ".join(COLUMNS),
            )
        rows = csv.reader(text, delimiter=mark, strict=True)
        return _rows(rows, columns, start)


def _rows(rows: Iterator[list[str]], columns: list[str], start: int) -> Iterator[Line]:
    while True:
        number = start + getattr(rows, "line_num", 0) + 1  # where the row begins
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as fault:
            yield number, InputError(f"it is no line of CSV: {fault}")
            continue
        if not any(cells):
            continue
        try:
            if len(cells) > len(columns):
                raise InputError(f"it has {len(cells)} cells for {len(columns)} columns")
            yield told_of_cells(dict(zip(columns, cells, strict=False)), number)
        except InputError as fault:
            yield number, fault


def _expected(first: str) -> int:
    """How many inputs the first line of an export tells of. InputError for a newer export."""
    try:
        found = json.loads(first)
    except ValueError:
        return 0
    if not isinstance(found, dict) or "localsearch" not in found:
        return 0
    check_header(found)
    told = found.get("inputs")
    return told if isinstance(told, int) else 0


def _one(line: str, number: int) -> Line | None:
    if len(line) >= LONGEST:
        return number, InputError(f"it is longer than {LONGEST} characters")
    try:
        return told_of_json(line, number)
    except InputError as fault:
        return number, fault


def _first(text: io.TextIOBase) -> tuple[str, int]:
    """The first line that is not empty, and its number. InputError for what is no list."""
    number = 0
    while line := text.readline(LONGEST):
        number += 1
        if line.strip():
            if "\0" in line or not (line.lstrip().startswith("{") or is_text(line)):
                raise InputError("this is no text", hint="give NDJSON or CSV")
            if line.lstrip().startswith("["):
                raise InputError(
                    "this is one JSON document, not one a line",
                    hint="write an object a line: jq -c '.[]' FILE",
                )
            return line, number
    raise InputError("it is empty")


def _begun(text: io.TextIOBase, name: object) -> Lines:
    """The lines of a list; what is wrong with it as a whole is told with its name."""
    try:
        return Lines(text)
    except InputError as fault:
        raise InputError(f"{name}: {fault.message}", hint=fault.hint) from fault


@contextmanager
def lines_in(source: Path | IO[bytes]) -> Iterator[Lines]:
    """The lines of a file, or of an open binary one, as text in UTF-8 (with or without a mark).

    Raises InputError: not there, unreadable, no list.
    """
    try:
        file = source.open("rb") if isinstance(source, Path) else source
    except OSError as fault:
        raise InputError(f"{source} cannot be read: {fault.strerror or fault}") from fault
    # newline="": a line break inside a cell is part of it, and csv finds the others itself.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield _begun(text, source if isinstance(source, Path) else "the list")
    except OSError as fault:
        raise InputError(f"{source} cannot be read: {fault.strerror or fault}") from fault
    finally:
        text.detach()  # a standard stream stays open
        if isinstance(source, Path):
            file.close()
