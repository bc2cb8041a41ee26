"""`localsearch sync`: look for new, changed, moved and missing photos."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output
from localsearch.cli.progress import polite_interrupt, progress_bar

STRICT, INTERRUPTED = 9, 130  # exit codes; the table of the others is in main.py


def run(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Only these files and folders. Default: all photo folders of the library.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="N",
            min=1,
            help="Default: what the machine has.",
            show_default=False,
        ),
    ] = None,
    gentle: Annotated[
        bool, typer.Option("--gentle", help="Leave most of the machine to others.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only estimate the time and the disk space.")
    ] = False,
    allow_removals: Annotated[
        bool, typer.Option("--allow-removals", help="Even if many photos would go missing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 9 if a photo could not be read.")
    ] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Find new and changed photos; makes the library on first use."""
    chosen = [opening.absolute(path) for path in paths or ()]
    with opening.open_or_make(ctx, library, chosen, dry_run=dry_run) as opened:
        roots, below = _which(opened, chosen)
        with polite_interrupt() as stop, progress_bar() as draw:
            if dry_run:
                _print_estimate(_estimate(opened, roots, below, stop), json)
                return
            report = opened.sync(
                paths=below,
                roots=roots,
                progress=draw,
                stop=stop,
                threads=threads,
                gentle=gentle,
                allow_removals=allow_removals,
            )
    if json:
        output.print_json(output.sync_json(report))
    else:
        output.print_sync(report)
    if report.stopped:
        raise typer.Exit(INTERRUPTED)
    if strict and report.failed:
        raise typer.Exit(STRICT)


def _which(library: ls.Library, chosen: list[Path]) -> tuple[list[str] | None, list[Path] | None]:
    """(`roots`, `paths`) of a sync: names if whole photo folders are meant, else what is below."""
    if not chosen:
        return None, None
    roots = {root.path: root.name for root in library.roots()}
    opening.check_there([path for path in chosen if not _is_known(library, path)])
    for path in chosen:
        if not any(path.is_relative_to(root) for root in roots):
            raise ls.InputError(
                f"{path} lies in no photo folder of the library {library.store}",
                hint=f'add it first: localsearch roots add "{path}"'
                if path.is_dir()
                else "its photo folders are told by: localsearch roots",
            )
    if all(path in roots for path in chosen):
        return [roots[path] for path in chosen], None
    return None, chosen


def _is_known(library: ls.Library, path: Path) -> bool:
    """Whether the library has (or has lost) a photo of that path or below it, or cannot know."""
    if os.path.lexists(path) or library.find(path) is not None:
        return True
    for root in library.roots():
        if path.is_relative_to(root.path):
            if not root.online or path == root.path:
                return True
            below = ls.path(_literally(path.relative_to(root.path).as_posix()) + "/**")
            gone = ls.And((below, ls.state("missing")))
            return any(library.search(query, limit=1).total for query in (below, gone))
    return False


def _literally(path: str) -> str:
    """A path as a pattern that matches just it."""
    return re.sub(r"([*?[])", r"[\1]", path)


def _estimate(
    library: ls.Library,
    roots: list[str] | None,
    below: list[Path] | None,
    stop: threading.Event,
) -> ls.SyncEstimate:
    if below is not None:
        raise ls.InputError(
            "--dry-run looks at whole photo folders", hint="name a photo folder, or no path"
        )
    found = library.estimate(roots=roots, stop=stop)
    if stop.is_set():  # it saw a part only, so its numbers mean nothing
        raise KeyboardInterrupt
    return found


def _print_estimate(estimate: ls.SyncEstimate, json: bool) -> None:
    if json:
        output.print_json(output.estimate_json(estimate))
    else:
        output.print_estimate(estimate)
