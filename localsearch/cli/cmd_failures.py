"""`localsearch failures`: the photos that could not be indexed, and why."""

from __future__ import annotations

import typer

from localsearch.cli import opening, options, output, terminal


def run(ctx: typer.Context, library: options.Store = None, json: options.Json = False) -> None:
    """List the photos that could not be read, with the reasons."""
    with opening.open_to_read(ctx, library) as opened:
        failed = list(opened.failures())
    if json:
        output.print_json({"failures": [output.failure_json(one) for one in failed]})
    elif failed:
        output.print_failures(failed)
    else:
        terminal.note("no photo failed", "green")
