"""The command: runs benchmarks, keeps their JSON, and makes the report of all that is kept."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine_note, plots
from benchmarks.figures import as_json, as_markdown
from benchmarks.table import BENCHMARKS, SLOW
from benchmarks.workspace import FULL, QUICK, Workspace

OUT = Path(__file__).parent / "out"


def main(args: Sequence[str]) -> int:
    """Run; 1 if a target was missed."""
    options = _options(args)
    mode = "full" if options.full else "quick"
    names = options.only or [name for name in BENCHMARKS if options.full or name not in SLOW]
    folder: Path = OUT / mode
    folder.mkdir(parents=True, exist_ok=True)
    command = " ".join(["python -m benchmarks", *args])
    missed = 0
    sizes = FULL if options.full else QUICK
    with Workspace(options.data, sizes, _tell, options.stores) as work:
        for name in names:
            missed += _run_one(name, work, folder, command)
        head = machine_note.describe(work.folder)
    report = OUT / f"{mode}.md"
    report.write_text(_report(folder, head), encoding="utf-8")
    _tell(f"report: {report}")
    return 1 if missed else 0


def _run_one(name: str, work: Workspace, folder: Path, command: str) -> int:
    """Measure one, keep and tell it; gives how many targets were missed."""
    before, began = machine_note.load(), time.perf_counter()
    _tell(f"{name} ...")
    result = BENCHMARKS[name](work)
    about = {
        "command": command,
        "load": f"{before} before, {machine_note.load()} after",
        "seconds": round(time.perf_counter() - began, 1),
    }
    stored = as_json(result, about)
    (folder / f"{name}.json").write_text(json.dumps(stored, indent=1), encoding="utf-8")
    print(as_markdown({name: stored}), flush=True)
    return sum(figure.met is False for figure in result.figures)


def _report(folder: Path, head: dict[str, str]) -> str:
    stored: dict[str, Any] = {}
    for name in BENCHMARKS:
        file = folder / f"{name}.json"
        if file.is_file():
            stored[name] = json.loads(file.read_text(encoding="utf-8"))
    lines = [f"- {what}: {text}" for what, text in head.items()]
    pictures = plots.draw(stored, folder)
    return "\n".join(["# Benchmarks", "", *lines, "", *pictures, as_markdown(stored)])


def _options(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--quick", action="store_true", help="small sizes: three minutes")
    size.add_argument("--full", action="store_true", help="the sizes of RESULTS.md")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="test data with labels")
    parser.add_argument(
        "--stores", type=Path, metavar="FOLDER", help="keep synthetic stores for the next run"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=list(BENCHMARKS), help="; repeatable"
    )
    options = parser.parse_args(args)
    if options.data is not None and not (options.data / "photos").is_dir():
        parser.error(f"{options.data} holds no folder `photos`")
    return options


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
