"""The score of a text beside a photo, and the floor under which nothing counts as found.

A text's cosines with a library differ by the text: some have higher ones everywhere. So its floor
lies some spreads above the middle of its own cosines, those with the library and with the decoys
of the pack (`text_decoys.npy`: stored vectors of typical photos, which speak for themselves where a
library is small), but never below one bound and never above another. The arithmetic is that of the
search: median, and its distance to the value that 16 % lie below (matches lie on the other side).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DECOYS = 256
ALARM = 0.06  # nonsense may bring this share of what sensible queries bring; the aim is a tenth
UNRELATED, FOUND, RIGHT, BEST = 0.1, 0.5, 0.8, 0.99

Floats = NDArray[np.floating]


def decoys(photos: Floats, count: int = DECOYS, rounds: int = 12) -> NDArray[np.float32]:
    """Centres of clusters of photos, unit length (k-means from evenly spread photos)."""
    rng = np.random.default_rng(0)
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
    """Spreads above the median, and the cosines between which the floor is held."""

    spreads: float
    least: float
    enough: float

    def of(self, cases: Case) -> Floats:
        """The floor of each query."""
        raised = cases.middle + self.spreads * cases.spread
        return np.clip(raised, self.least, self.enough)[:, None]


@dataclass(frozen=True)
class Case:
    """Cosines that are judged, a row a query, and middle and spread of the query's background."""

    cosines: Floats
    middle: Floats
    spread: Floats

    def found(self, floor: Floor) -> NDArray[np.bool_]:
        """Which photos count."""
        return np.asarray(self.cosines >= floor.of(self))


def case(cosines: Floats, background: Floats) -> Case:
    """With the background of each query: its cosines with all photos and decoys."""
    count = background.shape[1]
    ordered = np.sort(background, axis=1)
    middle = ordered[:, count // 2]
    return Case(cosines, middle, middle - ordered[:, 16 * count // 100])


@dataclass(frozen=True)
class Cases:
    """Sensible and nonsense queries with a library; captions with the photo of each."""

    sensible: Case
    nonsense: Case
    own: Case


def report(cases: Cases, floor: Floor) -> dict[str, float]:
    """What a floor brings and costs."""
    sensible = cases.sensible.found(floor).sum(1)
    nonsense = cases.nonsense.found(floor).sum(1)
    found = {
        "photos of a sensible query": sensible.mean(),
        "photos of a nonsense query": nonsense.mean(),
        "nonsense of sensible": nonsense.mean() / max(sensible.mean(), 1e-9),
        "sensible queries without a photo": (sensible == 0).mean(),
        "nonsense queries without a photo": (nonsense == 0).mean(),
        "captions whose photo is above": cases.own.found(floor).mean(),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def fit_floor(cases: Cases) -> Floor:
    """The floor that keeps most right ones at the allowed rate of false alarms."""
    best, chosen = -1.0, Floor(0, 1, 1)
    for spreads in np.arange(0.0, 5.01, 0.25):
        for least in np.arange(0.0, 0.26, 0.01):
            for enough in np.arange(least, least + 0.2, 0.02):
                floor = Floor(*(round(float(x), 3) for x in (spreads, least, enough)))
                kept = float(cases.own.found(floor).mean())
                if kept <= best:
                    continue
                brought = cases.sensible.found(floor).sum(1).mean()
                if cases.nonsense.found(floor).sum(1).mean() <= ALARM * brought:
                    best, chosen = kept, floor
    return chosen


def text_map(unrelated: Floats, floor: Floats, own: Floats) -> list[list[float]]:
    """Pairs (cosine, score), strictly rising: median unrelated pair, median floor, right photos."""
    at = [np.median(unrelated), np.median(floor), *np.percentile(own, [60, 99.5])]
    points = [[-1.0, 0.0]]
    for cosine, score in zip(at, (UNRELATED, FOUND, RIGHT, BEST), strict=True):
        points.append([round(max(float(cosine), points[-1][0] + 0.002), 4), score])
    return [*points, [1.0, 1.0]]
