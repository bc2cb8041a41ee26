"""`localsearch backup`: all that cannot be recomputed, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output
from localsearch.cli.asking import may_replace
from localsearch.cli.output import keeping
from localsearch.cli.progress import polite_interrupt, progress_bar


def run(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write it.", show_default=False)
    ],
    yes: options.Yes = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Write the whole library to one file, also while it is used."""
    if str(file) == "-":
        raise ls.InputError("a backup is no stream", hint="name a file for it; ./- is one")
    target = opening.absolute(file)
    with (
        opening.open_to_read(ctx, library) as opened,
        polite_interrupt("stopping; the file is not changed") as stop,
        progress_bar(after=1.0) as draw,
    ):
        replace = may_replace(target, yes=yes, json=json)
        done = opened.backup(target, replace=replace, progress=draw, stop=stop)
    if json:
        output.print_json(keeping.backup_json(done))
    else:
        keeping.print_backup(done)
