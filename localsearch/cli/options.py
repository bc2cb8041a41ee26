"""Options that several commands share, so that they read the same everywhere.

Declares only; what an option does stands in the command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="STORE",
        help="The library's store or its photo folder. Default: LOCALSEARCH_LIBRARY, else the "
        "nearest parent folder with a .localsearch.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Inputs = Annotated[
    list[str],
    typer.Argument(metavar="ID|PATH", help="Photos, by id or by path.", show_default=False),
]
