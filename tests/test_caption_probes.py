"""Readings that captions teach: words, the regression, and their sum with photos' readings."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("blake3")
caption_probes = pytest.importorskip("weights.caption_probes", exc_type=ImportError)
train_probes = pytest.importorskip("weights.train_probes", exc_type=ImportError)
probe_words = pytest.importorskip("weights.probe_words", exc_type=ImportError)

COLUMN = {one.id: at for at, one in enumerate(probe_words.everyday())}


def test_captions_name_concepts() -> None:
    captions = ["Two dogs on a beach", "a red fire hydrant", "a man with a hot dog"]
    found = caption_probes.named(captions, probe_words.everyday())
    assert found[0, COLUMN["n02084071"]] == 1 and found[0, COLUMN["p-beach"]] == 1
    assert found[1, COLUMN["p-fire-hydrant"]] == 1 and found[1, COLUMN["p-fire"]] == 0
    assert found[2, COLUMN["p-man"]] == 1 and found[2, COLUMN["p-beach"]] == 0


def test_the_regression_finds_directions_whatever_the_weights_sum_to() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 8)).astype(np.float32)
    wanted = (x[:, :1] > 1).astype(np.float32)
    ones = np.ones(len(x), np.float32)
    found = caption_probes.ridge(x, wanted, ones)
    assert np.abs(found[0, 0]) > 10 * np.abs(found[1:, 0]).max()
    assert np.allclose(found, caption_probes.ridge(x, wanted, 3 * ones), atol=1e-6)


def packed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.write(text)


def test_counted_objects_teach_where_words_are_silent(tmp_path: Path) -> None:
    folder = tmp_path / "captions/text"
    packed(folder / "coco2017_labels.csv.gz", "file,split,labels\n1.jpg,x,cup:2\n2.jpg,x,dog:1\n")
    pairs = "".join(
        f"{n % 2 + 1}.jpg,{'a kitchen' if n % 2 == 0 else 'a dog'}\n" for n in range(80)
    )
    packed(folder / "coco_val2017_captions.csv.gz", "file,caption\n" + pairs)
    packed(folder / "flickr30k_captions.csv.gz", "file,caption\n3.jpg,a dog\n")

    def encode(texts: list[str]) -> np.ndarray:
        found = np.zeros((len(texts), caption_probes.JOINT), np.float32)
        for row, text in enumerate(texts):
            found[row, int("dog" in text)] = 1.0
        return found

    told = caption_probes.fit(tmp_path, encode)
    cup = told[:, COLUMN["p-cup"]]
    assert cup[0] > cup[1]  # no caption says cup; photos of kitchens have them
    assert np.all(told[:, COLUMN["p-sky"]] == 0)  # captions are silent about it
    assert np.all(told[:, COLUMN["p-wedding"]] == 0)  # none names it


def test_both_readings_together_are_one_linear_reading() -> None:
    rng = np.random.default_rng(2)
    rows, joint, concepts = 60, caption_probes.JOINT, len(probe_words.everyday())
    x = rng.normal(size=(rows, joint + 4)).astype(np.float32)
    x[:, -joint:] /= np.linalg.norm(x[:, -joint:], axis=1, keepdims=True) / 3
    own = rng.random((rows, concepts)).astype(np.float32)
    empty = np.full((rows, concepts), np.nan)
    names = np.full(rows, "coco")
    made = train_probes.Examples(
        x, own, empty, np.zeros(rows, np.int64), names, names, np.ones(rows, bool)
    )
    model = train_probes.Linear(
        rng.normal(size=(joint + 4, concepts)), np.eye(concepts), rng.normal(size=concepts)
    )
    told = rng.normal(size=(joint, concepts))
    told[:, 0] = 0.0
    whole, scores = train_probes.fused(model, model(x, own), made, told)
    assert np.allclose(whole(x, own), scores, atol=1e-5)
    assert np.allclose(scores[:, 0].std(), 1.0)  # captions tell nothing: the photos' reading alone


def test_without_captions_nothing_is_told(tmp_path: Path) -> None:
    told = caption_probes.fit(tmp_path, lambda texts: np.zeros((len(texts), 1), np.float32))
    assert told.shape == (caption_probes.JOINT, len(COLUMN)) and not told.any()
