"""Whole processes, from the shell's call to the end: what a user waits for before anything."""

from __future__ import annotations

from benchmarks.children import run_program, run_python
from benchmarks.figures import Result, Target, spread
from benchmarks.timing import Run, in_turn, ratios, walls
from benchmarks.workspace import Workspace

IMPORT = Target(most=60.0)
BARE = "import typer, numpy, sqlite3"


def run(work: Workspace) -> Result:
    """The import against nothing; commands against the bare import of what they need."""
    store, folder = str(work.some_stored.store), work.folder
    works = {
        # Not shown: the first process after a heavy one finds the caches full of other things.
        "settle": lambda: run_python("pass"),
        "pass": lambda: run_python("pass"),
        "import": lambda: run_python("import localsearch"),
        "bare": lambda: run_python(BARE),
        "help": lambda: run_program("--help", cwd=folder),
        "status": lambda: run_program("status", "--library", store, cwd=folder),
        "search": lambda: run_program("search", "--concept", "dog", "--library", store, cwd=folder),
        "like": lambda: run_program(
            "search", "--like", str(next(work.some.iterdir())), "--library", store, cwd=folder
        ),
    }
    runs = in_turn(works, work.sizes.processes)
    figures = [
        spread("`import localsearch`, beyond `pass`", _beyond(runs, "import"), "ms", IMPORT),
        spread("... over `pass`", ratios(runs["import"], runs["pass"]), "x"),
        spread("`python -c pass`", walls(runs["pass"], 1e3), "ms"),
        spread(f"`python -c '{BARE}'`", walls(runs["bare"], 1e3), "ms"),
    ]
    shown = {
        "help": "`localsearch --help`",
        "status": "`localsearch status`",
        "search": "`localsearch search --concept dog`",
        "like": "`localsearch search --like FILE`",
    }
    for name, words in shown.items():
        figures.append(spread(words, walls(runs[name], 1e3), "ms"))
        figures.append(spread("... over the bare imports", ratios(runs[name], runs["bare"]), "x"))
    return Result(tuple(figures), ("all piped, each a new process, files in the page cache",))


def _beyond(runs: dict[str, list[Run]], name: str) -> list[float]:
    pairs = zip(runs[name], runs["pass"], strict=True)
    return [(one.wall - nothing.wall) * 1e3 for one, nothing in pairs]
