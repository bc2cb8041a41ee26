"""Everyday concepts as linear readings of the stored vector and of class probabilities.

Ridge regressions in closed form: seconds instead of minutes, no seed, the same bits each time.
Each starts from a part of the root of its own classes' share (where ImageNet has some) and learns
the rest; the COCO categories are then smoothed by how they occur together in 121,935 photos. What
captions without photos tell of the joint half (`caption_probes`) is added to that.
Held-out scores come from folds by owner; holidays are in no training at all.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weights import caption_probes, metrics, probe_labels, probe_words
from weights.probe_words import Everyday, everyday

FOLDS = 8
NAMED, ABSENT = 0.4, 0.05  # labels from here on show a thing, up to here do not
START = 0.4  # how much of the root of the own share a probe starts from
PENALTY = 0.3  # of the mean variance of an input
VIEW_WEIGHT = 0.5
TRUE = ("coco", "scenes", "holidays")  # photos of true aspect; objects there are all labelled
SQUARE = ("flickr8k", "imagenet")  # squashed, or of one thing in the middle
SAID = 1.5  # what captions' reading counts beside photos', each in its own spread
OBJECTS = {"flickr8k": 0.3, "coco": 10.0, "scenes": 0.5, "imagenet": 3.0}
PLACES = {"flickr8k": 1.0, "coco": 8.0, "scenes": 6.0, "imagenet": 1.0}
NEVER = -1  # the fold of photos that none trains on
CO_OCCURRENCE = "captions/text/coco2017_labels.csv.gz"

Floats = NDArray[np.float64]
Encode = Callable[[NDArray[np.floating], NDArray[np.floating]], NDArray[np.floating]]


@dataclass(frozen=True)
class Examples:
    """Rows of all sets and views: inputs, roots of the own shares, labels, where each belongs."""

    x: NDArray[np.float32]  # rows x D, scaled to unit variance on average
    own: NDArray[np.float32]  # rows x concepts, 0 without classes
    labels: Floats
    fold: NDArray[np.int64]
    origin: NDArray[np.str_]
    owner: NDArray[np.str_]
    plain: NDArray[np.bool_]

    def some(self, rows: NDArray[np.bool_]) -> Examples:
        """Only these rows."""
        return Examples(
            self.x[rows],
            self.own[rows],
            self.labels[rows],
            self.fold[rows],
            self.origin[rows],
            self.owner[rows],
            self.plain[rows],
        )


@dataclass(frozen=True)
class Linear:
    """Scores: x @ weights + own @ mixing + bias."""

    weights: Floats  # D x concepts
    mixing: Floats  # concepts x concepts: shares of the own classes of which others
    bias: Floats

    def __call__(self, x: NDArray[np.floating], own: NDArray[np.floating]) -> Floats:
        return np.asarray(x @ self.weights + own @ self.mixing + self.bias)

    def mixed(self, first: Floats, scale: Floats, columns: list[int]) -> Linear:
        """The scores of some columns mixed: ((score - first) @ scale)."""
        weights, mixing, bias = self.weights.copy(), self.mixing.copy(), self.bias.copy()
        weights[:, columns] = self.weights[:, columns] @ scale
        mixing[:, columns] = self.mixing[:, columns] @ scale
        bias[columns] = (self.bias[columns] - first) @ scale
        return Linear(weights, mixing, bias)


def fold_of(owner: str, kind: str) -> int:
    """The fold of an owner's photos, by name alone."""
    return int(blake3(f"{kind}{owner}".encode()).hexdigest()[:8], 16) % FOLDS


def folds(name: str, owners: list[str]) -> list[int]:
    """Of each photo of a set."""
    return [NEVER if name == "holidays" else fold_of(owner, name) for owner in owners]


def roots(logits: NDArray[np.floating], temperature: float, below: NDArray[np.bool_]) -> Floats:
    """Root of the share of each concept's own classes (0 without any)."""
    shares = np.exp(metrics.log_softmax(logits, temperature)) @ below
    return np.asarray(np.sqrt(shares), np.float64)


