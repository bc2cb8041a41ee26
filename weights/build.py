"""Rebuilds the pack `general` from its pinned sources and the photo sets: one command.

    python -m weights.build --data ../shared --work ../build-cache

Steps, each in its own module: network, projection, probes, concept table, calibration, score
map, manifest. Features of photos are kept in `--work`, so a second run takes a minute. It writes
`weights/general/` and its cache, nothing else.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from weights import (
    build_concepts,
    build_network,
    calibrate,
    fit_vector,
    manifest,
    photos,
    sources,
    tables,
    train_probes,
)

PACK = Path(__file__).parent / "general"
VERSION = 1
GOLDEN_SEED = 1


def network(work: Path) -> photos.Extractor:
    """The bare network, ready to give features."""
    path = work / "features.onnx"
    build_network.write_features_network(path)
    return photos.Extractor(path, work)


def score_points(
    data: Path, extractor: photos.Extractor, projection: fit_vector.Projection
) -> list[list[float]]:
    """The visual score map, from photos that the projection was not fitted on."""
    holidays = photos.photo_set(data, "holidays")
    plain = projection(extractor.photos(holidays).feature)
    others = [
        projection(extractor.photos(photos.photo_set(data, name)).feature)[::step]
        for name, step in (("coco", 1), ("imagenet", 3))
    ]
    counts = [len(one) for one in others]
    # Photos of one holiday group are related; every other photo is a group of its own.
    groups = holidays.column("group") + [f"alone-{number}" for number in range(sum(counts))]
    unrelated = calibrate.unrelated_cosines(np.concatenate([plain, *others]), groups)
    rows, kinds, feature = calibrate.likeness_of_variants(extractor, holidays)
    same = (plain[rows] * projection(feature)).sum(axis=1)
    return calibrate.score_map(unrelated, same, kinds)


def class_temperature(data: Path, extractor: photos.Extractor) -> float:
    """From every other photo of the ImageNet sample; the rest is for reporting."""
    sample = photos.photo_set(data, "imagenet")
    classes = np.array([int(index) for index in sample.column("index")])
    found = extractor.photos(sample)
    even = classes % 2 == 0
    return calibrate.temperature(found.logits[even], classes[even])


def golden(path: Path) -> dict[str, Any]:
    """What the network says of the golden picture."""
    logits, vector = photos.Extractor(path, path.parent).run(photos.golden_pixels(GOLDEN_SEED))
    top = np.argsort(-logits[0], kind="stable")[:5]
    return {
        "seed": GOLDEN_SEED,
        "vector": [round(float(x), 6) for x in vector[0, :16]],
        "top": [int(index) for index in top],
    }


def image_section() -> dict[str, Any]:
    """How pictures are prepared and what the network's outputs are called."""
    return {
        "network": "image.onnx",
        "input": "pixels",
        "size": photos.SIZE,
        "resize": photos.RESIZE,
        "interpolation": "bicubic",
        "mean": [photos.MEAN] * 3,
        "std": [photos.STD] * 3,
        "logits": "logits",
        "vector": "vector",
        "classes": build_network.CLASSES,
        "dimensions": fit_vector.DIMENSIONS,
    }


def build(data: Path, work: Path, wordnet: Path | None) -> None:
    """All steps, in order."""
    work.mkdir(parents=True, exist_ok=True)
    PACK.mkdir(parents=True, exist_ok=True)
    extractor = network(work)
    flickr = photos.photo_set(data, "flickr8k")
    projection = fit_vector.fit([extractor.photos(flickr).feature])
    fit_vector.save(projection, work / "projection.npz")
    build_network.write_network(PACK / "image.onnx", projection.mean, projection.matrix, root=True)
    temperature = class_temperature(data, extractor)
    trained = train_probes.train(data, extractor, projection)
    train_probes.write(trained, PACK / "probes.npy")
    concepts = build_concepts.concept_table(
        data, sources.wordnet_nouns(wordnet), [probe.words for probe in trained]
    )
    build_concepts.write(concepts, PACK / "concepts.tsv")
    table = tables.read(PACK / "concepts.tsv")
    calibration = np.tile(np.array([1, 0, calibrate.FLOOR], np.float32), (len(table.ids), 1))
    for probe in trained:
        calibration[table.index(probe.words.id)] = (probe.scale, probe.offset, probe.floor)
    np.save(PACK / "calibration.npy", calibration.astype(np.float32))
    sections: dict[str, dict[str, Any]] = {
        "image": image_section(),
        "concepts": {
            "table": "concepts.tsv",
            "calibration": "calibration.npy",
            "temperature": temperature,
        },
    }
    if trained:
        sections["probes"] = {"weights": "probes.npy"}
    sections["scores"] = {"visual": score_points(data, extractor, projection)}
    sections["golden"] = golden(PACK / "image.onnx")
    head = {
        "format": 1,
        "name": "general",
        "version": VERSION,
        "summary": "1,000 classes with their WordNet ancestors, people and places, and likeness",
        "licence": manifest.LICENCE,
    }
    manifest.write(PACK, head, sections)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the photo sets")
    parser.add_argument("--work", type=Path, required=True, help="folder for cached features")
    parser.add_argument("--wordnet", type=Path, help="WordNet 3.0's data.noun")
    options = parser.parse_args()
    build(options.data, options.work, options.wordnet)


if __name__ == "__main__":
    main()
