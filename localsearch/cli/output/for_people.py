"""What people read: sentences and tables, with bars and colours where a terminal is.

Knows columns; computes nothing but widths. In a pipe the same rows come as aligned plain text.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import localsearch as ls
from localsearch.cli import terminal
from localsearch.cli.terminal import Column

if TYPE_CHECKING:
    from localsearch.doctor import Check

_BAR = 10  # cells of a bar beside a path: tenths are what the eye tells apart
_ROOM_FOR_BAR = 36  # of a narrower terminal a path needs all


def concepts_text(values: Sequence[ls.ConceptValue], most: int) -> str:
    return ", ".join(f"{one.name} {one.value:.2f}" for one in values[:most])


def print_hits(hits: Sequence[ls.Hit]) -> None:
    """One line a hit: score, path (or id), the first concepts. A bar where a person looks."""
    person = terminal.is_terminal(sys.stdout)
    if not hits:
        return
    columns = [
        Column("Score", "right"),
        Column("Photo", gives="late", cut="front"),
        Column("Concepts", style="dim", gives="first"),
    ]
    room = max(terminal.width() - _BAR - 40, 24) if person else sys.maxsize
    rows = []
    for hit in hits:
        name = terminal.short_path(hit.path, room) if hit.path else f"id {hit.id}"
        mark = "" if hit.available else " (offline)"
        mark += f" (+{hit.folded:,})" if hit.folded else ""
        rows.append([f"{hit.score:.3f}", name + mark, concepts_text(hit.concepts, 3)])
    if person and terminal.width() >= _ROOM_FOR_BAR:
        columns.insert(0, Column("", style="cyan"))
        rows = [[terminal.bar(hit.score, _BAR), *row] for hit, row in zip(hits, rows, strict=True)]
    terminal.draw_table(columns, rows)


def print_bars(values: Sequence[ls.ConceptValue]) -> None:
    """The bar chart of one photo's concepts."""
    columns = [Column("", style="cyan"), Column("", "right"), Column(""), Column("", style="dim")]
    rows = [[terminal.bar(v.value, 24), f"{v.value:.3f}", v.name, v.id] for v in values]
    terminal.draw_table(columns, rows, header=False)


def print_sync(report: ls.SyncReport) -> None:
    """One line of counts, then what the user should know."""
    work = report.added + report.changed + report.failed
    rate = f" ({work / report.seconds:.1f} photos/s)" if work and report.seconds > 0 else ""
    terminal.say(_counts(report, ("changed", "moved", "missing", "offline", "failed")) + rate)
    for line in report.notes:
        terminal.say(f"note: {line}")
    if report.failed:
        terminal.say(f"{_photos(report.failed)} could not be read; see: localsearch failures")
    if report.missing:
        terminal.say("missing photos keep their tags until: localsearch purge --missing")
    if report.stopped:
        terminal.say("stopped; run the same command again to go on")


def _counts(report: ls.SyncReport, rare: tuple[str, ...]) -> str:
    """The counts that matter: added and unchanged always, the others only if not zero."""
    told = [f"{report.added:,} added"]
    told += [f"{getattr(report, name):,} {name}" for name in rare if getattr(report, name)]
    told.append(f"{report.unchanged:,} unchanged")
    if report.skipped:
        told.append(f"{report.skipped:,} skipped")
    return ", ".join(told) + f" in {duration(report.seconds)}"


def print_estimate(estimate: ls.SyncEstimate) -> None:
    names = ("added", "changed", "missing", "offline", "unchanged", "skipped")
    told = ", ".join(f"{getattr(estimate, n):,} {n}" for n in names if getattr(estimate, n))
    terminal.say(f"dry run, nothing was written: {told or 'nothing to do'}")
    if estimate.added or estimate.changed:
        terminal.say(
            f"a sync would take about {duration(estimate.seconds)} (limited by "
            f"{estimate.bottleneck}, {_photos(estimate.sampled)} sampled) and "
            f"{size(estimate.disk_bytes)} of disk"
        )
    for line in estimate.notes:
        terminal.say(f"note: {line}")


def print_status(status: ls.Status) -> None:
    counts = ", ".join(
        f"{getattr(status, name):,} {name}"
        for name in ("failed", "missing", "offline", "removed")
        if getattr(status, name)
    )
    rows = [
        ["store", str(status.store)],
        ["photos", f"{status.inputs:,}" + (f" ({counts})" if counts else "")],
        ["pack", _pack_words(status)],
        ["provider", _provider_words(status)],
        ["segments", f"{status.segments}, generation {status.generation}, tail {status.tail:,}"],
        ["size", f"{size(status.bytes)}, format {status.schema}"],
        *([["visual", status.graph]] if status.graph else []),
        *(["due", line] for line in status.due),
        *(["note", line] for line in status.notes),
    ]
    terminal.draw_table([Column("", style="dim"), Column("", wrap=True)], rows, header=False)


