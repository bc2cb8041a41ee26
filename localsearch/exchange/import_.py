"""Lines of an export, or a plain list, put back on the inputs that they mean.

Never deletes, never guesses between two: a line goes to the input of its id, else of its place,
else of its content. Tags are added; metadata, source URL and `removed` are replaced by what the
line says; what it does not say stays. An input that was found by place or content takes the line's
id, unless that is another's or its own was chosen by the user: so ids outlive a library.
Invariants: a bad line is told with its number and changes nothing; a dry run writes nothing and
tells the same counts, unless two lines are about one input or one id.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from localsearch.catalog import input_reads, inputs, roots, tags
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass
from localsearch.errors import InputError, LocalsearchError
from localsearch.exchange.lines import Told
from localsearch.exchange.reading import Lines, lines_in
from localsearch.exchange.steps import OnProgress, Steps, never
from localsearch.records import Added, ImportReport
from localsearch.rows import RowSet, empty

Places = Callable[[Path], Sequence[tuple[int | None, bytes, bytes]]]
"""(root key, folder, name) of each place where the catalog may keep a file, likeliest first."""

Add = Callable[[Sequence["NewFile"]], Iterable[Added]]
"""Adds files as inputs, in order, one result each."""

_BATCH: Final = 256  # lines of one transaction
_TOLD: Final = 1000  # lines that a report names; it counts all
_GIVEN_BY_US: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is no input yet, and what its line says of it."""

    path: Path
    id: str | None
    tags: dict[str, bool]
    metadata: dict[str, Any] | None
    source_url: str | None


@dataclass(slots=True)
class _Work:
    """An import under way."""

    truth: Truth
    places: Places
    dry_run: bool
    roots: dict[str, int]
    folders: dict[str, Path]
    report: ImportReport
    taken: RowSet = field(default_factory=empty)  # keys that lines found by their content

    def count(self, **counts: int) -> None:
        """Add to the counts of the report."""
        now = {name: getattr(self.report, name) + more for name, more in counts.items()}
        self.report = replace(self.report, **now)

    def fail(self, line: int, fault: LocalsearchError) -> None:
        """Tell that a line could not be used."""
        self.count(failed=1)
        told = self.report.failures
        if len(told) < _TOLD:  # asked first: a list of millions must not copy them each time
            self.report = replace(self.report, failures=(*told, (line, fault.message)))

    def unknown(self, told: Told) -> None:
        """Tell that a line means no input of this library."""
        self.count(unknown=1)
        named = self.report.unknown_lines
        if len(named) < _TOLD:
            self.report = replace(self.report, unknown_lines=(*named, (told.line, told.name)))


def import_inputs(
    truth: Truth,
    source: Path | IO[bytes],
    *,
    places: Places,
    add: Add | None = None,
    dry_run: bool = False,
    progress: OnProgress = None,
    stop: Callable[[], bool] = never,
) -> ImportReport:
    """Read lines (NDJSON or CSV, told apart by their beginning) and put what they say.

    `add` makes inputs of files that are there and no inputs yet. `stop` ends between two batches;
    what was put stays. Raises InputError for a file that is no list at all.
    """
    with truth.catalog.reading() as conn:
        paths = roots.paths_now(conn)
        named = {root.name: root.key for root in roots.all_roots(conn)}
    folders = {name: paths[key] for name, key in named.items()}
    work = _Work(truth, places, dry_run, named, folders, ImportReport(dry_run=dry_run))
    with lines_in(source) as lines:
        steps = Steps("import", lines.expected, progress)
        while batch := list(islice(lines, _BATCH)):
            _put_batch(work, batch, add)
            steps.failed = work.report.failed
            steps(len(batch))
            if stop():
                return replace(work.report, stopped=True)
        steps.end()
        _compare_count(work, lines)
    return work.report


def _compare_count(work: _Work, lines: Lines) -> None:
    if work.report.lines < lines.expected:
        note = (
            f"the file tells of {lines.expected} inputs and holds {work.report.lines}: "
            "it may have been cut short"
        )
        work.report = replace(work.report, notes=(*work.report.notes, note))


def _put_batch(
    work: _Work, batch: Sequence[Told | tuple[int, InputError]], add: Add | None
) -> None:
    new: list[tuple[Told, NewFile]] = []
    now_ms = time.time_ns() // 1_000_000
    catalog = work.truth.catalog
    with catalog.reading() if work.dry_run else catalog.writing("import") as conn:
        for told in batch:
            work.count(lines=1)
            if isinstance(told, tuple):
                work.fail(*told)
                continue
            try:
                row = _match(work, conn, told)
                if row is not None:
                    _put(work, conn, row, told, now_ms)
                elif add is not None and (file := _new_file(work, told)) is not None:
                    new.append((told, file))
                else:
                    work.unknown(told)
            except InputError as fault:
                work.fail(told.line, fault)
    if new and add is not None:
        _add(work, new, add)


# ---------------------------------------------------------------- which input a line means


def _match(work: _Work, conn: sqlite3.Connection, told: Told) -> InputRow | None:
    row = input_reads.by_id(conn, told.id) if told.id is not None else None
    row = row or _at_place(work, conn, told)
    if row is None and told.digest is not None:
        row = _of_content(work, conn, told, told.digest)
    return row


