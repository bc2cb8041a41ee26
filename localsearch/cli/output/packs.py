"""What the commands around packs print, for people and for programs.

Knows columns and keys; computes nothing.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from localsearch.cli import terminal
from localsearch.cli.output.for_people import size
from localsearch.cli.terminal import Column

if TYPE_CHECKING:
    from localsearch.packs import Entry, PackInfo, Removable


def pack_json(pack: PackInfo) -> dict[str, Any]:
    return {**asdict(pack), "folder": str(pack.folder)}


def entry_json(entry: Entry) -> dict[str, Any]:
    files = [one._asdict() for one in entry.files]
    return {**entry._asdict(), "bytes": entry.bytes, "files": files}


def removable_json(found: Removable) -> dict[str, Any]:
    folder = None if found.folder is None else str(found.folder)
    return {**asdict(found), "folder": folder}


def print_packs(found: Sequence[PackInfo]) -> None:
    columns = [Column("Pack", style="cyan"), Column("Version", "right"), Column("Size", "right")]
    columns.append(Column("What it is", wrap=True))
    rows = [
        [one.name, str(one.version), size(one.bytes), f"cannot be used: {one.fault}"]
        if one.fault
        else [one.name, str(one.version), size(one.bytes), _summary(one)]
        for one in found
    ]
    terminal.draw_table(columns, rows)


def _summary(pack: PackInfo) -> str:
    return f"{pack.summary} (provisional)" if pack.provisional else pack.summary


def print_entries(entries: Sequence[Entry], here: Callable[[Entry], bool]) -> None:
    """The catalogue: what can be pulled, and what has to be exported first."""
    columns = [
        Column("Pack", style="cyan"),
        Column("Download", "right"),
        Column("Licence"),
        Column("What it is", wrap=True),
    ]
    rows = [[one.name, _download(one, here), one.licence, one.summary] for one in entries]
    terminal.draw_table(columns, rows)


def _download(entry: Entry, here: Callable[[Entry], bool]) -> str:
    if here(entry):
        return "is here"
    return size(entry.bytes) if entry.files else "by export"


def print_pack(pack: PackInfo) -> None:
    rows = [
        ["pack", f"{pack.name} {pack.version}"],
        ["summary", pack.summary],
        ["licence", pack.licence],
        ["concepts", _concepts(pack)],
        ["vector", f"{pack.dimensions} numbers"],
        ["picture", f"{pack.pixels} x {pack.pixels} pixels, {_FITS.get(pack.fit, pack.fit)}"],
        ["text", _text(pack)],
    ]
    if pack.provisional:
        rows.append(["provisional", _provisional(pack)])
    rows += [
        ["size", size(pack.bytes)],
        ["folder", str(pack.folder) + (" (yours)" if pack.yours else "")],
        ["encoder", pack.encoder_digest],
        ["digest", pack.pack_digest],
    ]
    terminal.draw_table([Column("", style="dim"), Column("", wrap=True)], rows, header=False)


_FITS = {"crop": "cut out of its middle", "squash": "all of it squashed to a square"}


def _concepts(pack: PackInfo) -> str:
    if pack.classes:
        return f"{pack.concepts:,}, of which {pack.classes:,} are classes of the network"
    return f"{pack.concepts:,}, all of them zero-shot: told by the vector and their words"


def _text(pack: PackInfo) -> str:
    if pack.text != "network":
        return "tables of words" if pack.text else "none: free text cannot be asked"
    facts = (("logit scale", pack.logit_scale), ("logit bias", pack.logit_bias))
    more = "".join(f", {name} {value:g}" for name, value in facts if value is not None)
    return f"a network, {pack.context} tokens{more}"


def _provisional(pack: PackInfo) -> str:
    return (
        f"{' and '.join(pack.provisional)}: fitted on few photos, none of yours; better: "
        f"localsearch packs calibrate {pack.name} FOLDER"
    )


def print_parts(pack: PackInfo) -> None:
    """The parts, each as a block of lines: the terms are sentences and fit no column."""
    for part in pack.parts:
        need = "" if part.required else " (may be left out)"
        terminal.say(f"part {part.name}{need}: {', '.join(part.files)}", "bold")
        terminal.say(f"  licence         {part.licence}")
        terminal.say(f"  source          {part.source}")
        terminal.say(f"  trained on      {part.trained_on}")
        terminal.say(f"  training terms  {part.training_terms}")


def note_offer(entry: Entry, missing: int) -> None:
    """What a pull would fetch and under which terms: on stderr, before it is agreed to."""
    kept = "" if missing == entry.bytes else f", of which {size(missing)} are still missing"
    host = entry.base.partition("://")[2].partition("/")[0]
    terminal.note(f"{entry.name} {entry.version}: {entry.summary}", "bold")
    for name, text in (
        ("size", f"{size(entry.bytes)} in {len(entry.files)} files{kept}"),
        ("from", host),
        ("licence", entry.licence),
        ("source", entry.source),
        ("trained on", entry.trained_on),
        ("terms", entry.training_terms),
    ):
        _note_wrapped(f"  {name:<12}", text)


def _note_wrapped(front: str, text: str) -> None:
    wide = shutil.get_terminal_size((80, 24)).columns if sys.stderr.isatty() else 0
    room = max(wide - len(front), 0)
    lines = textwrap.wrap(text, room, break_long_words=False) if room > 20 else [text]
    terminal.note(
        "\n".join((front if not n else " " * len(front)) + one for n, one in enumerate(lines)), ""
    )
