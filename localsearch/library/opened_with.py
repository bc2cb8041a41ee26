"""What `open` and `init` are given, checked before anything is read or made.

Never opens a store. Invariant: what passes here can be used as it is; everything else is an
InputError that says what belongs there, or LibraryMissing for a folder that is not there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Literal, TypeGuard, cast, get_args

from localsearch.deferred import NamedTuple
from localsearch.errors import InputError, LibraryMissing
from localsearch.library.places import AnyPath, absolute

LONGEST_TIMEOUT = 1_000_000.0  # seconds: eleven days; systems count waits in small integers


Graph = Literal["auto", "always", "never"]


class Options(NamedTuple):
    """How a library was opened; see `localsearch.open`."""

    provider: str = "auto"
    read_only: bool = False
    memory: int = 256 << 20
    threads: int | None = None
    lock_timeout: float = 10.0
    thumbnails: bool = True
    graph: Graph = "auto"
    one_shot: bool = False
    memory_asked: int | None = None  # what `memory` was made from: the default changes by the hour


def provider_word(provider: object) -> str:
    """What `open` takes for `provider`. Raises InputError. Whether it can run is seen when a
    network is first needed: a search for concepts needs none."""
    if provider == "auto":  # no network is needed yet, so the table need not be read
        return "auto"
    from localsearch.encoders.providers import check_word

    check_word(provider)
    return str(provider)


def graph_word(graph: object) -> Graph:
    """What `open` takes for `graph`. Raises InputError."""
    for word in get_args(Graph):
        if graph == word:
            return cast(Graph, word)
    raise InputError(f"graph is one of {', '.join(get_args(Graph))}, not {graph!r}")


def check_numbers(memory: object, threads: object, lock_timeout: object) -> None:
    """The numbers that `open` takes. Raises InputError."""
    for name, value in (("memory", memory), ("threads", threads)):
        if value is not None and not (_is_whole(value) and value > 0):
            raise InputError(f"{name} is a whole number from 1 on, or None, not {value!r}")
    # The comparison is false for NaN as well.
    if not (_is_number(lock_timeout) and 0 <= lock_timeout <= LONGEST_TIMEOUT):
        raise InputError(
            f"lock_timeout is a number of seconds from 0 to {LONGEST_TIMEOUT:.0f},"
            f" not {lock_timeout!r}"
        )


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, float) or _is_whole(value)


class Wanted(NamedTuple):
    """The photo folders that a library should have: with the names given, and one without."""

    named: Mapping[str, Path]
    unnamed: Path | None = None

    @property
    def folders(self) -> list[Path]:
        """All of them."""
        return [*self.named.values(), *([self.unnamed] if self.unnamed else [])]


def named_folders(roots: Mapping[str, AnyPath] | None) -> dict[str, Path]:
    """Names and absolute folders. Raises InputError."""
    if roots is None:
        return {}
    if not isinstance(roots, Mapping):
        raise InputError(
            f"roots is a mapping from names to photo folders, not {roots!r}",
            hint='for example roots={"photos": "/home/me/Pictures"}',
        )
    for name in roots:
        if not isinstance(name, str) or not name:
            raise InputError(f"a root's name is a text that is not empty, not {name!r}")
    return {name: folder_of(folder, f"the root {name}") for name, folder in roots.items()}


def folder_of(path: AnyPath, what: str) -> Path:
    """An absolute path. An empty text would be the current folder, which nobody meant.

    Raises InputError; `what` is its name there.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise InputError(
            f"{what} is the path of a folder, not {path!r}",
            hint='for the current folder write "."',
        )
    return absolute(path)


def check_folders(folders: Iterable[Path]) -> None:
    """Before anything is made: all folders are there (else LibraryMissing), and none lies in
    another (else InputError)."""
    known = [*folders]
    for folder in known:
        if not folder.is_dir():
            raise no_folder(folder)
    for one, other in combinations([folder.resolve() for folder in known], 2):
        if one == other or one in other.parents or other in one.parents:
            raise InputError(
                f"{one} and {other} lie in each other",
                hint="a photo belongs to one root; use ignore patterns to leave folders out",
            )


def no_folder(folder: Path) -> LibraryMissing:
    """The error for a folder that is not there."""
    return LibraryMissing(f"{folder} is no folder", hint="name a folder with photos")
