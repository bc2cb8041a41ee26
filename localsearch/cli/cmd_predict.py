"""`localsearch predict`: the concepts of one picture; nothing is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output

DEFAULT_PACK = "general"
_SHOWN = 0.01  # a bar below one hundredth is empty; JSON has all


def run(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture.", show_default=False)],
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Show the concepts of a picture as bars; needs no library."""
    values = _predicted(ctx, library, file)
    if json:
        output.print_json({"concepts": output.concepts_json(values)})
    else:
        output.print_bars([one for one in values if one.value >= _SHOWN] or values[:3])


def _predicted(ctx: typer.Context, library: Path | None, file: Path) -> tuple[ls.ConceptValue, ...]:
    if opening.found_store(ctx, library) is None:
        from localsearch import packs

        return packs.predict(
            DEFAULT_PACK, opening.absolute(file), provider=options.provider_of(ctx)
        )
    with opening.naming([str(file)]), opening.open_to_read(ctx, library) as opened:
        return opened.predict(opening.absolute(file))
