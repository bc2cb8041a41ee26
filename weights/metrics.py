"""Measures used to choose and to report: average precision, retrieval in groups, calibration.

Pure functions of arrays; nothing here knows a model or a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Truth = NDArray[np.bool_]


def average_precision(scores: Floats, truth: Truth) -> float:
    """Mean of the precision at each right one, best first (ties by position)."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    if not ranked.any():
        return float("nan")
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())


def group_precisions(
    vectors: Floats, groups: Sequence[str], only: Truth | None = None
) -> list[float]:
    """AP of finding the rest of a photo's group, of each photo of a group of two or more."""
    names = np.array(groups)
    likeness = vectors @ vectors.T
    found = []
    for row in range(len(names)):
        truth = names == names[row]
        truth[row] = False
        if truth.any() and (only is None or only[row]):
            scores = likeness[row].copy()
            scores[row] = -np.inf
            found.append(average_precision(scores, truth))
    return found


def group_recall(vectors: Floats, groups: Sequence[str]) -> float:
    """Share of a group's other k photos among a photo's k nearest, averaged over photos."""
    names = np.array(groups)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    found = []
    for row in range(len(names)):
        others = int((names == names[row]).sum()) - 1
        if others:
            nearest = np.argsort(-likeness[row], kind="stable")[:others]
            found.append((names[nearest] == names[row]).mean())
    return float(np.mean(found))


def neighbour_shares(
    vectors: Floats, labels: Sequence[str], k: int = 10, only: Truth | None = None
) -> list[float]:
    """Share of the k nearest with the same label, of each photo whose label k others have."""
    names = np.array(labels)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    found = []
    for row in range(len(names)):
        if names[row] and (names == names[row]).sum() > k and (only is None or only[row]):
            nearest = np.argsort(-likeness[row], kind="stable")[:k]
            found.append(float((names[nearest] == names[row]).mean()))
    return found


def log_softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Row by row, in double precision."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))


def calibration_error(probabilities: Floats, truth: Truth, bins: int = 15) -> float:
    """Expected calibration error over equally wide bins."""
    at = np.minimum((probabilities * bins).astype(int), bins - 1)
    total = 0.0
    for one in range(bins):
        inside = at == one
        if inside.any():
            gap = abs(probabilities[inside].mean() - truth[inside].mean())
            total += gap * inside.mean()
    return float(total)


def interval(
    measure: Callable[[Floats, Truth], float], scores: Floats, truth: Truth, draws: int = 1000
) -> list[float]:
    """A measure with the 95 % interval of photos drawn with replacement (seed 0); of no photos,
    nothing."""
    if not truth.any():
        return []
    rng = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        rows = rng.integers(0, len(truth), len(truth))
        if truth[rows].any():
            found.append(measure(scores[rows], truth[rows]))
    low, high = np.percentile(found, [2.5, 97.5])
    return [round(float(x), 4) for x in (measure(scores, truth), low, high)]


def mean_interval(values: Sequence[float], draws: int = 2000) -> list[float]:
    """The mean of some values with the 95 % interval of values drawn with replacement (seed 0); of
    none, nothing."""
    if not values:
        return []
    each = np.array(values)
    drawn = np.random.default_rng(0).choice(each, (draws, len(each))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return [round(float(x), 4) for x in (each.mean(), low, high)] + [float(len(each))]


def diagram(probabilities: Floats, truth: Truth, bins: int = 15) -> list[list[float]]:
    """Of each bin that has any: mean probability, share that is right, how many."""
    at = np.minimum((probabilities * bins).astype(int), bins - 1)
    found = []
    for one in range(bins):
        inside = at == one
        if inside.any():
            means = float(probabilities[inside].mean()), float(truth[inside].mean())
            found.append([*means, float(inside.sum())])
    return found
