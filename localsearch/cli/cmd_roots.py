"""`localsearch roots`: the photo folders of a library. Never changes a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output, terminal

group = typer.Typer(
    help="List, add, move or drop photo folders.",
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
)

RootName = Annotated[str, typer.Argument(metavar="NAME", help="The root's name.")]
RootPath = Annotated[Path, typer.Argument(metavar="PATH", help="The folder.")]


@group.callback()
def list_roots(
    ctx: typer.Context, library: options.Store = None, json: options.Json = False
) -> None:
    """List, add, move or drop the photo folders of the library."""
    if ctx.invoked_subcommand is not None:
        if library is not None:
            ctx.find_root().obj = library
        return
    with opening.open_to_read(ctx, library) as opened:
        _print(opened.roots(), json)


@group.command("add")
def add(
    ctx: typer.Context,
    path: RootPath,
    name: Annotated[
        str | None, typer.Option("--name", help="Default: the folder's.", show_default=False)
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore", metavar="PATTERN", help="Leave these out (as in .gitignore); repeatable."
        ),
    ] = None,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Add a photo folder, or change what is ignored in it."""
    with opening.open_library(ctx, library) as opened:
        if name is not None:
            name = opening.name_of(name, "a root's name")
        with opening.short_name(name):
            root = opened.add_root(opening.absolute(path), name, ignore=ignore)
        _changed(root, f"photo folder {root.name}: {root.path}; next: localsearch sync", json)


@group.command("move")
def move(
    ctx: typer.Context,
    name: RootName,
    path: RootPath,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Tell where a photo folder lies now; ids, tags and features stay."""
    with opening.open_library(ctx, library) as opened:
        with opening.short_name(name):
            root = opened.move_root(terminal.as_text(name), opening.absolute(path))
        _changed(root, f"{root.name} is now {root.path}; next: localsearch sync", json)


@group.command("drop")
def drop(
    ctx: typer.Context, name: RootName, library: options.Store = None, json: options.Json = False
) -> None:
    """Forget a photo folder and all that is known of its photos; the files stay."""
    with opening.open_library(ctx, library) as opened:
        with opening.short_name(name):
            count = opened.drop_root(terminal.as_text(name))
        if json:
            output.print_json({"dropped": name, "inputs": count})
        else:
            terminal.say(f"dropped {name} with {count:,} photos from the library; no file changed")


def _changed(root: ls.Root, sentence: str, json: bool) -> None:
    if json:
        output.print_json({"root": output.root_json(root)})
    else:
        terminal.say(sentence)


def _print(roots: tuple[ls.Root, ...], json: bool) -> None:
    if json:
        output.print_json({"roots": [output.root_json(one) for one in roots]})
    elif roots:
        output.print_roots(roots)
    else:
        terminal.note("no photo folders yet; next: localsearch roots add DIR")
