"""Probes judged on photos that they were not trained on, by labels of captions and objects.

The split and the labels are those of the scripts that build the pack (`weights/`): a photo of the
part "test" was seen by no step of the training, only by the calibration, which ranks nothing.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np

import localsearch as ls
from benchmarks import pictures
from benchmarks.figures import Figure
from benchmarks.measures import average_precision, mean
from benchmarks.workspace import Workspace

_NEEDED = ("captions/flickr8k", "captions/coco", "photos/scenes", "photos/imagenet_sample")
_SQUASHED = "flickr8k"  # its photos are no real photos: squashed to squares


def measure(work: Workspace) -> tuple[list[Figure], list[str]]:
    """AP of every probe on all held-out photos, and on those that were never squashed."""
    try:
        # By name: the checks of types end where the scripts begin.
        probe_labels = import_module("weights.probe_labels")
        training = import_module("weights.train_probes")
    except ImportError as fault:
        return [], [f"no probes: {fault}"]
    if any(work.data_folder(*name.split("/")) is None for name in _NEEDED):
        return [], ["no probes: captions or scenes are not in the data folder"]
    assert work.data is not None
    labels: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    folder = work.folder / "held-out"
    for one in probe_labels.everything(work.data):
        held = [row for row, owner in enumerate(one.owners) if training.part_of(owner) == "test"]
        for row in held:
            name = one.photos.files[row]
            pictures.copy_evenly([one.photos.folder / name], 1, folder / one.photos.name)
            labels[f"{one.photos.name}/{name}"] = one.labels[row]
    work.tell(f"syncing {len(labels):,} held-out photos")
    stored = work.synced(folder, "held-out")
    files = list(labels)
    clear, truth = training.judged(np.array([labels[file] for file in files]))
    with ls.open(store=stored.store, read_only=True) as library:
        known = {one.id for one in library.concepts() if one.kind == "probe"}
        figures = []
        for column, probe in enumerate(probe_labels.NAMES):
            if probe in known:
                ranked = [_relative(hit.path, folder) for hit in library.scan(ls.concept(probe))]
                figures.append(_figure(probe, ranked, files, clear[:, column], truth[:, column]))
    every = Figure("probes: mean AP on held-out photos", mean(one.value for one in figures))
    return [every, *figures], []


def _relative(path: Path | None, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path is not None else ""


def _figure(
    probe: str,
    ranked: list[str],
    files: list[str],
    clear: np.ndarray[tuple[int], np.dtype[np.bool_]],
    truth: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Figure:
    told = {
        file: bool(right) for file, sure, right in zip(files, clear, truth, strict=True) if sure
    }
    true = {file: right for file, right in told.items() if not file.startswith(_SQUASHED)}
    note = f"{sum(told.values())} of {len(told)}"
    if sum(true.values()):
        note += f"; {_ap(ranked, true):.2f} on {sum(true.values())} of {len(true)} not squashed"
    return Figure(f"... AP of {probe.removeprefix('p-')}", _ap(ranked, told), note=note)


def _ap(ranked: list[str], told: dict[str, bool]) -> float:
    return average_precision([told[file] for file in ranked if file in told], sum(told.values()))
