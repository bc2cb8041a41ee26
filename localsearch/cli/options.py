"""Options that several commands share, so that they read the same everywhere.

What an option does stands in the command; here only what makes it read the same before and after
the name of a subcommand.
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
_PROVIDER_KEY = "localsearch.provider"
_JSON_KEY = "localsearch.json"


def _or_before(ctx: typer.Context, given: bool) -> bool:
    """`packs --json show` is `packs show --json`: contexts of one command line share `meta`."""
    ctx.meta[_JSON_KEY] = given or ctx.meta.get(_JSON_KEY, False)
    return bool(ctx.meta[_JSON_KEY])


def _keep_provider(ctx: typer.Context, given: str | None) -> str | None:
    ctx.meta[_PROVIDER_KEY] = given or "auto"
    return given


def provider_of(ctx: typer.Context) -> str:
    """The word of `--provider`, which stands before the name of a command; "auto" without it."""
    return str(ctx.meta.get(_PROVIDER_KEY, "auto"))


Provider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="WORD",
        envvar="LOCALSEARCH_PROVIDER",
        show_envvar=True,
        show_default=False,
        callback=_keep_provider,
        help="What runs the networks: auto, cpu, cuda, tensorrt, coreml, directml or openvino.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.", callback=_or_before)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Inputs = Annotated[
    list[str],
    typer.Argument(metavar="ID|PATH", help="Photos, by id or by path.", show_default=False),
]
