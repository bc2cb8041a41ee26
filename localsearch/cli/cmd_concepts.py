"""`localsearch concepts`: the words that a search knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output, terminal

DEFAULT_PACK = "general"


def run(
    ctx: typer.Context,
    prefix: Annotated[
        str,
        typer.Argument(metavar="PREFIX", help="Only those that begin so.", show_default=False),
    ] = "",
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """List the concepts that can be searched for."""
    found = _concepts(ctx, library, prefix)
    if json:
        output.print_json({"concepts": [output.concept_json(one) for one in found]})
    elif found:
        output.print_concepts(found)
    else:
        terminal.note(f"no concept begins with {prefix!r}; all: localsearch concepts")


def _concepts(ctx: typer.Context, library: options.Store, prefix: str) -> Sequence[ls.ConceptInfo]:
    if opening.found_store(ctx, library) is None:
        from localsearch import packs

        return packs.concepts_of(DEFAULT_PACK, prefix)
    with opening.open_to_read(ctx, library) as opened:
        return opened.concepts(prefix)
