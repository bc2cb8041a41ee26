"""`localsearch reindex`: move the library to a newer pack, or to another one, or back."""

from __future__ import annotations

from typing import Annotated

import typer

from localsearch.cli import opening, options, output
from localsearch.cli.output import keeping
from localsearch.cli.progress import polite_interrupt, progress_bar

INTERRUPTED = 130  # exit code; the table of the others is in main.py


def run(
    ctx: typer.Context,
    pack: Annotated[
        str | None,
        typer.Option(
            "--pack",
            metavar="PACK",
            help="A pack's name or folder. Default: what is installed under the same name.",
            show_default=False,
        ),
    ] = None,
    from_thumbnails: Annotated[
        bool,
        typer.Option(
            "--from-thumbnails",
            help="Without the photos: a later sync replaces what came of it.",
        ),
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to the pack before.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only tell what there is to do, and how long it takes."),
    ] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Move the library to a newer pack; searches go on meanwhile."""
    opened = (opening.open_to_read if dry_run else opening.open_library)(ctx, library)
    with (
        opened,
        polite_interrupt() as stop,
        progress_bar(after=1.0) as draw,
    ):
        report = opened.reindex(
            pack,
            from_thumbnails=from_thumbnails,
            rollback=rollback,
            dry_run=dry_run,
            progress=draw,
            stop=stop,
        )
    if json:
        output.print_json(keeping.reindex_json(report))
    else:
        keeping.print_reindex(report)
    if report.stopped:
        raise typer.Exit(INTERRUPTED)
