"""Which files of a store's copy of a pack lie elsewhere: large networks, which are not copied.

One small file beside the manifest tells their names and where they lay. Never looks for one of them
and never checks one. Invariant: a folder without that file is to hold all that its manifest names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from localsearch.deferred import NamedTuple
from localsearch.durable import write_file
from localsearch.errors import PackDamaged

ELSEWHERE: Final = "elsewhere.json"
"""The name of that file; frozen."""


class Elsewhere(NamedTuple):
    """Names of files that are not here, and the folder that they were in (None: all are here)."""

    names: frozenset[str]
    folder: Path | None


def elsewhere_of(folder: Path) -> Elsewhere:
    """What of the pack in `folder` lies elsewhere. Raises PackDamaged."""
    path = folder / ELSEWHERE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Elsewhere(frozenset(map(str, told["files"])), Path(told["folder"]))
    except FileNotFoundError:
        return Elsewhere(frozenset(), None)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise PackDamaged(f"{path} cannot be read: {fault}") from fault


def tell_elsewhere(folder: Path, names: Iterable[str], source: Path) -> None:
    """Write that file into `folder`; synced. Raises LibraryError."""
    told = {"folder": str(source), "files": sorted(names)}
    write_file(folder / ELSEWHERE, json.dumps(told).encode("ascii"))
