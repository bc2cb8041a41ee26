"""`localsearch show`: all that the library knows of single photos."""

from __future__ import annotations

import typer

from localsearch.cli import opening, options, output, terminal

_CONCEPTS = 10


def run(
    ctx: typer.Context,
    inputs: options.Inputs,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Show what is known of photos: facts, tags and concepts."""
    with opening.open_to_read(ctx, library) as opened:
        found = [opened.get(one) for one in opening.ids_of(opened, inputs)]
        values = [
            opened.predict(id=one.id, limit=_CONCEPTS) if one.state in ("ok", "offline") else ()
            for one in found
        ]
    if json:
        shown = [
            {**output.input_json(one), "concepts": output.concepts_json(few)}
            for one, few in zip(found, values, strict=True)
        ]
        output.print_json({"inputs": shown})
        return
    for position, (one, few) in enumerate(zip(found, values, strict=True)):
        if position:
            terminal.say("")
        output.print_input(one, few)
