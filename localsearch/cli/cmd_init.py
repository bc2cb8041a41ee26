"""`localsearch init`: make a library without looking at a photo yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output, terminal

DEFAULT_PACK = "general"


def run(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The photo folder.", show_default=False)
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="Keep the library here instead of in DIR/.localsearch.",
            show_default=False,
        ),
    ] = None,
    pack: Annotated[
        str | None,
        typer.Option(
            "--pack",
            metavar="PACK",
            help="The model: a pack's name or folder (default: general). Those of this machine: "
            "localsearch packs; another one later: localsearch reindex --pack PACK.",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Make a library for a photo folder (default: this one)."""
    # With --store alone the library has no folder yet: `roots add` gives it some.
    path = folder if folder is not None or store is not None else Path.cwd()
    _refuse_existing(path, store, pack)
    with ls.init(path, store=store, pack=pack or DEFAULT_PACK) as library:
        roots = library.roots()
        if json:
            body = {"store": str(library.store), "pack": library.pack_name}
            output.print_json({**body, "roots": [output.root_json(one) for one in roots]})
            return
        terminal.say(f"made {library.store} (pack {library.pack_name})")
        terminal.say("next: localsearch sync" if roots else "next: localsearch roots add DIR")


def _refuse_existing(path: Path | None, store: Path | None, pack: str | None) -> None:
    """A library that is there already is used, not made anew."""
    places = [store] if store is not None else [path, path / opening.STORE_NAME] if path else []
    for place in map(opening.absolute, filter(None, places)):
        if ls.find_store(place) == place and pack is not None:
            raise ls.InputError(
                f"there is a library already: {place}",
                hint=f'to move it to another pack: localsearch --library "{place}" reindex '
                f'--pack "{pack}"',
            )
        if ls.find_store(place) == place:
            raise ls.InputError(
                f"there is a library already: {place}",
                hint=f'to look for photos: localsearch --library "{place}" sync; for one more '
                f'folder: localsearch --library "{place}" roots add DIR',
            )