def examples(
    labelled: list[probe_labels.Labelled],
    pooled: NDArray[np.float16],
    logits: NDArray[np.float16],
    rows_of: Callable[[str], NDArray[np.intp]],
    encode: Encode,
    read: Callable[[NDArray[np.floating]], Floats],
) -> Examples:
    """All labelled photos under every view."""
    parts: list[Examples] = []
    for one in labelled:
        name, rows = one.photos.name, rows_of(one.photos.name)
        fold = np.array(folds(name, one.owners))
        for view in range(pooled.shape[1]):
            some = logits[rows, view].astype(np.float32)
            x = encode(pooled[rows, view].astype(np.float32), some).astype(np.float32)
            scaled = x * np.float32(np.sqrt(x.shape[1]))
            count = len(rows)
            texts = np.full(count, name), np.array(one.owners)
            plain = np.full(count, view == 0)
            parts.append(
                Examples(scaled, read(some).astype(np.float32), one.labels, fold, *texts, plain)
            )
    fields = ("x", "own", "labels", "fold", "origin", "owner", "plain")
    return Examples(*(np.concatenate([getattr(p, name) for p in parts]) for name in fields))


@dataclass(frozen=True)
class Moments:
    """Sums over rows that a ridge regression needs; a fold is taken out by subtraction."""

    gram: Floats
    cross: Floats

    def without(self, other: Moments) -> Moments:
        """The sums over the rows that are not in `other`."""
        return Moments(self.gram - other.gram, self.cross - other.cross)


def moments(x: NDArray[np.float32], targets: Floats, weights: Floats) -> Moments:
    """Weighted sums of one group of rows."""
    heavy = x * weights[:, None].astype(np.float32)
    return Moments(
        (heavy.T @ x).astype(np.float64), (heavy.T @ targets.astype(np.float32)).astype(np.float64)
    )


def solve(sums: Moments) -> Floats:
    """Weights of the ridge regression."""
    gram = sums.gram.copy()
    gram[np.diag_indices(len(gram))] += PENALTY * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram, sums.cross), np.float64)


def regress(made: Examples, shares: dict[str, float]) -> tuple[Linear, Floats]:
    """Regressions on all rows, and the held-out scores of every plain row (by folds)."""
    weight = np.array([shares.get(name, shares["flickr8k"]) for name in made.origin])
    weight *= np.where(made.plain, 1.0, VIEW_WEIGHT) * (made.origin != "holidays")
    known = ~np.isnan(made.labels)
    rest = np.nan_to_num(made.labels) - START * made.own
    heavy = known * weight[:, None]
    middle = (rest * heavy).sum(axis=0) / np.maximum(heavy.sum(axis=0), 1e-9)
    targets = np.where(known, rest - middle, 0.0)  # what is not known stands at the mean
    centre = (made.x * weight[:, None]).sum(axis=0) / weight.sum()
    x = made.x - centre.astype(np.float32)

    def model(weights: Floats) -> Linear:
        mixing = START * np.eye(len(middle))
        return Linear(weights, mixing, middle - centre @ weights)

    kinds = sorted(set(made.fold))
    parts = {}
    for kind in kinds:
        rows = made.fold == kind
        parts[kind] = moments(x[rows], targets[rows], weight[rows])
    total = Moments(
        np.sum([part.gram for part in parts.values()], axis=0),
        np.sum([part.cross for part in parts.values()], axis=0),
    )
    scores = np.full(made.labels.shape, np.nan)
    for kind in kinds:  # holidays weigh nothing: without them is with all
        rows = (made.fold == kind) & made.plain
        scores[rows] = model(solve(total.without(parts[kind])))(made.x[rows], made.own[rows])
    return model(solve(total)), scores


def object_columns() -> list[int]:
    """Columns of the concepts that are one COCO category."""
    concepts = probe_words.everyday()
    return [at for at, c in enumerate(concepts) if len(c.objects) == 1 and not c.partial]