def _provider_words(status: ls.Status) -> str:
    """`cpu (asked for: auto; cuda: it is not in the installed ONNX Runtime)`."""
    told = "; ".join([f"asked for: {status.provider_asked}", *status.provider_why])
    return f"{status.provider} ({told})"


def _pack_words(status: ls.Status) -> str:
    """`general 1 (general 2 available: localsearch reindex)`."""
    if status.building_pack is not None:
        return f"{status.pack} ({status.building_pack} is being built: localsearch reindex)"
    if status.newer_pack is not None:
        return f"{status.pack} ({status.newer_pack} available: localsearch reindex)"
    return status.pack


def print_failures(failed: Sequence[ls.Input]) -> None:
    columns = [
        Column("State", style="yellow"),
        Column("Photo", gives="late", cut="front"),
        Column("Reason", style="dim", wrap=True),
    ]
    room = max(terminal.width() - 40, 24) if terminal.is_terminal(sys.stdout) else sys.maxsize
    rows = [
        [one.state, terminal.short_path(one.path, room) if one.path else one.id, one.reason]
        for one in failed
    ]
    terminal.draw_table(columns, rows)


def print_roots(roots: Sequence[ls.Root]) -> None:
    columns = [
        Column("Root", style="cyan"),
        Column("Photos", "right"),
        Column(""),
        Column("Path", wrap=True),
    ]
    rows = [
        [one.name, f"{one.inputs:,}", "online" if one.online else "offline", str(one.path)]
        for one in roots
    ]
    terminal.draw_table(columns, rows)


def print_input(one: ls.Input, values: Sequence[ls.ConceptValue]) -> None:
    """All that is known of one photo; facts that it has not are left out."""
    facts = {
        "id": one.id,
        "path": str(one.path) if one.path else "",
        "root": one.root or "",
        "state": one.state + (f": {one.reason}" if one.reason else ""),
        "removed": "yes" if one.removed else "",
        "picture": f"{one.width} x {one.height} {one.format}" if one.width else "",
        "size": size(one.size) if one.size else "",
        "taken": one.taken_at or "",
        "place": _place(one.lat, one.lon),
        "camera": one.camera or "",
        "added": one.created_at,
        "source": one.source_url or "",
        "tags": ", ".join(n if v else f"{n}=false" for n, v in one.tags.items()),
        "metadata": json.dumps(dict(one.metadata), ensure_ascii=False) if one.metadata else "",
    }
    rows = [[key, value] for key, value in facts.items() if value]
    terminal.draw_table([Column("", style="dim"), Column("", wrap=True)], rows, header=False)
    if values:
        print_bars(values)


def _place(lat: float | None, lon: float | None) -> str:
    return "" if lat is None or lon is None else f"{lat:.5f}, {lon:.5f}"


def duration(seconds: float) -> str:
    """Seconds as people say it: `0.42 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.01 else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Bytes in powers of 1,000, as file managers tell it."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _photos(count: int) -> str:
    return f"{count:,} photo" + ("" if count == 1 else "s")


def print_concepts(found: Sequence[ls.ConceptInfo]) -> None:
    columns = [
        Column("Concept", style="cyan"),
        Column("Id", style="dim"),
        Column("Also", wrap=True),
    ]
    terminal.draw_table(columns, [[one.name, one.id, ", ".join(one.synonyms)] for one in found])


def print_checks(checks: Sequence[Check]) -> None:
    """A line a check: its mark, its name, what is there; the cure below it; then the sum."""
    marks = {True: ("ok", ""), None: ("note", "yellow"), False: ("FAULT", "red")}
    wide = max(len(one.name) for one in checks)
    for one in checks:
        word, style = marks[one.ok]
        _say_wrapped(f"{word:5}  {one.name:{wide}}  ", one.found, style)
        for command in one.cure.splitlines():  # in their order, each to be copied by itself
            _say_wrapped(f"{'':5}  {'':{wide}}  mend: ", command, style)
    faults = sum(one.ok is False for one in checks)
    failed = f"{faults} of {len(checks)} checks failed"
    terminal.say(failed if faults else "no check failed", "red" if faults else "green")


def _say_wrapped(front: str, text: str, style: str) -> None:
    """`text` behind `front`, in lines below each other on a terminal, in one line in a pipe."""
    room = terminal.width() - len(front) if terminal.is_terminal(sys.stdout) else 0
    lines = textwrap.wrap(text, room, break_long_words=False) if room > 20 else [text]
    blank = " " * len(front)
    terminal.say("\n".join((blank if n else front) + line for n, line in enumerate(lines)), style)
