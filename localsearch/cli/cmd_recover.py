"""`localsearch recover`: a library from its backup. What is there is set aside, never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output
from localsearch.cli.asking import confirm
from localsearch.cli.output import keeping
from localsearch.cli.progress import polite_interrupt, progress_bar


def run(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A file made by: backup.", show_default=False),
    ],
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="Put the library here instead of where it was.",
            show_default=False,
        ),
    ] = None,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Bring a library back from a backup."""

    def ask(place: Path) -> None:
        confirm(
            f"There is a library in {place}. Set it aside and put the backup there?",
            refused="nothing was changed",
            undone=f"{place} is there already; it would be set aside",
            yes=yes,
            json=json,
        )

    with polite_interrupt("stopping; no library is changed") as stop, progress_bar(1.0) as draw:
        done = ls.recover(
            opening.absolute(file),
            store=None if store is None else opening.absolute(store),
            before_replacing=ask,
            progress=draw,
            stop=stop,
        )
    if json:
        output.print_json(keeping.recovered_json(done))
    else:
        keeping.print_recovered(done)
