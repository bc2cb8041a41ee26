"""Where the catalog keeps a file that a user names, by whatever path it was named.

Resolves links, reads no file, never asks the catalog. Invariant: two paths of one file have the
first place in common.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from localsearch.deferred import dataclass
from localsearch.sources.formats import format_of, kind_of_suffix
from localsearch.sources.ignore import Ignore, built_in_rule
from localsearch.sync.roots import FoundRoot

_HEAD = 4096  # bytes that tell what a file is


@dataclass(frozen=True, slots=True)
class Place:
    """Where the catalog keeps a file: below a root, or (root None) by its absolute folder."""

    root: int | None
    folder: bytes
    name: bytes


def plain_path(path: str | os.PathLike[Any]) -> Path:
    """Absolute, without `~` and `..`, its links as named; after a link `..` is followed, as the
    system does, since it does not lead back to where the text says."""
    given = Path(os.fsdecode(os.fspath(path)))
    with suppress(RuntimeError):  # "~nobody" is a folder of that name
        given = given.expanduser()
    plain = Path(os.path.abspath(given))
    if ".." not in given.parent.parts or given.name == "..":
        return plain
    return plain if _real(given.parent) == _real(plain.parent) else _real(given.parent) / plain.name


def places_of(tops: Iterable[tuple[int, Path]], path: Path) -> list[Place]:
    """Where an input of this file may stand in the catalog; first where it belongs.

    `tops` are keys and folders of roots. Links above the file are resolved (macOS: /tmp is one),
    the file itself stays as named. A link inside a root that leads into the same root is not
    followed by a walk, so the file belongs where it lies; one that leads out of the root is.
    """
    real = _real(path.parent) / path.name
    named: list[Place] = []
    linked: list[Place] = []
    for key, top in tops:
        real_top = _real(top)
        lies_in = [_below(key, real_top, real)] if real_top in real.parents else []
        if top in path.parents:
            named += [*lies_in, _below(key, top, path)]
        else:
            linked += lies_in
    outside = [Place(None, os.fsencode(p.parent), os.fsencode(p.name)) for p in (real, path)]
    return list(dict.fromkeys([*named, *linked, *outside]))


def _below(root: int, top: Path, path: Path) -> Place:
    folder, _, name = os.fsencode(path.relative_to(top).as_posix()).rpartition(b"/")
    return Place(root, folder, name)


def _real(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return path


def is_shown(founds: Sequence[FoundRoot], place: Place, data: bytes) -> bool:
    """Whether a walk of its root would show the file; else the next sync would call it missing.

    `data`: its first bytes or more.
    """
    found = next((found for found in founds if found.row.key == place.root), None)
    if found is None or found.path is None:
        return False
    relative = place.folder + b"/" + place.name if place.folder else place.name
    first, inner, _ = relative.partition(b"/")
    if built_in_rule(os.fsencode(found.path), first, bool(inner)) is not None:
        return False
    if Ignore(found.row.ignore).hides(relative) is not None:
        return False
    kind = kind_of_suffix(Path(os.fsdecode(place.name)).suffix)
    if kind == "unknown":
        told = format_of(data[:_HEAD])
        kind = "photo" if told is not None and told.kind == "photo" else "other"
    return kind == "photo"