def _at_place(work: _Work, conn: sqlite3.Connection, told: Told) -> InputRow | None:
    if told.relative is not None:
        found = _in_roots(work, conn, told, told.relative)
        if found is not None:
            return found
    if told.path is None:
        return None
    path = Path(os.fsdecode(told.path))
    if not path.is_absolute():
        return _in_roots(work, conn, told, told.path)
    rows = [input_reads.by_place(conn, *place) for place in work.places(path)]
    return next((row for row in rows if row is not None), None)


def _in_roots(work: _Work, conn: sqlite3.Connection, told: Told, path: bytes) -> InputRow | None:
    """The input of that path in its root; where there is no such root, in any, if its content is
    not known to be another. InputError where several roots have one."""
    folder, _, name = path.removeprefix(b"./").rpartition(b"/")
    if told.root in work.roots:
        return input_reads.by_place(conn, work.roots[told.root], folder, name)
    found = [input_reads.by_place(conn, key, folder, name) for key in work.roots.values()]
    rows = [row for row in found if row is not None and told.digest in (None, row.digest)]
    if len(rows) > 1:
        names = ", ".join(str(row.root_name) for row in rows)
        raise InputError(f"the roots {names} all have it", hint="name its root: key root")
    return rows[0] if rows else None


def _of_content(
    work: _Work, conn: sqlite3.Connection, told: Told, digest: bytes
) -> InputRow | None:
    """An input with this content that no other line has taken so; of copies the best placed."""
    here = told.relative if told.relative is not None else told.path or b""
    rows = [row for row in input_reads.by_digest(conn, digest) if row.key not in work.taken]
    if not rows:
        return None

    def fit(row: InputRow) -> tuple[bool, bool, bool, int]:
        same_name = row.name is not None and row.name == here.rpartition(b"/")[2]
        return row.relative != here, not same_name, not row.live, row.key

    best = min(rows, key=fit)
    work.taken.add(best.key)
    return best


def _new_file(work: _Work, told: Told) -> NewFile | None:
    """The file of a line that means no input, if it is there."""
    path = Path(os.fsdecode(told.path)) if told.path is not None else None
    if told.relative is not None and told.root in work.folders:
        path = work.folders[told.root] / os.fsdecode(told.relative)
    if path is None or not path.is_absolute() or not path.is_file():
        return None
    metadata = dict(told.metadata) if told.metadata is not None else None
    return NewFile(path, told.id, dict(told.tags or {}), metadata, told.source_url)


# ---------------------------------------------------------------- what a line changes


def _put(work: _Work, conn: sqlite3.Connection, row: InputRow, told: Told, now_ms: int) -> None:
    changes = _changes(conn, row, told)
    if changes and not work.dry_run:
        with work.truth.catalog.writing("import"):  # of this line: all of it, or nothing
            for change in changes:
                _apply(conn, row, change, told, now_ms)
    work.count(matched=1, changed=int(bool(changes)), ids=int("id" in changes))


def _changes(conn: sqlite3.Connection, row: InputRow, told: Told) -> list[str]:
    """What of an input would change; InputError for what cannot be kept."""
    found = []
    if told.id is not None and told.id != row.id and _GIVEN_BY_US.fullmatch(row.id):
        inputs.check_id(told.id)
        found.append("id")
    if told.tags:
        now = {name.casefold(): value for name, value in _tags_of(conn, row).items()}
        if any(now.get(name.casefold()) is not value for name, value in told.tags.items()):
            found.append("tags")
    if told.metadata is not None and dict(told.metadata) != row.metadata:
        found.append("metadata")
    if told.source_url is not None and told.source_url != row.source_url:
        found.append("source_url")
    if told.removed is not None and told.removed != row.removed:
        found.append("removed")
    return found


def _tags_of(conn: sqlite3.Connection, row: InputRow) -> dict[str, bool]:
    return tags.tags_of(conn, [row.key]).get(row.key, {})


def _apply(conn: sqlite3.Connection, row: InputRow, change: str, told: Told, now_ms: int) -> None:
    if change == "id":
        inputs.set_id(conn, row.key, told.id or "", now_ms)
    elif change == "tags":
        for name, value in (told.tags or {}).items():
            tags.put(conn, row.key, name, value)
    elif change == "metadata":
        inputs.set_metadata(conn, row.key, dict(told.metadata or {}), now_ms=now_ms)
    elif change == "source_url":
        inputs.set_source(conn, row.key, told.source_url, now_ms=now_ms)
    else:
        inputs.set_removed(conn, row.key, bool(told.removed), now_ms)


def _add(work: _Work, new: Sequence[tuple[Told, NewFile]], add: Add) -> None:
    """Make inputs of files; those that were refused are failures of their lines."""
    if work.dry_run:
        work.count(added=len(new))
        return
    left = iter(new)
    try:
        for result in add([file for _, file in new]):
            told, _ = next(left)
            work.count(added=1)
            if told.removed:
                _remove(work, result.id)
    except InputError as fault:
        told, _ = next(left)
        work.fail(told.line, fault)
        if rest := list(left):
            _add(work, rest, add)


def _remove(work: _Work, id: str) -> None:
    with work.truth.catalog.writing("import") as conn:
        row = input_reads.by_id(conn, id)
        if row is not None:
            inputs.set_removed(conn, row.key, True, time.time_ns() // 1_000_000)
