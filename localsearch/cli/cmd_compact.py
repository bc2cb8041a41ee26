"""`localsearch compact`: few segments, no dead rows, a graph if one is due."""

from __future__ import annotations

import typer

from localsearch.cli import opening, options, output
from localsearch.cli.output import keeping
from localsearch.cli.progress import polite_interrupt, progress_bar

INTERRUPTED = 130  # exit code; the table of the others is in main.py


def run(ctx: typer.Context, library: options.Store = None, json: options.Json = False) -> None:
    """Make searches as quick as they can be (takes a while)."""
    with (
        opening.open_library(ctx, library) as opened,
        polite_interrupt("stopping after what is in work") as stop,
        progress_bar(after=1.0) as draw,
    ):
        done = opened.compact(progress=draw, stop=stop)
    if json:
        output.print_json(keeping.compacted_json(done))
    else:
        keeping.print_compacted(done)
    if done.stopped:
        raise typer.Exit(INTERRUPTED)
