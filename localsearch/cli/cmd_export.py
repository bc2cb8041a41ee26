"""`localsearch export`: every input as a line, for other programs and spreadsheets."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output, terminal
from localsearch.cli.asking import may_replace
from localsearch.cli.output import keeping
from localsearch.cli.progress import polite_interrupt, progress_bar

STDOUT = Path("-")


class Form(StrEnum):
    ndjson = "ndjson"
    csv = "csv"


def run(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; -: standard output.")
    ] = STDOUT,
    form: Annotated[
        Form, typer.Option("--format", metavar="ndjson|csv", help="How to write it.")
    ] = Form.ndjson,
    concepts: Annotated[
        bool, typer.Option("--concepts", help="With the concepts of each photo.")
    ] = False,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With the vector of each photo (ndjson).")
    ] = False,
    yes: options.Yes = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Write all photos with tags, metadata and facts, one a line."""
    if json and file == STDOUT:
        raise ls.InputError(
            "--json prints one document, and the lines would be in its place",
            hint="name a FILE for the lines",
        )
    with (
        opening.open_to_read(ctx, library) as opened,
        polite_interrupt("stopping; the file is not changed") as stop,
        progress_bar(after=1.0) as draw,
    ):
        if file == STDOUT:
            opened.export(sys.stdout.buffer, form.value, concepts=concepts, vectors=vectors)
            return
        target = opening.absolute(file)
        may_replace(target, yes=yes, json=json)
        count = opened.export(
            target, form.value, concepts=concepts, vectors=vectors, progress=draw, stop=stop
        )
    if json:
        output.print_json({**keeping.file_json(target), "inputs": count})
    else:
        terminal.say(f"{keeping.count_of(count, 'input')} written to {target}")
