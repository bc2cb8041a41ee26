"""`localsearch teach`: a concept of one's own, learned from examples. Reads no photo."""

from __future__ import annotations

from typing import Annotated

import typer

from localsearch.cli import opening, options, output
from localsearch.cli.output import taught


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID|PATH", help="Photos that show it, by id or by path.", show_default=False
        ),
    ] = None,
    negatives: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="ID|PATH", help="A photo that does not; repeatable."),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(
            "--tag", metavar="TAG", help="Photos tagged so (or TAG=false).", show_default=False
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell how good it is; store nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Teach a taught concept anew.")
    ] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Teach a concept by examples, and search it like any other."""
    concept = opening.name_of(name, "a concept's name")
    word = None if tag is None else opening.name_of(tag, "a tag")
    opened_by = opening.open_to_read if dry_run else opening.open_library
    with opened_by(ctx, library) as opened, opening.short_name(concept):
        shown = opening.ids_of(opened, photos or [])
        not_shown = opening.ids_of(opened, negatives or [])
        made = opened.teach(concept, shown, not_shown, tag=word, dry_run=dry_run, replace=replace)
    if json:
        output.print_json({"taught": taught.taught_json(made)})
    else:
        taught.print_lesson(made)
