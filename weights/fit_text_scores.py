"""The score of a text beside a photo, and the floor under which nothing counts as found.

A text's cosines with a library differ by the text: some have higher ones everywhere. So its floor
lies some spreads above the middle of its own cosines, those with the library and with the decoys
of the pack (`text_decoys.npy`: stored vectors of typical photos, which speak for themselves where a
library is small), but never below one bound and never above another. A text that is like no
typical photo is doubted: what its best decoy lacks to a certain cosine raises its floor. (Nonsense
has low cosines with all decoys; nearly all that photos show has a high one with some.) The
arithmetic is that of the search: median, and its distance to the value that 16 % lie below (matches
lie on the other side).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DECOYS = 256
ALARM = 0.1  # nonsense may bring this share of what sensible queries bring
LEAST = 0.15  # under it there is much beside the point, even for sensible queries
UNRELATED, FOUND, RIGHT, BEST = 0.1, 0.5, 0.8, 0.99

Floats = NDArray[np.floating]


def decoys(photos: Floats, count: int = DECOYS, rounds: int = 12) -> NDArray[np.float32]:
    """Centres of clusters of photos, unit length (k-means from evenly spread photos)."""
    rng, count = np.random.default_rng(0), min(count, len(photos))
    centres = photos[rng.choice(len(photos), count, replace=False)].astype(np.float32)
    for _ in range(rounds):
        nearest = (photos @ centres.T).argmax(1)
        for number in range(count):
            own = photos[nearest == number]
            if len(own):
                centre = own.mean(0)
                centres[number] = centre / np.linalg.norm(centre)
    return centres


@dataclass(frozen=True)
class Floor:
    """Spreads above the median, doubt of what no decoy is like, and the bounds of the floor."""

    spreads: float
    doubt: float
    known: float
    least: float
    enough: float

    def of(self, cases: Case) -> Floats:
        """The floor of each query."""
        lacking = np.maximum(self.known - cases.best, 0)
        raised = cases.middle + self.spreads * cases.spread + self.doubt * lacking
        return np.clip(raised, self.least, self.enough)[:, None]


@dataclass(frozen=True)
class Case:
    """Cosines that are judged, a row a query; of the query's background middle and spread, and the
    best cosine with a decoy.
    """

    cosines: Floats
    middle: Floats
    spread: Floats
    best: Floats

    def found(self, floor: Floor) -> NDArray[np.bool_]:
        """Which photos count."""
        return np.asarray(self.cosines >= floor.of(self))


def case(cosines: Floats, photos: Floats, decoys: Floats) -> Case:
    """With the background of each query: its cosines with all photos of the library and decoys."""
    background = np.concatenate([photos, decoys], axis=1)
    count = background.shape[1]
    ordered = np.sort(background, axis=1)
    middle = ordered[:, count // 2]
    return Case(cosines, middle, middle - ordered[:, 16 * count // 100], decoys.max(1))


@dataclass(frozen=True)
class Cases:
    """Sensible and nonsense queries with each of some libraries; captions with their own photo."""

    libraries: dict[str, tuple[Case, Case]]
    own: dict[str, Case]

    def alarm(self, floor: Floor) -> float:
        """Photos of nonsense queries beside those of sensible ones, in the worst library."""
        return max(share(*pair, floor) for pair in self.libraries.values())

    def kept(self, floor: Floor) -> float:
        """How many captions find their photo above the floor: mean of the sets."""
        return float(np.mean([one.found(floor).mean() for one in self.own.values()]))


def share(sensible: Case, nonsense: Case, floor: Floor) -> float:
    """Photos of a nonsense query as a share of those of a sensible one."""
    brought = sensible.found(floor).sum(1).mean()
    return float(nonsense.found(floor).sum(1).mean() / max(brought, 1e-9))


def report(cases: Cases, floor: Floor) -> dict[str, float]:
    """What a floor brings and costs."""
    found: dict[str, float] = {}
    for name, (sensible, nonsense) in cases.libraries.items():
        good, bad = sensible.found(floor).sum(1), nonsense.found(floor).sum(1)
        found[f"{name}: photos of a sensible query"] = good.mean()
        found[f"{name}: nonsense of sensible"] = share(sensible, nonsense, floor)
        found[f"{name}: sensible queries without a photo"] = (good == 0).mean()
        found[f"{name}: nonsense queries without a photo"] = (bad == 0).mean()
    for name, own in cases.own.items():
        found[f"{name}: captions whose photo is above"] = own.found(floor).mean()
    return {name: round(float(value), 4) for name, value in found.items()}


def floors() -> Iterator[Floor]:
    """What is tried."""
    doubts = [
        (0.0, 0.0),
        *itertools.product((0.5, 0.75, 1.0, 1.5, 2.0), np.arange(0.24, 0.37, 0.02)),
    ]
    for spreads, least, (doubt, known) in itertools.product(
        (0.0, 1.0, 1.5, 2.0), np.arange(LEAST, LEAST + 0.05, 0.01), doubts
    ):
        for enough in np.arange(0.2, 0.31, 0.02):
            yield Floor(*(round(float(x), 3) for x in (spreads, doubt, known, least, enough)))


def fit_floor(cases: Cases) -> Floor:
    """The floor that keeps most right ones at the allowed rate of false alarms."""
    best, chosen = -1.0, Floor(0, 0, 0, 1, 1)
    for floor in floors():
        kept = cases.kept(floor)
        if kept > best and cases.alarm(floor) <= ALARM:
            best, chosen = kept, floor
    return chosen


def text_map(unrelated: Floats, floor: Floats, own: Floats) -> list[list[float]]:
    """Pairs (cosine, score), strictly rising: median unrelated pair, median floor, right photos."""
    at = [np.median(unrelated), np.median(floor), *np.percentile(own, [60, 99.5])]
    points = [[-1.0, 0.0]]
    for cosine, score in zip(at, (UNRELATED, FOUND, RIGHT, BEST), strict=True):
        points.append([round(max(float(cosine), points[-1][0] + 0.002), 4), score])
    return [*points, [1.0, 1.0]]
