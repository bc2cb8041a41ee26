"""`localsearch status`: a library at a glance."""

from __future__ import annotations

import typer

from localsearch.cli import opening, options, output


def run(ctx: typer.Context, library: options.Store = None, json: options.Json = False) -> None:
    """Show what the library holds, and what answers."""
    with opening.open_to_read(ctx, library) as opened:
        status = opened.status()
    if json:
        output.print_json(output.status_json(status))
    else:
        output.print_status(status)
