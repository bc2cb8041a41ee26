"""`localsearch duplicates`: photos that are twice there. Shows them; deletes nothing, ever."""

from __future__ import annotations

from typing import Annotated

import typer

from localsearch.cli import opening, options, output
from localsearch.cli.output import alike
from localsearch.cli.progress import progress_bar


def run(
    ctx: typer.Context,
    exact: Annotated[
        bool, typer.Option("--exact", help="With the same content only, byte for byte.")
    ] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """List photos that are the same picture: copied, encoded anew, resized, turned, mirrored."""
    with opening.open_to_read(ctx, library) as opened, progress_bar(after=1.0) as draw:
        found = opened.duplicates(exact=exact, progress=draw)
    if json:
        output.print_json(alike.duplicates_json(found))
    else:
        alike.print_duplicates(found)
