"""What is printed of explain, verify, compact, backup, recover and import, for people and programs.

Knows keys and columns; computes nothing but widths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import localsearch as ls
from localsearch.cli import terminal
from localsearch.cli.output.for_people import duration, size
from localsearch.cli.output.for_programs import path_json
from localsearch.cli.terminal import Column

_LINES = 20  # of a report that people read; --json has them all


def count_of(count: int, what: str) -> str:
    """`1 photo`, `1,204 photos`."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def file_json(path: Path | None, key: str = "file") -> dict[str, Any]:
    """A path under another key than `path`."""
    return {name.replace("path", key, 1): value for name, value in path_json(path).items()}


# ---------------------------------------------------------------- explain


def explanation_json(query: str, told: ls.Explanation) -> dict[str, Any]:
    return {"query": query, "explain": asdict(told)}


def print_explanation(told: ls.Explanation) -> None:
    """The tree, a line a part, then the route and why."""
    columns = [
        Column("Part", style="cyan", wrap=True),
        Column("Expected", "right"),
        Column("Rows", "right"),
        Column("Time", "right"),
        Column("How", style="dim", wrap=True),
    ]
    rows = [
        [
            front + part.term,
            f"{part.estimate:,}",
            "" if part.rows is None else f"{part.rows:,}",
            "" if part.milliseconds is None else f"{part.milliseconds:.2f} ms",
            part.note,
        ]
        for front, part in _lines(told.tree)
    ]
    terminal.draw_table(columns, rows)
    found = count_of(told.total, "photo")
    terminal.say(f"route {told.route}: {found} in {told.milliseconds:.2f} ms", "bold")
    for line in told.notes:
        terminal.say(f"note: {line}")


def _lines(part: ls.Explained, front: str = "", below: str = "") -> Iterator[tuple[str, Any]]:
    """Each part with the branches in front of it."""
    yield front, part
    for number, child in enumerate(part.children, 1):
        last = number == len(part.children)
        mark, rest = ("`- ", "   ") if last else ("|- ", "|  ")
        yield from _lines(child, below + mark, below + rest)


# ---------------------------------------------------------------- verify


def finding_json(one: ls.Finding) -> dict[str, Any]:
    return asdict(one)


def print_findings(findings: Sequence[ls.Finding], repair: bool) -> None:
    if not findings:
        terminal.say("all is well", "green")
        return
    columns = [
        Column("", style="dim"),
        Column("Finding", style="yellow"),
        Column("Where", wrap=True),
        Column("What", wrap=True),
    ]
    words = {True: "repaired", False: "left" if repair else ""}
    rows = [[words[one.repaired], one.code, one.where, one.message] for one in findings[:_LINES]]
    terminal.draw_table(columns, rows)
    if len(findings) > _LINES:
        terminal.say(f"... and {len(findings) - _LINES:,} more; all of them: --json")
    _print_cure(findings, repair)


def _print_cure(findings: Sequence[ls.Finding], repair: bool) -> None:
    left = [one for one in findings if not one.repaired]
    lost = sum(not one.derived for one in left)
    told = count_of(len(findings), "finding")
    if repair:
        told += f", {len(findings) - len(left):,} repaired"
    if left:
        told += f"; {len(left) - lost:,} cost time only, {lost:,} are losses"
    terminal.say(told, "red" if lost else "green" if not left else "yellow")
    if left and not repair:
        terminal.say("to mend what can be mended: localsearch verify --repair")


# ---------------------------------------------------------------- the others


def compacted_json(done: ls.Compacted) -> dict[str, Any]:
    return {**asdict(done), "seconds": round(done.seconds, 3)}


def print_compacted(done: ls.Compacted) -> None:
    told = f"{count_of(done.segments, 'segment')} with {count_of(done.rows, 'photo')}"
    terminal.say(f"{told} in {duration(done.seconds)}")
    if done.graph:
        terminal.say(f"visual queries: {done.graph}")
    for line in done.notes:
        terminal.say(f"note: {line}")
    if done.stopped:
        terminal.say("stopped; run the same command again to go on")


