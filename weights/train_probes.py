"""Probes: concepts that ImageNet lacks, as weights on the stored visual vector.

Regularised logistic regressions on soft labels, of the 512 numbers that a store keeps (half
precision), so a probe costs no inference. Each is judged on photos (of other owners) that it was
not trained on, and kept only if it clears the bar. It never sees the sets that the pack's other
figures are reported on, but for ImageNet photos as examples of what a probe is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weights import metrics, photos, probe_labels
from weights.build_concepts import ProbeWords
from weights.fit_vector import Projection
from weights.probe_words import PROBES

SEED = "probes-1"
TEST, VALIDATION = 0.3, 0.15
BAR, LIFT = 0.5, 3.0
NAMED = 0.4  # a photo shows what two of five captions name
PENALTIES = (1e-2, 3e-2, 1e-1, 3e-1)
SET_WEIGHT = {"flickr8k": 1.0, "coco": 8.0, "scenes": 3.0, "imagenet": 1.0}
VIEW_WEIGHT = 0.5
# For calibration: how much a held-out photo counts, so that everyday photos set the prevalence
# and not the captioned ones, nearly all of which show people.
CALIBRATION_WEIGHT = {"flickr8k": 0.15, "coco": 2.0, "scenes": 1.0, "imagenet": 0.5}
FLOOR = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """One probe with its calibration and its figures."""

    words: ProbeWords
    weights: NDArray[np.float32]
    scale: float
    offset: float
    floor: float = FLOOR
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Examples:
    """Rows of all sets under each other: inputs, labels, weights, where each belongs."""

    x: Floats
    labels: Floats
    weights: Floats
    part: NDArray[np.str_]
    origin: NDArray[np.str_]
    plain: NDArray[np.bool_]

    def rows(self, part: str, plain: bool = True) -> NDArray[np.bool_]:
        """Rows of a part of the split (without the random views)."""
        return (self.part == part) & (self.plain | (not plain))


def part_of(owner: str) -> str:
    """Test, validation or training, by the owner's name alone."""
    share = int(blake3(f"{SEED}{owner}".encode()).hexdigest()[:8], 16) / 2**32
    if share < TEST:
        return "test"
    return "validation" if share < TEST + VALIDATION else "train"


def view_seeds(name: str) -> tuple[int, ...]:
    """Random views used in training: more of the photos that were squashed."""
    return {"flickr8k": (1, 2), "coco": (4,), "scenes": (4,)}.get(name, ())


def examples(
    data: Path, extractor: photos.Extractor, encode: Callable[[Any], NDArray[np.floating]]
) -> Examples:
    """All labelled photos and their views, encoded."""
    columns: list[list[Any]] = [[], [], [], [], [], []]
    for one in probe_labels.everything(data):
        parts, name = [part_of(owner) for owner in one.owners], one.photos.name
        found = [(extractor.photos(one.photos).feature, True)]
        found += [
            (extractor.photos(one.photos, photos.unsquashed, seed).feature, False)
            for seed in view_seeds(name)
        ]
        for feature, plain in found:
            count = len(feature)
            weight = SET_WEIGHT[name] * (1.0 if plain else VIEW_WEIGHT)
            made = (
                encode(feature).astype(np.float64),
                one.labels,
                np.full(count, weight),
                np.array(parts),
                np.full(count, name),
                np.full(count, plain),
            )
            for column, value in zip(columns, made, strict=True):
                column.append(value)
    return Examples(*(np.concatenate(column) for column in columns))


