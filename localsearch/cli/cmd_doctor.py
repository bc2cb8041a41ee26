"""`localsearch doctor`: what runs here, what is missing, and the command that mends it."""

from __future__ import annotations

import typer

from localsearch.cli import opening, options, output


def run(ctx: typer.Context, library: options.Store = None, json: options.Json = False) -> None:
    """Examine this installation (and the library, if there is one)."""
    from localsearch import doctor

    checks = doctor.examine(opening.found_store(ctx, library))
    if json:
        good = all(one.ok is not False for one in checks)
        output.print_json({"ok": good, "checks": [output.check_json(one) for one in checks]})
    else:
        output.print_checks(checks)