def reindex_json(report: ls.ReindexReport) -> dict[str, Any]:
    failures = [
        {"id": id, "state": state, "reason": reason} for id, state, reason in report.failures
    ]
    return {**asdict(report), "seconds": round(report.seconds, 3), "failures": failures}


def print_reindex(report: ls.ReindexReport) -> None:
    """What was done, or would be, then what is lacking, and what can be done next."""
    told = [
        f"{count:,} {words}"
        for count, words in (
            (report.inferred, "from their pictures"),
            (report.from_thumbnails, "from thumbnails"),
            (report.kept, "had features already"),
            (report.lacking, "lacking"),
        )
        if count
    ]
    front = f"{report.before} -> {report.pack}" if report.before != report.pack else report.pack
    terminal.say(f"{front}: {count_of(report.contents, 'photo')}: {', '.join(told) or 'nothing'}")
    if report.dry_run:
        need = f"{duration(report.seconds)} and {size(report.bytes)}"
        terminal.say(f"dry run, nothing was written: it takes about {need}")
        return
    for id, state, reason in report.failures[:_LINES]:
        terminal.say(f"lacking: {id}: {state}: {reason}")
    if len(report.failures) > _LINES:
        terminal.say("... and more of these; all of them: --json")
    for line in report.notes:
        terminal.say(f"note: {line}")
    if report.switched:
        terminal.say(f"{report.pack} answers now, after {duration(report.seconds)}", "green")
        terminal.say("to go back: localsearch reindex --rollback")
    if report.stopped:
        terminal.say(f"stopped; {report.before} answers; run the same command again to go on")


def backup_json(done: ls.BackupReport) -> dict[str, Any]:
    return {**file_json(done.file), "bytes": done.bytes, "files": done.files, "inputs": done.inputs}


def print_backup(done: ls.BackupReport) -> None:
    terminal.say(f"{count_of(done.inputs, 'photo')} in {done.file} ({size(done.bytes)})")
    terminal.say(f'to bring them back: localsearch recover "{done.file}"')


def recovered_json(done: ls.Recovered) -> dict[str, Any]:
    body = {"store": str(done.store), "files": done.files, "bytes": done.bytes}
    replaced = str(done.replaced) if done.replaced is not None else None
    return {**body, "made_at": done.made_at, "replaced": replaced, "notes": list(done.notes)}


def print_recovered(done: ls.Recovered) -> None:
    terminal.say(f"{done.store} is as it was at {done.made_at} ({size(done.bytes)})")
    if done.replaced is not None:
        terminal.say(f"what was there lies in {done.replaced} now; delete it when you like")
    for line in done.notes:
        terminal.say(f"note: {line}")
    terminal.say(f'next: localsearch --library "{done.store}" sync')


def import_json(report: ls.ImportReport) -> dict[str, Any]:
    unknown = [{"line": line, "name": name} for line, name in report.unknown_lines]
    failures = [{"line": line, "reason": reason} for line, reason in report.failures]
    return {**asdict(report), "unknown_lines": unknown, "failures": failures}


def print_import(report: ls.ImportReport) -> None:
    """One line of counts, then the lines that could not be used."""
    names = ("matched", "changed", "added", "unknown", "failed")
    told = [f"{getattr(report, name):,} {name}" for name in names if getattr(report, name)]
    if report.ids:
        told.insert(2, f"{count_of(report.ids, 'id')} taken over")
    front = "dry run, nothing was written: " if report.dry_run else ""
    terminal.say(front + f"{count_of(report.lines, 'line')}: {', '.join(told) or 'nothing'}")
    for line in report.notes:
        terminal.say(f"note: {line}")
    for word, lines in (("unknown", report.unknown_lines), ("failed", report.failures)):
        for number, what in lines[:_LINES]:
            terminal.say(f"line {number}: {word}: {what}")
        if len(lines) > _LINES:
            terminal.say("... and more of these; all of them: --json")
    if report.unknown and not report.dry_run:
        terminal.say("unknown photos become known by: localsearch sync, or: import --add")
    if report.stopped:
        terminal.say("stopped; what was put stays")
