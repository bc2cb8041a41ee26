"""`localsearch tag`: the user's own words on photos. Files are not changed."""

from __future__ import annotations

from typing import Annotated

import typer

import localsearch as ls
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
        stored = name if forget or not ids else _stored(opened, ids[0], name)
    if json:
        output.print_json({"tag": stored, "value": None if forget else value, "ids": ids})
    else:
        verb = "untagged" if forget else "tagged"
        terminal.say(f"{verb} {len(ids):,}: {stored}" + ("" if value else "=false"))


def _stored(library: ls.Library, id: str, name: str) -> str:
    """The tag as the library keeps it: as it was first written."""
    kept = library.get(id).tags
    return next((one for one in kept if one.casefold() == name.casefold()), name)
