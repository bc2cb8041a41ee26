"""Rebuilds the pack `general` from its pinned sources and the photo sets: one command.

    python -m weights.build --data ../shared --work ../build-cache

Steps, each in its own module: views of photos, token table, heads (the stored vector and its text
side), score maps and floor, concepts with probes and calibration, manifest. What is slow is kept in
`--work` and not made again. It writes `--out` and its cache, nothing else.

The data folder says what a pack is made of: a set that is not in it is done without, and every
`captions/NAME/` with `captions.csv` (file, caption) and `images/` is somebody's own set.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from weights import (
    build_everyday,
    build_network,
    features,
    fit_scores,
    fit_vector,
    heads,
    manifest,
    photos,
    sources,
    text_table,
)

PACK = Path(__file__).parent / "general"
VERSION = 2
GOLDEN_SEED = 1


def network(work: Path) -> photos.Extractor:
    """The bare network, ready to give features."""
    path = work / "features.onnx"
    build_network.write_features_network(path)
    return photos.Extractor(path, work)


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


def build(data: Path, work: Path, out: Path, wordnet: Path | None) -> None:
    """All steps, in order."""
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    extractor = network(work)
    features.extract(data, work)
    text_table.make(data, work, wordnet)
    projection = heads.build(data, work, out, wordnet)
    scores = fit_scores.build(data, work, out, extractor, wordnet)
    temperature = build_everyday.build(
        data,
        out,
        work,
        features.load(work),
        projection,
        fit_vector.load(work / "held-out" / "projection.npz"),
        (out, work / "held-out"),
        sources.wordnet_nouns(wordnet),
    )
    assemble(out, scores, temperature)


def assemble(pack: Path, scores: dict[str, Any], temperature: float) -> None:
    """The manifest of a folder with all files of the pack."""
    sections: dict[str, dict[str, Any]] = {
        "image": image_section(),
        "concepts": {
            "table": "concepts.tsv",
            "calibration": "calibration.npy",
            "temperature": temperature,
        },
    }
    sections["probes"] = {"weights": "probes.npy", "inputs": "probe_inputs.txt"}
    sections["scores"] = {"visual": scores["visual"], "text": scores["text"]}
    sections["text"] = fit_scores.section(scores)
    sections["golden"] = golden(pack / "image.onnx")
    head = {
        "format": 2,
        "name": "general",
        "version": VERSION,
        "summary": "1,000 classes with their WordNet ancestors, everyday concepts, likeness, and "
        "search by free text",
        "licence": manifest.LICENCE,
    }
    manifest.write(pack, head, sections)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the photo sets")
    parser.add_argument("--work", type=Path, required=True, help="folder for cached features")
    parser.add_argument("--wordnet", type=Path, help="WordNet 3.0's data.noun")
    parser.add_argument("--out", type=Path, default=PACK, help="folder of the pack")
    options = parser.parse_args()
    build(options.data, options.work, options.out, options.wordnet)


if __name__ == "__main__":
    main()
