"""`localsearch purge`: forget photos for good. Asks first; files are never touched."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output, terminal


def run(
    ctx: typer.Context,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|PATH", help="These photos.", show_default=False),
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="All whose file is gone.")] = False,
    removed: Annotated[bool, typer.Option("--removed", help="All that were removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Forget photos for good, with their tags; files stay."""
    if not inputs and not missing and not removed:
        raise ls.InputError(
            "nothing to purge was named", hint="name photos, or give --missing or --removed"
        )
    with opening.open_library(ctx, library) as opened:
        ids = opening.ids_of(opened, inputs or [])
        _ask(opened, ids, missing, removed, yes, json)
        count = opened.purge(ids or None, missing=missing, removed=removed)
    if json:
        output.print_json({"purged": count})
    else:
        terminal.say(f"purged {count:,}")


def _ask(
    library: ls.Library, ids: list[str], missing: bool, removed: bool, yes: bool, json: bool
) -> None:
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise ls.InputError("purge cannot be undone, and nobody can be asked", hint="give --yes")
    status = library.status()
    if not (ids or (missing and status.missing) or (removed and status.removed)):
        return  # there is nothing to forget, so nothing to ask
    asked = [(len(ids), "named", bool(ids))]
    asked += [(status.missing, "missing", missing), (status.removed, "removed", removed)]
    parts = [f"{count:,} {word}" for count, word, meant in asked if meant]
    one = len(parts) == 1 and parts[0].startswith("1 ")
    what = "photo with all its tags" if one else "photos with all their tags"
    if not typer.confirm(f"Forget {' and '.join(parts)} {what} for good?"):
        terminal.say("nothing was purged")
        raise typer.Exit
