"""Whether probabilities mean what they say: calibration of the concepts on labelled photos.

Needs the test data (`--data`). Asked through the door that users have: `Library.predict`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import localsearch as ls
from benchmarks import labelled
from benchmarks.figures import Figure, Result, Target
from benchmarks.measures import calibration_error, mean, reliability
from benchmarks.workspace import Workspace

AT_LEAST = 0.05  # calibration is judged where something is said at all
FEWEST = 20  # photos that show a concept which is judged by itself
AIM = Target(most=0.05)

Pairs = dict[str, list[tuple[float, bool]]]
"""Concept -> probabilities, each with the truth."""


def run(work: Workspace) -> Result:
    """Calibration error by set and of all, and the diagram."""
    every: Pairs = defaultdict(list)
    figures: list[Figure] = []
    for name in labelled.SETS:
        try:
            known = labelled.labels(name, work)
        except labelled.NoScriptsError as fault:
            return Result(skipped=f"needs the scripts that build the pack: {fault}")
        if known:
            found = _asked(name, work, known)
            figures.append(_error(name, found))
            for concept, pairs in found.items():
                every[concept] += pairs
    if not every:
        return Result(skipped="needs labelled photos: --data FOLDER (captions/coco, photos/scenes)")
    return Result((_error("all", every), _single(every), *figures, *_diagram(every)), NOTES)


NOTES = (
    "of photos that the pack was trained on (`captions/coco`, `photos/scenes` of the project's own "
    "data) more is right than is said: the model card has the figures of photos that were held out",
)


def _asked(name: str, work: Workspace, known: Mapping[str, labelled.Told]) -> Pairs:
    """Probabilities of all labelled pairs that the pack has a concept for."""
    images = labelled.images(name, work)
    assert images is not None
    work.tell(f"syncing the labelled photos of {name}")
    stored = work.synced(images, name)
    found: Pairs = defaultdict(list)
    with ls.open(store=stored.store, read_only=True) as library:
        listed = len(library.concepts())
        for id, told in labelled.photos(library, known):
            said = {one.id: one.value for one in library.predict(id=id, limit=listed)}
            for concept, truth in told.items():
                if concept in said:
                    found[concept].append((said[concept], truth))
    return found


def _said(found: Pairs) -> list[tuple[float, bool]]:
    return [pair for pairs in found.values() for pair in pairs if pair[0] >= AT_LEAST]


def _error(name: str, found: Pairs) -> Figure:
    pairs = _said(found)
    target = AIM if name == "all" else None
    note = f"{len(pairs):,} pairs with p >= {AT_LEAST}, {len(found)} concepts"
    return Figure(f"calibration error, {name}", calibration_error(pairs), target=target, note=note)


def _single(found: Pairs) -> Figure:
    enough = [pairs for pairs in found.values() if sum(truth for _, truth in pairs) >= FEWEST]
    return Figure(
        "calibration error, mean over concepts",
        mean(calibration_error(pairs) for pairs in enough),
        target=AIM,
        note=f"{len(enough)} concepts that {FEWEST} photos or more show",
    )


def _diagram(found: Pairs) -> list[Figure]:
    """A figure a bin; `plots` draws them."""
    return [
        Figure(f"says {said:.2f}, is right", right, note=f"{count:,} pairs")
        for said, right, count in reliability(_said(found))
    ]
