"""`localsearch verify`: whether all is well with the library; --repair mends what can be mended."""

from __future__ import annotations

from typing import Annotated

import typer

from localsearch.cli import opening, options, output
from localsearch.cli.output import keeping
from localsearch.cli.progress import progress_bar

DAMAGED = 7  # exit code; the table of the others is in main.py


def run(
    ctx: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Cure what can be cured without loss, and look again.")
    ] = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Compare all files of the library with each other."""
    opened = opening.open_library(ctx, library) if repair else opening.open_to_read(ctx, library)
    with opened, progress_bar(after=1.0) as draw:
        findings = opened.verify(repair=repair, progress=draw)
    # A folder that the next sync sweeps is no fault.
    left = [one for one in findings if not one.repaired and one.code != "leftover"]
    if json:
        found = [keeping.finding_json(one) for one in findings]
        output.print_json({"ok": not left, "findings": found})
    else:
        keeping.print_findings(findings, repair)
    if left:
        raise typer.Exit(DAMAGED)