def together(data: Path, columns: list[int]) -> Floats:
    """Covariance of the categories over the photos of which only labels are at hand."""
    concepts = probe_words.everyday()
    wanted = [min(concepts[at].objects) for at in columns]
    there = []
    with gzip.open(data / CO_OCCURRENCE, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            objects = probe_labels.objects_of(row["labels"])
            there.append([name in objects for name in wanted])
    return np.asarray(np.cov(np.array(there, np.float32).T), np.float64)


def smoothing(scores: Floats, truth: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Mean scores, and the matrix that estimates each category from the scores of all.

    A score is taken for a noisy measure of its category (how noisy: held-out COCO photos, drawn
    half-way to the median of all categories); the best linear estimate follows from how the
    categories occur together.
    """
    mean, spread = scores.mean(axis=0), scores.std(axis=0)
    away = truth - truth.mean(axis=0)
    like = ((scores - mean) * away).mean(axis=0) / np.maximum(spread * truth.std(axis=0), 1e-9)
    like = np.clip((like + np.median(like)) / 2, 0.15, 0.9)
    prior = np.sqrt(np.diag(covariance))
    slope = like * spread / prior
    noise = np.diag(np.maximum(spread**2 * (1 - like**2), 1e-12))  # what never differs: nothing
    seen = slope[:, None] * covariance * slope[None, :] + noise
    estimate = (covariance * slope[None, :]) @ np.linalg.inv(seen)
    return mean, (estimate / prior[:, None]).T


@dataclass(frozen=True)
class Trained:
    """The readings of all everyday concepts and their held-out scores (nan where trained on)."""

    concepts: tuple[Everyday, ...]
    model: Linear
    held_out: Floats


def spreads(values: Floats, made: Examples) -> Floats:
    """Standard deviations over the photos of true aspect; infinite for what never differs."""
    true = made.plain & ~np.isin(made.origin, SQUARE)
    found = np.nanstd(values[true if true.any() else made.plain], axis=0)
    return np.where(found > 1e-9, found, np.inf)


def fused(model: Linear, scores: Floats, made: Examples, told: Floats) -> tuple[Linear, Floats]:
    """Photos' and captions' readings, each over its spread: sums that are linear again."""
    said = caption_probes.joint(made.x) @ told
    mine, theirs = spreads(scores, made), spreads(said, made)
    mine = np.where(np.isfinite(mine), mine, 1.0)
    read = told * (SAID / theirs)
    half = made.x[:, -caption_probes.JOINT :]
    length = float(np.linalg.norm(half, axis=1).mean())  # the same for all photos but for rounding
    weights = model.weights / mine
    weights[-caption_probes.JOINT :] += read / length
    whole = Linear(weights, model.mixing / mine, model.bias / mine)
    return whole, scores / mine + caption_probes.joint(made.x) @ read


def train(made: Examples, data: Path, told: Floats) -> Trained:
    """All concepts: objects and places by weights of their own, the smoothing of COCO's, captions.

    `told`: what `caption_probes.fit` made in the joint space of these examples.
    """
    columns = object_columns()
    objects, object_scores = regress(made, OBJECTS)
    model, scores = regress(made, PLACES)
    for whole, part in ((model.weights, objects.weights), (model.mixing, objects.mixing)):
        whole[:, columns] = part[:, columns]
    model.bias[columns] = objects.bias[columns]
    scores[:, columns] = object_scores[:, columns]
    coco = (made.origin == "coco") & made.plain
    if coco.any() and (data / CO_OCCURRENCE).exists():
        truth = np.nan_to_num(made.labels[coco][:, columns])
        first, scale = smoothing(scores[coco][:, columns], truth, together(data, columns))
        scores[:, columns] = (scores[:, columns] - first) @ scale
        model = model.mixed(first, scale, columns)
    return Trained(everyday(), *fused(model, scores, made, told))


def clear(labels: Floats) -> NDArray[np.bool_]:
    """Rows that tell clearly."""
    return np.asarray((labels >= NAMED) | (labels <= ABSENT))  # not a number: neither


def precision(scores: Floats, labels: Floats, rows: NDArray[np.bool_]) -> tuple[float, int, int]:
    """AP among some rows that tell clearly, how many show the thing, how many there are."""
    use = rows & clear(labels) & ~np.isnan(scores)
    truth = labels[use] >= NAMED
    right = int(truth.sum())
    found = metrics.average_precision(scores[use], truth) if right else float("nan")
    return found, right, int(use.sum())
