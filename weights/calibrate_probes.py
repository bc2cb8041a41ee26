"""Scale, offset and floor of each everyday concept, from held-out scores; and which are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weights import metrics
from weights.train_probes import NAMED, TRUE, Examples, clear, precision

# How much a held-out photo counts: Flickr8k's base rates do not carry over to other photos.
WEIGHT = {"coco": 2.0, "scenes": 0.5, "imagenet": 0.4, "holidays": 1.0}
CAPTIONED = 0.3  # of photos that have captions alone
MOST = 1000  # of these that count so much; more of them count less each
SETS = ("flickr8k", "coco", "scenes", "holidays")  # what is told of each
UNJUDGED = "imagenet"  # its labels are one class a photo
BAR = 0.2  # average precision that keeps a concept
READ = 0.15  # more is asked for of photos whose captions the heads have read: worth .07 on average
LIFT, COMMON = 3.0, 0.6  # or three times the share of photos that show it, up to this
ABSENT = 50  # photos that do not show it, held out, at least
FEWEST = 5  # photos that show it, held out
LOSS = 0.01  # of the average precision may lie below the floor
FLOORS = (0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2)

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Verdict:
    """What one concept reaches, and how it is read."""

    ap: float
    right: int
    photos: int
    by_set: dict[str, tuple[float, int, int]]
    scale: float
    offset: float
    floor: float
    read: bool = False  # judged on photos too whose captions the held-out heads have read

    @property
    def kept(self) -> bool:
        """Whether it clears the bar."""
        share = self.right / max(self.photos, 1)
        bar = BAR + READ if self.read else BAR
        least = max(bar, min(LIFT * share, COMMON))
        absent = self.photos - self.right >= ABSENT
        return absent and self.right >= FEWEST and self.ap >= least


def loss(values: Floats, wanted: Floats, weights: Floats) -> float:
    """Weighted log loss of log-odds."""
    return float((weights * (np.logaddexp(0, values) - wanted * values)).sum())


def platt(scores: Floats, wanted: Floats, weights: Floats) -> tuple[float, float]:
    """Scale and offset of the lowest log loss, the scale drawn a little to 2 standard units."""
    middle, spread = float(scores.mean()), float(max(scores.std(), 1e-9))
    z = (scores - middle) / spread
    at = np.array([2.0, -2.0])
    pull = np.array([1.0, 0.05])
    inputs = np.stack([z, np.ones_like(z)], axis=1)

    def total(point: Floats) -> float:
        away = point - np.array([2.0, -2.0])
        return loss(inputs @ point, wanted, weights) + float((pull * away**2).sum()) / 2

    best = total(at)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(inputs @ at, -50, 50)))
        slope = inputs.T @ (weights * (p - wanted)) + pull * (at - np.array([2.0, -2.0]))
        bend = (inputs * (weights * p * (1 - p))[:, None]).T @ inputs + np.diag(pull)
        step, size = np.linalg.solve(bend, slope), 1.0
        while size > 1e-4 and total(at - size * step) > best:
            size /= 2
        at = at - size * step
        if best - total(at) < 1e-7:
            break
        best = total(at)
    scale = max(float(at[0]), 0.05) / spread
    return scale, float(at[1]) - scale * middle


def fit(made: Examples, scores: Floats, column: int, rows: Rows) -> tuple[float, float]:
    """Platt's scaling of one concept on some held-out photos."""
    labels, one = made.labels[:, column], scores[:, column]
    told = clear(labels) & ~np.isnan(one)
    use = rows & told
    if not (labels[use] >= NAMED).any():
        use = told
    weights = np.array([WEIGHT.get(name, CAPTIONED) for name in made.origin[use]])
    captioned = ~np.isin(made.origin[use], list(WEIGHT))
    weights[captioned] *= min(1.0, MOST / max(int(captioned.sum()), 1))
    return platt(one[use], (labels[use] >= NAMED).astype(np.float64), weights)


def floor_of(probabilities: Floats, truth: Rows) -> float:
    """The highest floor that costs at most LOSS of the average precision."""
    whole = metrics.average_precision(probabilities, truth)
    ranked = np.argsort(-probabilities, kind="stable")
    right = truth[ranked]
    exact = np.cumsum(right) / np.arange(1, len(right) + 1) * right
    best = FLOORS[0]
    for tried in FLOORS:
        shown = probabilities[ranked] >= tried
        if (exact * shown).sum() / max(right.sum(), 1) >= whole - LOSS:
            best = tried
    return best


def judge(made: Examples, scores: Floats, column: int) -> Verdict:
    """One concept on the photos that it was not trained on."""
    labels, one = made.labels[:, column], scores[:, column]
    by_set = {name: precision(one, labels, made.origin == name) for name in SETS}
    ap, right, count = precision(one, labels, np.isin(made.origin, TRUE))
    if right < FEWEST or count - right < ABSENT:  # else captions that are silent would count
        ap, right, count = precision(one, labels, made.origin != UNJUDGED)
    scale, offset = fit(made, scores, column, np.ones(len(one), bool))
    use = (made.origin != UNJUDGED) & clear(labels) & ~np.isnan(one)
    floor = 0.05
    if (labels[use] >= NAMED).sum() >= 20:
        value = 1 / (1 + np.exp(-(scale * one[use] + offset)))
        floor = floor_of(value, labels[use] >= NAMED)
    return Verdict(ap, right, count, by_set, scale, offset, floor)


def judge_with_few(made: Examples, new: Floats, scores: Floats, column: int) -> Verdict:
    """As `judge` with the scores of new photos; if too few show it, with all scores."""
    verdict = judge(made, new, column)
    if verdict.right >= FEWEST:
        return verdict
    return replace(judge(made, scores, column), read=True)


def half(made: Examples) -> Rows:
    """Half of the owners, by name."""
    return np.array([blake3(name.encode()).digest()[0] < 128 for name in made.owner])


def cross_fitted(made: Examples, scores: Floats, column: int) -> Floats:
    """Probabilities where each half of the owners is read with the other half's scaling."""
    first = half(made)
    found = np.full(len(first), np.nan)
    for rows in (first, ~first):
        scale, offset = fit(made, scores, column, ~rows)
        found[rows] = 1 / (1 + np.exp(-(scale * scores[rows, column] + offset)))
    return found
