"""`localsearch restore`: bring removed photos back."""

from __future__ import annotations

import typer

from localsearch.cli import opening, options, output, terminal


def run(
    ctx: typer.Context,
    inputs: options.Inputs,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Bring removed photos back into searches."""
    with opening.open_library(ctx, library) as opened:
        ids = opening.ids_of(opened, inputs)
        opened.restore(ids)
    if json:
        output.print_json({"restored": ids})
    else:
        terminal.say(f"restored {len(ids):,}")
