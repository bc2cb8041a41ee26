"""Whole processes, from the shell's call to the end: what a user waits for before anything."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bare import Bare
from benchmarks.children import run_program, run_python
from benchmarks.figures import Figure, Result, Target, spread
from benchmarks.timing import Run, in_turn, ratios, walls
from benchmarks.workspace import Workspace

IMPORT = Target(most=60.0)
BARE = "import typer, numpy, sqlite3"
ENGINE = "import numpy, sqlite3"

_COMMAND = Target(most=1.5)  # over the bare imports
_FIRST = {"concept": Target(most=200.0), "visual": Target(most=350.0)}  # ms, at 100,000 rows
_PROMISED = 100_000


def run(work: Workspace) -> Result:
    """The import against nothing; commands against the bare import of what they need; first
    answers against the bare import of what an answer needs."""
    figures = _commands(work)
    for rows in work.sizes.synthetic:
        figures += _first_answers(work, rows, work.graphed(rows))
    return Result(tuple(figures), ("all piped, each a new process, files in the page cache",))


def _first_answers(work: Workspace, rows: int, store: Path) -> list[Figure]:
    """A fresh process opens and answers; the query picture's vector is stored, so none is inferred.

    The graph is there, and nothing waits for it.
    """
    bare = Bare(store)
    (id,) = bare.ids([int(bare.rows[len(bare.rows) // 2])])
    opened = f"import localsearch as ls\nlibrary = ls.open(store={str(store)!r})\n"
    asked = {
        "concept": f"{opened}library.search(ls.concept({bare.concepts[2][0]!r}), limit=20)",
        "visual": f"{opened}library.search(ls.like(id={id!r}), limit=20)",
    }
    name = bare.concepts[2][0]
    del bare
    works = {
        "settle": lambda: run_python(ENGINE),
        "bare": lambda: run_python(ENGINE),
        "concept": lambda: run_python(asked["concept"]),
        "visual": lambda: run_python(asked["visual"]),
        "typer": lambda: run_python(BARE),
        "command": lambda: run_program(
            "search", "--concept", name, "--library", str(store), cwd=work.folder
        ),
    }
    runs = in_turn(works, work.sizes.processes)
    figures = []
    for kind, words in (("concept", "first concept answer"), ("visual", "first visual answer")):
        target = _FIRST[kind] if rows == _PROMISED else None
        title = f"{rows:,} rows: {words}, beyond `{ENGINE}`"
        figures.append(spread(title, _beyond(runs, kind, "bare"), "ms", target))
        figures.append(spread("... over it", ratios(runs[kind], runs["bare"]), "x"))
    target = _COMMAND if rows == _PROMISED else None
    return [
        *figures,
        spread(f"... `{ENGINE}`", walls(runs["bare"], 1e3), "ms"),
        spread(f"{rows:,} rows: `localsearch search`", walls(runs["command"], 1e3), "ms"),
        spread("... over the bare imports", ratios(runs["command"], runs["typer"]), "x", target),
    ]


def _commands(work: Workspace) -> list[Figure]:
    """On a store of some real photos."""
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
        spread(
            "`import localsearch`, beyond `pass`", _beyond(runs, "import", "pass"), "ms", IMPORT
        ),
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
    return figures


def _beyond(runs: dict[str, list[Run]], name: str, against: str) -> list[float]:
    pairs = zip(runs[name], runs[against], strict=True)
    return [(one.wall - nothing.wall) * 1e3 for one, nothing in pairs]
