"""`localsearch packs`: the models of this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from localsearch.cli import options, output, terminal

group = typer.Typer(
    help="List, show or verify model packs.",
    rich_markup_mode=None,
    invoke_without_command=True,
    add_completion=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A pack's name or folder.")]


@group.callback()
def before(ctx: typer.Context, json: options.Json = False) -> None:
    """List, show or verify model packs."""
    if ctx.invoked_subcommand is None:
        list_all(json)


@group.command("list")
def list_all(json: options.Json = False) -> None:
    """List the packs of this machine."""
    from localsearch import packs

    found = packs.list_packs()
    if json:
        output.print_json({"packs": [output.pack_json(one) for one in found]})
    elif found:
        output.print_packs(found)
    else:
        terminal.note("no packs; reinstall localsearch, which brings the pack `general`")


@group.command("show")
def show(
    name: Name = "general",
    licences: Annotated[
        bool, typer.Option("--licences", help="Only its parts and their terms.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show what is in a pack, and under which terms."""
    from localsearch import packs

    pack = packs.show_pack(name)
    if json:
        output.print_json({"pack": output.pack_json(pack)})
        return
    if not licences:
        output.print_pack(pack)
        terminal.say("")
    output.print_parts(pack)


@group.command("verify")
def verify(name: Name = "general", json: options.Json = False) -> None:
    """Compare every file of a pack with its digest."""
    from localsearch import packs

    pack = packs.verify_pack(name)
    if json:
        output.print_json({"pack": output.pack_json(pack), "ok": True})
    else:
        terminal.say(
            f"{pack.name} {pack.version} is intact ({output.size(pack.bytes)}, {pack.folder})"
        )
