"""How right the answers are, on labelled photos; asked through the doors that users have.

Needs the test data (`--data`). Truth: an ImageNet photo shows its class and all ancestors that
the pack's own table gives it, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import localsearch as ls
from benchmarks import quality_likeness, quality_probes
from benchmarks.children import run_program
from benchmarks.figures import Figure, Result, Target
from benchmarks.measures import average_precision, mean, read_table
from benchmarks.workspace import Workspace

DOG = "n02084071"
DOGS = Target(least=112)
MEAN_AP = Target(least=0.93)
FEWEST = 4  # photos that a concept must have to be judged


def run(work: Workspace) -> Result:
    """Concepts, likeness, probes."""
    images = work.data_folder("photos", "imagenet_sample", "images")
    if images is None:
        return Result(skipped="needs the labelled photos: --data FOLDER (photos/imagenet_sample)")
    work.tell("syncing the ImageNet sample")
    stored = work.synced(images, "imagenet")
    with ls.open(store=stored.store, read_only=True) as library:
        sample = Sample(library, read_table(images.parent / "labels.csv"))
        figures, notes = _concepts(sample)
        figures.insert(0, _dogs(sample, stored.store, work.folder))
        likeness, more = quality_likeness.on_sample(sample.library, sample.superclasses)
    groups, still_more = quality_likeness.on_groups(work)
    probes, last = quality_probes.measure(work)
    every = (*figures, *likeness, *groups, *probes)
    return Result(every, (*notes, *more, *still_more, *last))


@dataclass(frozen=True)
class Sample:
    """The synced sample with its labels."""

    library: ls.Library
    rows: list[dict[str, str]]

    @cached_property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """Of every concept of the pack."""
        return {one.id: one.parents for one in self.library.concepts()}

    @cached_property
    def shown(self) -> dict[str, frozenset[str]]:
        """File -> its class and all its ancestors."""
        return {row["file"]: self.closure(row["wnid"]) for row in self.rows}

    def closure(self, concept: str) -> frozenset[str]:
        """A concept and all above it."""
        found, waiting = set(), [concept]
        while waiting:
            one = waiting.pop()
            if one not in found and one in self.parents:
                found.add(one)
                waiting += self.parents[one]
        return frozenset(found)

    def superclasses(self, file: Path) -> str:
        """The first of a fixed list that the photo shows, or ""."""
        shown = self.shown[file.name]
        return next((name for name, id in SUPERCLASSES.items() if id in shown), "")


# Disjoint but for the order, each with more than ten photos in the sample.
SUPERCLASSES = {
    "dog": DOG,
    "bird": "n01503061",
    "feline": "n02120997",
    "primate": "n02469914",
    "hoofed": "n02370806",
    "snake": "n01726692",
    "reptile": "n01661091",
    "fish": "n02512053",
    "insect": "n02159955",
    "vehicle": "n04524313",
    "clothing": "n03051540",
    "furniture": "n03405725",
    "music": "n03800933",
    "fruit, vegetable": "n07705711",
    "food": "n07555863",
    "building": "n02913152",
}


def _dogs(sample: Sample, store: Path, folder: Path) -> Figure:
    """As a user asks for them: the program, in a pipe."""
    total = sum(DOG in shown for shown in sample.shown.values())
    answer = run_program(
        *("search", "--concept", "dog", "--limit", str(total), "--json"),
        *("--library", str(store)),
        cwd=folder,
    )
    hits = json.loads(answer)["hits"]
    right = sum(DOG in sample.shown[Path(hit["path"]).name] for hit in hits)
    return Figure(f"dogs in the first {total}", right, "", target=DOGS, note="`localsearch search`")


def _concepts(sample: Sample) -> tuple[list[Figure], list[str]]:
    found: dict[str, float] = {}
    classes: list[float] = []
    for concept in sample.library.concepts():
        relevant = sum(concept.id in shown for shown in sample.shown.values())
        if concept.kind == "ancestor" and relevant >= FEWEST:
            found[concept.name] = _ap(sample, concept.id, relevant)
        elif concept.kind == "class" and relevant:
            classes.append(_ap(sample, concept.id, relevant))
    worst = sorted(found.items(), key=lambda pair: pair[1])[:8]
    told = ", ".join(f"{name} {value:.2f}" for name, value in worst)
    return [
        Figure(
            "mAP, inner WordNet concepts",
            mean(found.values()),
            target=MEAN_AP,
            note=f"{len(found)} concepts with {FEWEST} photos or more; not listed = not found",
        ),
        Figure("mean reciprocal rank, classes", mean(classes), note="one photo a class"),
    ], [f"lowest AP: {told}"]


def _ap(sample: Sample, concept: str, relevant: int) -> float:
    hits = sample.library.scan(ls.concept(concept))
    ranked = [hit.path is not None and concept in sample.shown[hit.path.name] for hit in hits]
    return average_precision(ranked, relevant)
