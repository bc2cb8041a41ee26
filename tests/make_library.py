"""Photo folders and libraries for tests: small pictures, the tiny pack, times that are settled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import localsearch as ls
from tests.tiny_pack import make_photo, tiny_pack_folder

OLD_NS = 1_700_000_000_000_000_000  # long before any test: never racy


def write_photo(path: Path, seed: int, *, age: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """A PNG of the seeded picture, with a modification time `age` seconds after a fixed one."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(make_photo(seed, size)).save(path, format="PNG")
    settle(path, age)
    return path


def settle(path: Path, age: int = 0) -> None:
    """Give a file an old time, as photos have; a file of this second is looked at twice."""
    os.utime(path, ns=(OLD_NS + age * 10**9, OLD_NS + age * 10**9))


OPENED: set[Path] = set()
"""Stores that this test has opened: `conftest` verifies them when it ends."""


def open_library(folder: Path, **options: Any) -> ls.Library:
    """Open (or make) the library of a folder with the tiny pack."""
    library = ls.open(folder, pack=str(tiny_pack_folder()), **options)
    OPENED.add(library.store)
    return library


def settled(library: ls.Library) -> ls.Library:
    """The library, once nothing is done in its background any more."""
    assert library._inner.upkeep.wait(60)
    return library


def counts(report: ls.SyncReport) -> dict[str, int]:
    """The counts of a report that are not zero."""
    names = ("added", "changed", "moved", "missing", "offline", "failed", "unchanged", "skipped")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def ids_by_path(library: ls.Library) -> dict[str, str]:
    """Relative path -> id of all inputs that are not removed."""
    return {one.relative_path or "": one.id for one in library.inputs()}
