"""How well the everyday concepts are found, on photos of true aspect that are labelled.

Asked through the door that users have. What no list of a concept holds counts as not found. The
model card has the figures of photos that no step of the training saw.
"""

from __future__ import annotations

from collections import defaultdict

import localsearch as ls
from benchmarks import labelled
from benchmarks.figures import Figure
from benchmarks.measures import average_precision, mean
from benchmarks.workspace import Workspace

FEWEST = 5  # photos that show a concept which is judged


def measure(work: Workspace) -> tuple[list[Figure], list[str]]:
    """Mean AP of every set, and the AP of each concept there."""
    figures: list[Figure] = []
    for name in labelled.SETS:
        try:
            known = labelled.labels(name, work)
        except labelled.NoScriptsError as fault:
            return [], [f"no everyday concepts: {fault}"]
        if known:
            figures += _of_set(name, work, known)
    return figures, [] if figures else ["no everyday concepts: no labelled photos"]


def _of_set(name: str, work: Workspace, known: dict[str, labelled.Told]) -> list[Figure]:
    images = labelled.images(name, work)
    assert images is not None
    work.tell(f"syncing the labelled photos of {name}")
    stored = work.synced(images, name)
    with ls.open(store=stored.store, read_only=True) as library:
        names = {one.id: one.name for one in library.concepts()}
        truths: dict[str, dict[str, bool]] = defaultdict(dict)
        for id, told in labelled.photos(library, known):
            for concept, truth in told.items():
                truths[concept][id] = truth
        found = [
            _figure(names[concept], _ranked(library, concept), truth)
            for concept, truth in truths.items()
            if concept in names and sum(truth.values()) >= FEWEST
        ]
    found.sort(key=lambda figure: -figure.value)
    head = Figure(f"{name}: mean AP, {len(found)} concepts", mean(one.value for one in found))
    return [head, *found]


def _ranked(library: ls.Library, concept: str) -> list[str]:
    return [hit.id for hit in library.scan(ls.concept(concept))]


def _figure(name: str, ranked: list[str], truth: dict[str, bool]) -> Figure:
    right = [truth[id] for id in ranked if id in truth]
    shown = sum(truth.values())
    note = f"{shown} of {len(truth)}"
    return Figure(f"... AP of {name}", average_precision(right, shown), note=note)
