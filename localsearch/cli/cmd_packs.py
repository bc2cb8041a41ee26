"""`localsearch packs`: the models of this machine, how they come and how they go."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localsearch.cli import opening, options, output, packs_export, terminal
from localsearch.cli.asking import confirm

if TYPE_CHECKING:
    from localsearch.packs import Entry, Removable

group = typer.Typer(
    help="List, show, verify, pull, add, remove, export or calibrate model packs.",
    rich_markup_mode=None,
    invoke_without_command=True,
    add_completion=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A pack's name or folder.")]
Named = Annotated[str, typer.Argument(metavar="NAME", help="A pack's name.", show_default=False)]
Catalogue = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        metavar="FILE",
        help="Another catalogue than the one that came along.",
        show_default=False,
    ),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Also where another pack has its name: that one goes.")
]


@group.callback()
def before(ctx: typer.Context, json: options.Json = False) -> None:
    """List, show, verify, pull, add, remove, export or calibrate model packs."""
    if ctx.invoked_subcommand is None:
        list_all(json=json)


@group.command("list")
def list_all(
    available: Annotated[
        bool, typer.Option("--available", help="Those of the catalogue instead.")
    ] = False,
    catalogue: Catalogue = None,
    json: options.Json = False,
) -> None:
    """List the packs of this machine."""
    from localsearch import packs
    from localsearch.cli.output import packs as shown

    if available or catalogue is not None:
        entries = list(packs.read_catalogue(_file(catalogue)).values())
        if json:
            output.print_json({"catalogue": [shown.entry_json(one) for one in entries]})
        else:
            shown.print_entries(entries, lambda e: packs.is_installed(e.name, e.pack_digest))
        return
    found = packs.list_packs()
    if json:
        output.print_json({"packs": [shown.pack_json(one) for one in found]})
    elif found:
        shown.print_packs(found)
    else:
        terminal.note("no packs; reinstall localsearch, which brings the pack `general`")


@group.command("show")
def show(
    name: Name = "general",
    licences: Annotated[
        bool, typer.Option("--licences", help="Only its parts and their terms.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show what is in a pack, and under which terms."""
    from localsearch import packs
    from localsearch.cli.output import packs as shown

    pack = packs.show_pack(name)
    if json:
        output.print_json({"pack": shown.pack_json(pack)})
        return
    if not licences:
        shown.print_pack(pack)
        terminal.say("")
    shown.print_parts(pack)


@group.command("verify")
def verify(name: Name = "general", json: options.Json = False) -> None:
    """Compare every file of a pack with its digest."""
    from localsearch import packs
    from localsearch.cli.output import packs as shown

    pack = packs.verify_pack(name)
    if json:
        output.print_json({"pack": shown.pack_json(pack), "ok": True})
    else:
        terminal.say(
            f"{pack.name} {pack.version} is intact ({output.size(pack.bytes)}, {pack.folder})"
        )


@group.command("pull")
def pull(
    name: Named,
    catalogue: Catalogue = None,
    replace: Replace = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Download a pack of the catalogue. Its licence is shown first; run it again to resume."""
    from localsearch import packs
    from localsearch.cli.output import packs as shown
    from localsearch.cli.progress import polite_interrupt, progress_bar

    stop = threading.Event()
    with ExitStack() as stack:

        def ask(entry: Entry, missing: int) -> None:
            shown.note_offer(entry, missing)
            confirm(
                f"Download {output.size(missing)}?",
                refused="nothing was downloaded",
                undone=f"{output.size(missing)} would be downloaded ({entry.licence})",
                yes=yes,
                json=json,
            )
            # Not before: at the question a Ctrl-C is a no.
            stack.enter_context(polite_interrupt("stopping; what came so far is kept", stop))

        done = packs.pull_pack(
            name,
            catalogue=_file(catalogue),
            replace=replace,
            before=ask,
            progress=stack.enter_context(progress_bar()),
            stop=stop,
        )
    if json:
        output.print_json(
            {"pack": shown.pack_json(done.pack), "fetched": done.fetched, "already": done.already}
        )
        return
    came = "is there already" if done.already else f"came whole ({output.size(done.fetched)})"
    terminal.say(f"{done.pack.name} {done.pack.version} {came}: {done.pack.folder}", "green")
    _say_next(done.pack.name)


@group.command("add")
def add(
    path: Annotated[
        Path,
        typer.Argument(metavar="DIR|ZIP", help="A pack's folder, or its zip.", show_default=False),
    ],
    replace: Replace = False,
    json: options.Json = False,
) -> None:
    """Add a pack from a folder or a zip: no network is needed."""
    from localsearch import packs
    from localsearch.cli.output import packs as shown
    from localsearch.cli.progress import polite_interrupt, progress_bar

    with polite_interrupt("stopping; nothing is added") as stop, progress_bar(1.0) as draw:
        pack, already = packs.add_pack(
            opening.absolute(path), replace=replace, progress=draw, stop=stop
        )
    if json:
        output.print_json({"pack": shown.pack_json(pack), "already": already})
        return
    came = "is there already" if already else "was verified and added"
    terminal.say(f"{pack.name} {pack.version} {came}: {pack.folder}", "green")
    _say_next(pack.name)


@group.command("remove")
def remove(
    ctx: typer.Context,
    name: Named,
    library: options.Store = None,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Remove a pack of your own. Asks first."""
    from localsearch import packs
    from localsearch.cli.output import packs as shown

    store = opening.found_store(ctx, library)
    found = packs.removable(name, store)
    used = _used(found, store)
    if used:
        terminal.note(used)
    confirm(
        f"Remove {name} ({output.size(found.bytes)}) from {found.folder or 'what began to come'}?",
        refused="nothing was removed",
        undone=f"{name} would be removed" + (f": {used}" if used else ""),
        yes=yes,
        json=json,
    )
    packs.remove_pack(name)
    if json:
        output.print_json({"removed": shown.removable_json(found)})
    else:
        terminal.say(f"{name} is removed, {output.size(found.bytes)} are free again")


def _used(found: Removable, store: Path | None) -> str:
    """What a removal means for the library here; empty without one that uses the pack."""
    if not found.roles:
        return ""
    how = {"active": "uses it", "building": "is moving to it", "previous": "can go back to it"}
    kept = "a library keeps a copy, but for networks above 64 MiB"
    return f"the library in {store} {how[found.roles[0]]} ({kept})"


def _say_next(name: str) -> None:
    terminal.say(f"use it: localsearch init --pack {name}, or: localsearch reindex --pack {name}")


def _file(path: Path | None) -> Path | None:
    return None if path is None else opening.absolute(path)


group.command("export")(packs_export.export)
group.command("calibrate")(packs_export.calibrate)
