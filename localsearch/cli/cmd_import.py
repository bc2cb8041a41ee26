"""`localsearch import`: tags, metadata, source URLs, removals and ids from an export or a list."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from localsearch.cli import opening, options, output
from localsearch.cli.output import keeping
from localsearch.cli.progress import polite_interrupt, progress_bar

STRICT, INTERRUPTED = 9, 130  # exit codes; the table of the others is in main.py


def run(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="NDJSON or CSV; -: standard input.", show_default=False
        ),
    ],
    add: Annotated[
        bool, typer.Option("--add", help="Add photos that are there and not in the library.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count, change nothing.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 9 if a line failed or means no photo.")
    ] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Put back what an export tells: tags, metadata, removals, ids."""
    source = sys.stdin.buffer if str(file) == "-" else opening.absolute(file)
    # What only counts needs no right to write.
    opened = opening.open_to_read(ctx, library) if dry_run else opening.open_library(ctx, library)
    with (
        opened,
        polite_interrupt("stopping after the lines in work") as stop,
        progress_bar(after=1.0) as draw,
    ):
        report = opened.import_(source, add=add, dry_run=dry_run, progress=draw, stop=stop)
    if json:
        output.print_json(keeping.import_json(report))
    else:
        keeping.print_import(report)
    if report.stopped:
        raise typer.Exit(INTERRUPTED)
    if strict and (report.failed or report.unknown):
        raise typer.Exit(STRICT)
