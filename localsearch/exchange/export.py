"""All inputs as lines: NDJSON for programs, CSV for spreadsheets; streamed.

Never holds more than a page of inputs, nor a transaction between two pages. Invariants: each line
is one input as one commit left it; an input that is there from the first page to the last stands
in the file once, whatever changes meanwhile (the walk is by key, and a key never changes). What
is added or purged meanwhile may or may not be among the lines.
"""

from __future__ import annotations

import csv
import io
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from localsearch.catalog import described, input_reads, packs, roots
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.truth import Truth
from localsearch.durable import replacing
from localsearch.errors import InputError
from localsearch.exchange import lines
from localsearch.exchange.steps import OnProgress, Steps, never
from localsearch.records import ConceptValue

if TYPE_CHECKING:
    import numpy.typing as npt

Format = Literal["ndjson", "csv"]
FORMATS: Final[tuple[Format, ...]] = ("ndjson", "csv")

Halves: TypeAlias = "npt.NDArray[np.float16]"
Tell = Callable[[Halves, Halves], Sequence[Sequence[ConceptValue]]]
"""Concepts of photos, best first, from their vectors [n, D] and raw logits [n, K]."""

_PAGE: Final = 512  # inputs in one transaction: some milliseconds


def export_inputs(
    truth: Truth,
    target: Path | IO[bytes],
    *,
    format: Format = "ndjson",
    concepts: Tell | None = None,
    vectors: bool = False,
    progress: OnProgress = None,
    stop: Callable[[], bool] = never,
) -> int:
    """Write every input, removed and missing ones too; gives how many.

    A `Path` is replaced at once when all is written (a link: what it points to); an open binary
    file, a pipe and a device are written as it goes.
    `concepts` adds each photo's concepts, `vectors` its vector (NDJSON only). Raises Cancelled
    where `stop` says so, LibraryFull, LibraryReadOnly, InputError.
    """
    if format not in FORMATS:
        raise InputError(f"format is one of {', '.join(FORMATS)}, not {format!r}")
    if vectors and format == "csv":
        raise InputError("vectors do not fit a spreadsheet", hint="export them as ndjson")
    pages, steps = _pages(truth, concepts, vectors), Steps("export", 0, progress, stop)
    if not isinstance(target, Path):
        return _write(truth, target, format, pages, steps)
    if target.is_dir():
        raise InputError(f"{target} is a folder", hint="name a file")
    with _opened(target) as file:
        return _write(truth, file, format, pages, steps)


def _opened(target: Path) -> AbstractContextManager[IO[bytes]]:
    """The file to write to. What is no plain file, as /dev/null, must never be replaced by one."""
    if not target.exists() or target.is_file():
        return replacing(Path(os.path.realpath(target)))
    try:
        return target.open("wb")
    except OSError as fault:
        raise InputError(f"{target} cannot be written: {fault.strerror or fault}") from fault


def _write(
    truth: Truth,
    file: IO[bytes],
    format: Format,
    pages: Iterator[list[dict[str, Any]]],
    steps: Steps,
) -> int:
    with truth.catalog.reading() as conn:
        steps.total = input_reads.count_all(conn)
        head = _head(truth, conn, steps.total)
    file.write(lines.json_line(head) if format == "ndjson" else _rows([list(lines.COLUMNS)]))
    for page in pages:
        if format == "ndjson":
            file.writelines(map(lines.json_line, page))
        else:
            file.write(_rows([lines.cells_of(line) for line in page]))
        steps(len(page))
    steps.end()
    return steps.done


def _head(truth: Truth, conn: sqlite3.Connection, total: int) -> dict[str, Any]:
    """The first line. `inputs` is how many there were at the start."""
    pack = packs.active(conn)
    paths = roots.paths_now(conn)
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "version": lines.VERSION,
        "localsearch": lines.MARK,
        "exported_at": now,
        "inputs": total,
        "pack": f"{pack.name} {pack.version}" if pack is not None else None,
        "encoder": pack.encoder_digest if pack is not None else None,
        "dimensions": truth.features.dimensions,
        "roots": [
            {"name": root.name, "path": os.fsencode(paths[root.key]).decode("utf-8", "replace")}
            for root in roots.all_roots(conn)
        ],
    }


def _rows(rows: list[list[str]]) -> bytes:
    """Lines of RFC 4180, but ended by a line feed alone, as the other CSV of this program."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _pages(truth: Truth, concepts: Tell | None, vectors: bool) -> Iterator[list[dict[str, Any]]]:
    after = 0
    while True:
        with truth.catalog.reading() as conn:
            rows = input_reads.by_keys(conn, input_reads.keys_after(conn, after, _PAGE))
            told = described.inputs_of(conn, rows)
        if not rows:
            return
        after = rows[-1].key
        extra = _extra(truth, rows, concepts, vectors)
        paths = [os.fsencode(one.path) if one.path is not None else None for one in told]
        yield [lines.line_of(*each) for each in zip(rows, told, paths, *extra, strict=True)]


def _extra(
    truth: Truth, rows: Sequence[InputRow], concepts: Tell | None, vectors: bool
) -> tuple[Sequence[Sequence[ConceptValue] | None], Sequence[bytes | None]]:
    """(concepts, vector) of each input: empty without features, None where not asked for."""
    nothing = [None] * len(rows)
    if concepts is None and not vectors:
        return nothing, nothing
    halves, logits, found = truth.features.arrays_of([row.digest or b"" for row in rows])
    told: Sequence[Sequence[ConceptValue] | None] = nothing
    if concepts is not None:
        each = iter(concepts(halves[found], logits[found]))
        told = [next(each) if has else () for has in found.tolist()]
    if not vectors:
        return told, nothing
    raw = [
        one.astype("<f2").tobytes() if has else None
        for one, has in zip(halves, found.tolist(), strict=True)
    ]
    return told, raw
