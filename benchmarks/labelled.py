"""Labelled photos of the test data: which everyday concepts each is known to show.

Reads the tables of `captions/coco`, `photos/scenes` and `photos/holidays`, and the scripts in
`weights/`, whose tables say which concepts an object or a scene shows. COCO's and the scenes'
photos of the project's own data helped to train the pack; the holidays did not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import localsearch as ls
from benchmarks.measures import read_table
from benchmarks.workspace import Workspace

SHOWN, ABSENT = 0.4, 0.05  # shares of a scene's photos from which on, and up to which, it is told
SETS = {
    "coco": ("captions/coco", "labels.csv"),
    "scenes": ("photos/scenes", "labels.csv"),
    "holidays": ("photos/holidays", "groups.csv"),
}
# Labels by sight name rows of this very table (blake2b); of another one they say nothing.
LOOKED_AT = "0662c120440657f1"

Told = Mapping[str, bool]
"""Concept -> whether a photo shows it; what is not known is left out."""


class NoScriptsError(Exception):
    """The scripts that build the pack, or what they need, are not here."""


def labels(name: str, work: Workspace) -> dict[str, Told]:
    """File -> what it is known to show; empty without the set. Raises NoScriptsError."""
    try:
        # By name: the checks of types end where the scripts begin.
        everyday = import_module("weights.probe_words").everyday()
        scripts = import_module("weights.probe_labels")
    except ImportError as fault:
        raise NoScriptsError(str(fault)) from fault
    folder, file = SETS[name]
    if images(name, work) is None:
        return {}
    assert work.data is not None
    table = work.data / folder / file
    rows = read_table(table)
    if name == "coco":
        return {r["file"]: _of_objects(scripts.objects_of(r["labels"]), everyday) for r in rows}
    if name == "scenes":
        return {r["file"]: _of_scene(scripts.SCENES.get(r["label"], {})) for r in rows}
    if hashlib.blake2b(table.read_bytes(), digest_size=8).hexdigest() != LOOKED_AT:
        return {}
    seen = _by_sight(scripts, len(rows))
    return {row["file"]: told for row, told in zip(rows, seen, strict=True)}


def images(name: str, work: Workspace) -> Path | None:
    """The folder of a set's photos, if it is there."""
    return work.data_folder(*SETS[name][0].split("/"), "images")


def photos(library: ls.Library, known: Mapping[str, Told]) -> Iterator[tuple[str, Told]]:
    """Ids of the labelled inputs, each with its labels."""
    for one in library.inputs("ok"):
        if one.path is not None and Path(one.path).name in known:
            yield one.id, known[Path(one.path).name]


def _of_objects(objects: set[str], everyday: Any) -> dict[str, bool]:
    shown = {one.id: bool(one.objects & objects) for one in everyday if one.objects}
    return {
        one.id: shown[one.id]
        for one in everyday
        if one.objects and (shown[one.id] or not one.partial)
    }


def _of_scene(shares: Mapping[str, float]) -> dict[str, bool]:
    return {id: share >= SHOWN for id, share in shares.items() if share >= SHOWN or share <= ABSENT}


def _by_sight(scripts: Any, count: int) -> list[dict[str, bool]]:
    found: list[dict[str, bool]] = [{} for _ in range(count)]
    for line in scripts.SEEN.read_text(encoding="utf-8").splitlines():
        name, concept, shows, unsure = (part.strip() for part in (line + "|||").split("|")[:4])
        if name == "holidays":
            there, doubtful = set(scripts.numbers(shows)), set(scripts.numbers(unsure))
            for row in set(range(count)) - (doubtful - there):
                found[row][concept] = row in there
    return found
