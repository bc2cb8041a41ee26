"""Prints every figure of the model card, from the shipped pack and the photo sets.

    python -m weights.evaluate --data ../shared --work ../build-cache

It reads the pack and the features of the build (`weights.features`); it trains and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weights import (
    build_network,
    calibrate,
    features,
    metrics,
    photos,
    probe_labels,
    sources,
    tables,
    train_probes,
)
from weights.build import PACK
from weights.calibrate_probes import FEWEST
from weights.probe_words import everyday
from weights.wordnet import closure, read_nouns

DOG, CLASSES = "n02084071", 1000


def _ids(text: str) -> list[str]:
    """Ids in their order."""
    return text.split()


# Superclasses, first match counts: dog, bird, reptile, fish, insect, primate, feline, vehicle,
# watercraft, clothing, instrument, furniture, fruit, vegetable, building, bottle, weapon, tool.
SUPERCLASSES = _ids(
    "n02084071 n01503061 n01661091 n02512053 n02159955 n02469914 n02120997 n04524313 n04530566 "
    "n03051540 n03800933 n03405725 n07705931 n07707451 n02913152 n02876657 n04565375 n04451818"
)

Floats = NDArray[np.float64]


class Shipped:
    """The pack as a reader sees it, and its outputs for photo sets."""

    def __init__(self, data: Path, work: Path, wordnet: Path | None) -> None:
        self.data = data
        self.nouns = read_nouns(sources.wordnet_nouns(wordnet))
        self.manifest: dict[str, Any] = tomllib.loads((PACK / "pack.toml").read_text("utf-8"))
        self.table = tables.read(PACK / "concepts.tsv")
        self.calibration = np.load(PACK / "calibration.npy")
        self.probes = np.load(PACK / "probes.npy")
        self.inputs = tables.read_inputs(PACK / "probe_inputs.txt")
        self.work = work
        self.extractor = photos.Extractor(PACK / "image.onnx", work)
        # The heads as shipped on the features of the build: the network, without running it anew.
        self.views = features.load(work)
        self.heads = build_network.read_projection(PACK / "image.onnx")

    def outputs(self, name: str) -> tuple[Floats, Floats]:
        """Logits and stored vectors of a set."""
        rows = self.views.rows(name)
        logits = self.views.logits[rows, 0]
        return logits.astype(np.float32), self.heads(self.views.pooled[rows, 0], logits)

    def probabilities(self, name: str) -> Floats:
        """Photos x concepts."""
        logits, vectors = self.outputs(name)
        temperature = self.manifest["concepts"]["temperature"]
        raw = tables.raw_scores(self.table, logits, temperature, vectors, self.probes, self.inputs)
        return tables.probabilities(raw, self.calibration)


def classes(pack: Shipped) -> Iterator[str]:
    """Classes and their ancestors on the ImageNet sample."""
    sample = photos.photo_set(pack.data, "imagenet")
    own = np.array([int(index) for index in sample.column("index")])
    logits, _ = pack.outputs("imagenet")
    order = np.argsort(-logits, axis=1)
    five = (order[:, :5] == own[:, None]).any(1).mean()
    yield f"top-1 {np.mean(order[:, 0] == own):.3f}, top-5 {five:.3f}"
    temperature = pack.manifest["concepts"]["temperature"]
    odd = own % 2 == 1
    for tried in (1.0, temperature):
        log = metrics.log_softmax(logits, tried)[odd]
        loss = -log[np.arange(odd.sum()), own[odd]].mean()
        right = log.argmax(1) == own[odd]
        error = metrics.calibration_error(np.exp(log.max(1)), right)
        yield f"temperature {tried}: log loss {loss:.3f}, ECE {error:.3f} (500 photos)"
    found, below = pack.probabilities("imagenet"), pack.table.leaves()[own]
    dog = pack.table.index(DOG)
    best = np.argsort(-found[:, dog], kind="stable")[:118]
    listed = found[best, dog] >= pack.calibration[dog, 2]
    yield f"dog: {int((below[best, dog] & listed).sum())} of 118 among the first 118"
    yield from inner_concepts(pack, found, below)


def inner_concepts(pack: Shipped, found: Floats, below: NDArray[np.bool_]) -> Iterator[str]:
    """Mean AP over the ancestors, with and without the floors."""
    whole, cut = [], []
    for line in range(CLASSES, len(pack.table.ids)):
        truth = below[:, line]
        if truth.sum() >= 4:
            scores = found[:, line]
            whole.append(metrics.average_precision(scores, truth))
            rank = np.argsort(-scores, kind="stable")
            right = truth[rank]
            precision = np.cumsum(right) / np.arange(1, len(right) + 1)
            shown = scores[rank] >= pack.calibration[line, 2]
            cut.append((precision * right * shown).sum() / truth.sum())
    yield f"inner concepts with 4+ photos: {len(whole)}, mAP {np.mean(whole):.4f}"
    yield f"  counting only photos above the floors: {np.mean(cut):.4f}"


def postings(pack: Shipped) -> Iterator[str]:
    """How many concepts list a photo."""
    for name in ("flickr8k", "coco", "scenes", "holidays", "imagenet"):
        found = pack.probabilities(name) >= pack.calibration[:, 2]
        yield f"concepts per photo, {name}: {found.sum(1).mean():.1f}"


def likeness(pack: Shipped) -> Iterator[str]:
    """Visual retrieval and the score map."""
    sample = photos.photo_set(pack.data, "imagenet")
    labels = []
    for one in sample.column("wnid"):
        above = closure(pack.nouns, [one])
        labels.append(next((name for name in SUPERCLASSES if name in above), ""))
    _, vectors = pack.outputs("imagenet")
    precision = metrics.mean_interval(metrics.neighbour_shares(vectors, labels))
    yield f"visual P@10 by superclass ({len(set(labels)) - 1}): {precision}"
    dogs = np.array(labels) == DOG
    others = metrics.mean_interval(metrics.neighbour_shares(vectors, labels, only=~dogs))
    yield f"  without dogs as queries: {others}"
    scenes = photos.photo_set(pack.data, "scenes")
    each = metrics.neighbour_shares(pack.outputs("scenes")[1], scenes.column("label"))
    yield f"visual P@10 of seven scenes: {metrics.mean_interval(each)}"
    holidays = photos.photo_set(pack.data, "holidays")
    groups, vectors = holidays.column("group"), pack.outputs("holidays")[1]
    each = metrics.group_precisions(vectors, groups)
    yield f"holidays mAP {metrics.mean_interval(each)}"
    yield f"holidays recall of the group {metrics.group_recall(vectors, groups):.3f}"
    near = photos.photo_set(pack.data, "near")
    recall = metrics.group_recall(pack.outputs("near")[1], near.column("group"))
    yield f"near duplicates: recall of the group {recall:.3f}"
    yield from score_map(pack, holidays, vectors)


def score_map(pack: Shipped, holidays: photos.PhotoSet, vectors: Floats) -> Iterator[str]:
    """What the map makes of copies and of unrelated photos."""
    points = pack.manifest["scores"]["visual"]
    rows, kinds, copies = calibrate.likeness_of_variants(pack.extractor, holidays)
    scores = calibrate.apply_map((vectors[rows] * copies.feature).sum(1), points)
    for kind in sorted(set(kinds)):
        some = scores[np.array(kinds) == kind]
        share = np.mean(some >= 0.95)
        yield f"score of copies {kind}: lowest {some.min():.3f}, >= 0.95: {share:.3f}"
    for name in ("holidays", "coco", "imagenet", "scenes", "flickr8k"):
        some = pack.outputs(name)[1][:1000]
        first, second = np.triu_indices(len(some), 1)
        middle = np.median(calibrate.apply_map((some @ some.T)[first, second], points))
        yield f"score of the median pair, {name}: {middle:.3f}"


def probes(pack: Shipped) -> Iterator[str]:
    """Held-out figures of the build (folds by owner), then the shipped pack on the holidays."""
    told = json.loads((pack.work / "everyday.json").read_text("utf-8"))
    concepts = told.pop("concepts")
    for name, value in told.items():
        yield f"{name}: {value}"
    for one in sorted(concepts.values(), key=lambda one: (not one["kept"], one["name"])):
        verdict = "kept" if one["kept"] else "refused"
        yield f"{one['name']}: {verdict}, AP {one['ap']:.3f} ({one['right']} of {one['photos']})"
    labelled = probe_labels.holidays(pack.data)
    found, each = pack.probabilities("holidays"), []
    for column, one in enumerate(everyday()):
        labels = labelled.labels[:, column]
        clear = train_probes.clear(labels)
        truth = labels[clear] >= train_probes.NAMED
        if one.id in pack.table.ids and truth.sum() >= FEWEST:
            scores = found[clear, pack.table.index(one.id)]
            each.append(metrics.average_precision(scores, truth))
            error = metrics.calibration_error(scores, truth)
            yield f"  {one.name}, holidays: AP {each[-1]:.3f}, calibration error {error:.3f}"
    yield f"holidays, {len(each)} concepts: mAP {np.mean(each):.3f}"


def size_and_speed(pack: Shipped) -> Iterator[str]:
    """Bytes on disk, and one thread's time."""
    total = sum(path.stat().st_size for path in PACK.iterdir())
    yield f"pack: {total / 1e6:.2f} MB"
    pixels = photos.golden_pixels(1)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        pack.extractor.run(pixels)
        times.append(time.perf_counter() - start)
    yield f"one photo, one thread: {np.median(times) * 1e3:.1f} ms (fastest {min(times) * 1e3:.1f})"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, help="WordNet 3.0's data.noun")
    options = parser.parse_args()
    pack = Shipped(options.data, options.work, options.wordnet)
    for title, part in (
        ("Size and speed", size_and_speed),
        ("Classes", classes),
        ("Postings", postings),
        ("Likeness", likeness),
        ("Probes", probes),
    ):
        print(f"\n{title}")
        for text in part(pack):
            print(f"  {text}", flush=True)


if __name__ == "__main__":
    main()
