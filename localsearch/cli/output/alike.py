"""What is printed of photos that are twice there, for people and programs."""

from __future__ import annotations

import sys
from typing import Any

import localsearch as ls
from localsearch.cli import terminal
from localsearch.cli.output.for_people import size
from localsearch.cli.output.for_programs import path_json
from localsearch.cli.output.keeping import count_of
from localsearch.cli.terminal import Column

_GROUPS = 20  # that a person sees; a pipe and --json have them all


def duplicates_json(found: ls.Duplicates) -> dict[str, Any]:
    return {
        "groups": [_group_json(group) for group in found.groups],
        "photos": found.photos,
        "without_fingerprint": found.without_fingerprint,
        "redundant": found.redundant,
        "bytes": found.bytes,
        "notes": list(found.notes),
    }


def _group_json(group: ls.DuplicateGroup) -> dict[str, Any]:
    members = [_photo_json(one) for one in group.members]
    return {"kind": group.kind, "best": group.best.id, "bytes": group.bytes, "members": members}


def _photo_json(one: ls.DuplicatePhoto) -> dict[str, Any]:
    known = one._asdict()
    return {"id": known.pop("id"), **path_json(known.pop("path")), **known}


def print_duplicates(found: ls.Duplicates) -> None:
    """A block a group, the best copy first; then the sum. In a pipe all groups, as lines."""
    person = terminal.is_terminal(sys.stdout)
    shown = found.groups[:_GROUPS] if person else found.groups
    room = max(terminal.width() - 60, 24) if person else sys.maxsize
    columns = [
        Column("Group", "right", style="dim"),
        Column("Photo", gives="late", cut="front"),
        Column("Pixels", "right"),
        Column("Size", "right"),
        Column("Why", style="dim", wrap=True),
    ]
    rows = [
        _row(number, one, room) for number, group in enumerate(shown, 1) for one in group.members
    ]
    if rows:
        terminal.draw_table(columns, rows)
    if len(shown) < len(found.groups):
        left = count_of(len(found.groups) - len(shown), "group")
        terminal.note(f"... and {left} more; all of them: --json, or into a file", "dim")
    _print_sum(found)


def _row(number: int, one: ls.DuplicatePhoto, room: int) -> list[str]:
    name = terminal.short_path(one.path, room) if one.path else f"id {one.id}"
    mark = "" if one.available else " (offline)"
    pixels = f"{one.width} x {one.height}" if one.width else ""
    return [str(number), name + mark, pixels, size(one.bytes or 0), one.why]


def _print_sum(found: ls.Duplicates) -> None:
    """On standard error, so that a pipe has rows only."""
    if not found.groups:
        terminal.note(f"no duplicates among {count_of(found.photos, 'photo')}", "green")
    else:
        groups = count_of(len(found.groups), "group")
        copies = count_of(found.redundant, "photo")
        terminal.note(f"{groups}; {copies} beside the best copies, {size(found.bytes)}; all kept")
    for line in found.notes:
        terminal.note(f"note: {line}")
