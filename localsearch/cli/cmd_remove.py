"""`localsearch remove`: hide photos from searches; the files stay."""

from __future__ import annotations

import typer

from localsearch.cli import opening, options, output, terminal


def run(
    ctx: typer.Context,
    inputs: options.Inputs,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Hide photos from searches; a sync does not bring them back."""
    with opening.open_library(ctx, library) as opened:
        ids = opening.ids_of(opened, inputs)
        opened.remove(ids)
    if json:
        output.print_json({"removed": ids})
    else:
        terminal.say(f"removed {len(ids):,}")
