"""Asks before something is replaced; where nobody can be asked, --yes has to be given.

Decides nothing else. Invariant: without a yes nothing is replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path

import typer

import localsearch as ls
from localsearch.cli import terminal


def may_replace(target: Path, *, yes: bool, json: bool) -> bool:
    """Whether a file is there and may be replaced; raises where it may not."""
    if not target.is_file():
        return False
    confirm(
        f"Replace {target}?",
        refused="nothing was written",
        undone=f"{target} is there already",
        yes=yes,
        json=json,
    )
    return True


def confirm(question: str, *, refused: str, undone: str, yes: bool, json: bool) -> None:
    """Return if the answer is yes; end the command, told as `refused`, if it is no.

    Raises InputError with `undone` where nobody can be asked.
    """
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise ls.InputError(f"{undone}, and nobody can be asked", hint="give --yes")
    if not typer.confirm(question):
        terminal.say(refused)
        raise typer.Exit
