"""A benchmark with a command of its own: what it gave is told, kept where asked, and judged.

Measures nothing. Invariant: the exit code is 1 exactly if a target was missed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import machine_note
from benchmarks.figures import Result, as_json, as_markdown


def tell(name: str, args: Sequence[str], work: Callable[[], Result], kept: Path | None) -> int:
    """Do the work of `python -m benchmarks.NAME ARGS` and print its table; gives the exit code."""
    before = machine_note.load()
    result = work()
    about = {
        "command": " ".join([f"python -m benchmarks.{name}", *args]),
        "load": f"{before} before, {machine_note.load()} after",
    }
    stored = as_json(result, about)
    if kept is not None:
        kept.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    print(as_markdown({name: stored}))
    return 1 if any(figure.met is False for figure in result.figures) else 0
