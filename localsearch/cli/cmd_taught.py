"""`localsearch taught`: the concepts that were taught; listed, renamed, forgotten."""

from __future__ import annotations

from typing import Annotated

import typer

from localsearch.cli import opening, options, output, terminal
from localsearch.cli.output import taught

group = typer.Typer(
    help="List, rename or forget the concepts that were taught.",
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The concept's name or id.")]


@group.callback()
def list_taught(
    ctx: typer.Context, library: options.Store = None, json: options.Json = False
) -> None:
    """List, rename or forget the concepts that were taught."""
    if ctx.invoked_subcommand is not None:
        if library is not None:
            ctx.find_root().obj = library
        return
    with opening.open_to_read(ctx, library) as opened:
        found = opened.taught()
    if json:
        output.print_json({"taught": [taught.taught_json(one) for one in found]})
    elif found:
        taught.print_taught(found)
    else:
        terminal.note("nothing was taught yet; next: localsearch teach NAME PHOTO...")


@group.command("rename")
def rename(
    ctx: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Give a taught concept another name; its id and its examples stay."""
    old, new = (opening.name_of(one, "a concept's name") for one in (name, new_name))
    with opening.open_library(ctx, library) as opened, opening.short_name(old):
        made = opened.rename_taught(old, new)
    if json:
        output.print_json({"taught": taught.taught_json(made)})
    else:
        terminal.say(f"{old} is now {made.name}")


@group.command("forget")
def forget(
    ctx: typer.Context, name: Name, library: options.Store = None, json: options.Json = False
) -> None:
    """Forget a taught concept and its examples; no photo and no tag changes."""
    concept = opening.name_of(name, "a concept's name")
    with opening.open_library(ctx, library) as opened, opening.short_name(concept):
        opened.forget_taught(concept)
    if json:
        output.print_json({"forgotten": concept})
    else:
        terminal.say(f"forgot {concept}; no photo changed")
