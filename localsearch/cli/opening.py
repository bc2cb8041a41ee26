"""Which library a command means, and which inputs its arguments name.

Opens; makes one only in `open_or_make`, which is what `sync` does in a folder without a library.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer

import localsearch as ls
from localsearch.cli import options, terminal

STORE_NAME = ".localsearch"


def absolute(path: Path) -> Path:
    """`path` from the root on, `~` filled in. Links stay: a photo that is a link is the link."""
    return Path(os.path.abspath(path.expanduser()))


def named_store(ctx: typer.Context, library: Path | None) -> Path | None:
    """The store of `--library`, given after or before the command name, or by environment."""
    root = ctx.find_root()
    if library is not None:
        root.obj = library  # so that hints can name it
    chosen: Path | None = root.obj
    if chosen is None:
        return None
    inside = absolute(chosen) / STORE_NAME
    return inside if inside.is_dir() else absolute(chosen)


def _no_library_in(folder: Path) -> ls.LibraryMissing:
    """Tells how to make one in just this folder: the one above may be anything."""
    hint = f'to keep one there: localsearch init --store "{folder}"'
    if folder.is_dir() and folder.name != STORE_NAME:
        hint = f'if your photos are there: localsearch init "{folder}"; {hint}'
    return ls.LibraryMissing(f"there is no library in {folder}", hint=hint)


def found_store(ctx: typer.Context, library: Path | None) -> Path | None:
    """The store that is named, else that of the nearest parent folder; None without any."""
    return named_store(ctx, library) or ls.find_store(Path.cwd())


def open_library(ctx: typer.Context, library: Path | None) -> ls.Library:
    """Open the library that the command means. Raises LibraryMissing with what to do."""
    store = existing_store(ctx, library)
    return ls.open(store=store, create=False, provider=options.provider_of(ctx))


def open_to_read(ctx: typer.Context, library: Path | None) -> ls.Library:
    """The same for a command that changes nothing: a store that cannot be written will do."""
    store = existing_store(ctx, library)
    opened = partial(
        ls.open, store=store, create=False, provider=options.provider_of(ctx), one_shot=True
    )
    try:
        return opened(read_only=not os.access(store, os.W_OK))
    except ls.LibraryFull:
        # SQLite wants a little room even to read; without it, the files alone will do.
        return opened(read_only=True)


def existing_store(ctx: typer.Context, library: Path | None) -> Path:
    """The store that the command means. Raises LibraryMissing with what to do."""
    store = found_store(ctx, library)
    if store is None:
        raise ls.LibraryMissing(
            f"there is no library in {Path.cwd()} or in a folder above it",
            hint="cd to your photos and run: localsearch sync",
        )
    return _checked(store)


def _checked(store: Path) -> Path:
    if ls.find_store(store) != store:
        raise _no_library_in(store)
    return store


@contextmanager
def open_or_make(
    ctx: typer.Context, library: Path | None, paths: Sequence[Path], *, dry_run: bool
) -> Iterator[ls.Library]:
    """The library of a sync: the named one, that of the first path, that of this folder.

    Where there is none, one is made in the folder that is given, else in this one; for a dry run
    in a temporary folder, so that it leaves nothing behind.
    """
    store, provider = named_store(ctx, library), options.provider_of(ctx)
    if store is None and paths:
        store = ctx.find_root().obj = ls.find_store(paths[0])
    if store is None:
        store = ls.find_store(Path.cwd())
    if store is not None:
        with ls.open(store=_checked(store), create=False, provider=provider) as opened:
            yield opened
        return
    folder = _new_home(paths)
    if not dry_run:
        with ls.open(folder, provider=provider) as opened:
            yield opened
        return
    from tempfile import TemporaryDirectory  # a dry run alone needs it

    with (
        TemporaryDirectory(prefix="localsearch-") as temporary,
        ls.open(store=Path(temporary) / "store", roots={"photos": folder}) as opened,
    ):
        yield opened


def _new_home(paths: Sequence[Path]) -> Path:
    """The one folder that a first sync was given, else this folder."""
    if not paths:
        return Path.cwd()
    if len(paths) == 1 and paths[0].is_dir():
        return paths[0]
    check_there(paths)
    raise ls.LibraryMissing(
        "there is no library yet, and it is not clear in which folder to make it",
        hint="make one first: localsearch init DIR, or for several folders: "
        "localsearch init --store DIR, then localsearch roots add DIR for each",
    )


def check_there(paths: Sequence[Path]) -> None:
    """Raise InputError for a path that does not exist."""
    for path in paths:
        if not os.path.lexists(path):
            raise ls.InputError(f"{path} is not there", hint="look how its name is written")


@contextmanager
def naming(pictures: Sequence[str]) -> Iterator[None]:
    """Faults of the query's picture name the file that the user gave."""
    try:
        yield
    except ls.PictureError as fault:
        if not pictures or any(one in fault.reason for one in pictures):
            raise
        # Of several the one that is not there: that is the fault that a slip of the pen makes.
        absent = [one for one in pictures if not absolute(Path(one)).exists()]
        reason = f"{(absent or pictures)[0]}: {fault.reason}"
        raise ls.PictureError(fault.state, reason, hint=fault.hint) from fault


@contextmanager
def short_name(name: str | None) -> Iterator[None]:
    """Faults that echo a name echo its first characters only."""
    try:
        yield
    except ls.LocalsearchError as fault:
        from localsearch.cli import hints

        fault.message = fault.message.replace(name or "", hints.short(name or ""))
        raise


def ids_of(library: ls.Library, names: Sequence[str]) -> list[str]:
    """The ids of inputs that are named by id or by path, in the order given, each once."""
    return list(dict.fromkeys(id_of(library, name) for name in names))


def id_of(library: ls.Library, name: str) -> str:
    """The id of one input: of that path where such a file exists, else of that id or path."""
    path = absolute(Path(name))
    if has_raw_bytes(name) or os.path.lexists(path):
        found = library.find(path)
        if found is not None:
            return found.id
    text = terminal.as_text(name)
    try:
        if not has_raw_bytes(text):  # an id is Unicode
            return library.get(text).id
    except ls.LibraryMissing:
        pass
    found = library.find(path)
    if found is None:
        raise ls.LibraryMissing(
            f"no photo of this library has the id or path {name}",
            hint="ids are shown by: localsearch search ... --json",
        )
    return found.id


def has_raw_bytes(text: str) -> bool:
    """Whether an argument holds bytes that are no text: a file name may, a word may not."""
    return any("\ud800" <= one <= "\udfff" for one in text)


def name_of(argument: str, what: str) -> str:
    """The text of an argument that names something. Raises InputError if it is no text."""
    text = terminal.as_text(argument)
    if has_raw_bytes(text):
        raise ls.InputError(f"{what} must be text: {text!r}", hint="write it in UTF-8")
    return text


def tag_of(argument: str) -> tuple[str, bool]:
    """`WORD`, `WORD=true` or `WORD=false` as (word, value); white space as it is stored."""
    text = name_of(argument, "a tag")
    name, equals, value = text.partition("=")
    name = " ".join(name.split())
    if not name or (equals and value not in ("true", "false")):
        from localsearch.cli import hints

        raise ls.InputError(
            f"{hints.short(text)!r} is no tag", hint="write WORD, WORD=true or WORD=false"
        )
    return name, value != "false"
