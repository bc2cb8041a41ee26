"""`localsearch tag`: the user's own words on photos. Files are not changed."""

from __future__ import annotations

from typing import Annotated

import typer

from localsearch.cli import opening, options, output, terminal


def run(
    ctx: typer.Context,
    tag: Annotated[
        str, typer.Argument(metavar="TAG", help="A word, or WORD=false.", show_default=False)
    ],
    inputs: options.Inputs,
    forget: Annotated[bool, typer.Option("--forget", help="Take the tag away.")] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Put a tag on photos, or take it away."""
    name, value = opening.tag_of(tag)
    with opening.open_library(ctx, library) as opened:
        ids = opening.ids_of(opened, inputs)
        if forget:
            opened.untag(ids, name)
        else:
            opened.tag(ids, name, value)
    if json:
        output.print_json({"tag": name, "value": None if forget else value, "ids": ids})
    else:
        verb = "untagged" if forget else "tagged"
        terminal.say(f"{verb} {len(ids):,}: {name}" + ("" if value else "=false"))