def regress(x: Floats, labels: Floats, weights: Floats, penalty: float) -> Floats:
    """Weights and biases (probes x inputs + 1) of logistic regressions on soft labels."""
    import torch

    torch.manual_seed(0)
    scale = np.sqrt(x.shape[1])  # unit vectors have small numbers; the penalty should not see it
    inputs = torch.tensor(x * scale)
    known = ~np.isnan(labels)
    target = torch.tensor(np.nan_to_num(labels))
    each = torch.tensor(known * weights[:, None])
    each = each / each.sum(dim=0, keepdim=True).clamp(min=1e-9)
    made = torch.zeros((labels.shape[1], x.shape[1] + 1), dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS([made], max_iter=150, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        descent.zero_grad()
        outputs = inputs @ made[:, :-1].T + made[:, -1]
        errors = torch.nn.functional.binary_cross_entropy_with_logits(
            outputs, target, reduction="none"
        )
        total = (errors * each).sum() + penalty * (made[:, :-1] ** 2).sum() / 2
        total.backward()
        return total

    descent.step(loss)
    found = made.detach().numpy().copy()
    found[:, :-1] *= scale
    return found


def outputs(model: Floats, x: Floats) -> Floats:
    """Photos x probes."""
    return x @ model[:, :-1].T + model[:, -1]


def judged(labels: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows tell clearly, and which of them show the thing."""
    clear = ~np.isnan(labels) & ((labels >= NAMED) | (labels == 0))
    return clear, np.nan_to_num(labels) >= NAMED


def precision_on(scores: Floats, labels: Floats, rows: NDArray[np.bool_]) -> dict[str, float]:
    """AP, number of photos and of right ones among some rows."""
    clear, truth = judged(labels)
    use = rows & clear
    count, right = int(use.sum()), int(truth[use].sum())
    found = metrics.average_precision(scores[use], truth[use]) if right else float("nan")
    return {"ap": found, "photos": count, "right": right}


def choose(made: Examples) -> Floats:
    """For each probe the penalty of the best validation AP, then trained with validation too."""
    train = made.rows("train", plain=False)
    validation = made.rows("validation")
    best = np.full(made.labels.shape[1], -1.0)
    chosen = np.zeros(made.labels.shape[1])
    for penalty in PENALTIES:
        model = regress(made.x[train], made.labels[train], made.weights[train], penalty)
        scores = outputs(model, made.x[validation])
        for probe in range(len(best)):
            labels = made.labels[validation, probe]
            clear, truth = judged(labels)
            score = metrics.weighted_average_precision(
                scores[clear, probe], truth[clear], made.weights[validation][clear]
            )
            if score > best[probe]:
                best[probe], chosen[probe] = score, penalty
    both = train | made.rows("validation", plain=False)
    final = np.zeros((len(best), made.x.shape[1] + 1))
    for penalty in sorted(set(chosen)):
        model = regress(made.x[both], made.labels[both], made.weights[both], penalty)
        final[chosen == penalty] = model[chosen == penalty]
    return final


def platt(raw: Floats, labels: Floats, weights: Floats) -> tuple[float, float]:
    """Scale and offset that make the output of a probe a probability."""
    known = ~np.isnan(labels)
    model = regress(raw[known, None] / 10, labels[known, None], weights[known], 1e-4)[0]
    return float(model[0] / 10), float(model[1])


def reliability(raw: Floats, labels: Floats, weights: Floats, names: NDArray[np.str_]) -> float:
    """Calibration error of one half of the held-out photos with the other half's Platt fit."""
    first = np.arange(len(raw)) % 2 == 0
    scale, offset = platt(raw[first], labels[first], weights[first])
    clear, truth = judged(labels)
    use = clear & ~first & (names != "flickr8k")
    if not use.any():
        use = clear & ~first
    return metrics.calibration_error(1 / (1 + np.exp(-(scale * raw[use] + offset))), truth[use], 10)


def kept(figures: dict[str, float]) -> bool:
    """The bar: AP at least 0.5, three times the prevalence where that is below a fifth."""
    enough = figures["ap"] >= BAR
    if figures["true_right"] >= 10:
        enough = enough and figures["true_ap"] >= BAR
    prevalence = figures["right"] / max(figures["photos"], 1)
    return enough and (prevalence > 0.2 or figures["ap"] >= LIFT * prevalence)


def held_out(made: Examples, model: Floats) -> list[tuple[ProbeWords, dict[str, float], int]]:
    """The figures of every probe on photos that it was not trained on."""
    test = made.rows("test")
    scores = outputs(model, made.x)
    found = []
    for number, words in enumerate(PROBES):
        labels = made.labels[:, number]
        every = precision_on(scores[:, number], labels, test)
        true = precision_on(scores[:, number], labels, test & (made.origin != "flickr8k"))
        flickr = precision_on(scores[:, number], labels, test & (made.origin == "flickr8k"))
        figures = dict(every)
        figures |= {f"true_{name}": value for name, value in true.items()}
        figures |= {f"flickr_{name}": value for name, value in flickr.items()}
        found.append((words, figures, number))
    return found


def train(data: Path, extractor: photos.Extractor, projection: Projection) -> list[Probe]:
    """All probes that clear the bar, calibrated."""
    made = examples(data, extractor, projection)
    model = choose(made).astype(np.float32).astype(np.float64)
    np.savez(extractor.cache / "probes-model.npz", model=model)
    test, scores = made.rows("test"), outputs(model, made.x)
    everyday = np.array([CALIBRATION_WEIGHT[name] for name in made.origin])
    probes = []
    for words, figures, number in held_out(made, model):
        raw, labels = scores[test, number], made.labels[test, number]
        scale, offset = platt(raw, labels, everyday[test])
        figures["ece"] = reliability(raw, labels, everyday[test], made.origin[test])
        verdict = "kept" if kept(figures) else "dropped"
        told = " ".join(f"{name}={value:.3g}" for name, value in figures.items())
        print(f"{words.id:12s} {verdict:8s} {told}")
        if kept(figures):
            row = model[number].astype(np.float32)
            probes.append(Probe(words, row, scale, offset, FLOOR, figures))
    return probes


def write(trained: list[Probe], path: Path) -> None:
    """One row a probe: weights, then the bias."""
    path.unlink(missing_ok=True)
    if trained:
        np.save(path, np.stack([probe.weights for probe in trained]).astype(np.float32))
