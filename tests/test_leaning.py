"""How much a probe leans on the classes: least where photos of one thing lose nothing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("blake3")
leaning = pytest.importorskip("weights.leaning", exc_type=ImportError)
train_probes = pytest.importorskip("weights.train_probes", exc_type=ImportError)
probe_words = pytest.importorskip("weights.probe_words", exc_type=ImportError)

CONCEPTS = probe_words.everyday()
CAR = next(at for at, one in enumerate(CONCEPTS) if one.id == "n02958343")
PHOTOS, SAMPLE = 200, 100  # of many things; of one thing


def setting() -> tuple[object, np.ndarray, np.ndarray]:
    """Photos of many things that the probe knows, photos of one thing that the classes know."""
    rng = np.random.default_rng(0)
    rows, count = PHOTOS + SAMPLE, len(CONCEPTS)
    labels = np.full((rows, count), np.nan)
    labels[:, CAR] = rng.random(rows) < 0.2
    truth = labels[:, CAR] == 1
    sample = np.arange(rows) >= PHOTOS
    own = np.zeros((rows, count), np.float32)
    own[:, CAR] = np.where(sample, truth, 0.3 * rng.random(rows))
    scores = np.full((rows, count), np.nan)
    scores[:, CAR] = np.where(sample, rng.random(rows), truth + 0.1 * rng.random(rows))
    made = train_probes.Examples(
        rng.random((rows, 4)).astype(np.float32),
        own,
        labels,
        np.zeros(rows, np.int64),
        np.where(sample, "imagenet", "coco"),
        np.arange(rows).astype(str),
        np.ones(rows, bool),
    )
    classes = np.zeros((SAMPLE, count), bool)
    classes[:, CAR] = truth[sample]
    return made, scores, classes


def test_the_least_lean_that_loses_nothing_is_taken() -> None:
    made, scores, classes = setting()
    spread = np.full(len(CONCEPTS), 1.0)
    found = leaning.of(made, scores, spread, classes)
    assert list(found) == [CAR] and found[CAR] > 0
    smaller = leaning.LEANS[leaning.LEANS.index(found[CAR]) - 1]
    less = scores[:, CAR] + smaller * made.own[:, CAR]
    assert not leaning.improves(made, CAR, less, classes[:, CAR])


def test_model_and_scores_lean_alike() -> None:
    made, _, _ = setting()
    count = len(CONCEPTS)
    model = train_probes.Linear(np.ones((4, count)), np.eye(count), np.zeros(count))
    trained = train_probes.Trained(CONCEPTS, model, model(made.x, made.own))
    spread = np.full(count, 2.0)
    led = leaning.applied(trained, made, {CAR: 1.0}, spread)
    assert np.allclose(led.model(made.x, made.own), led.held_out)
    assert np.allclose(model.mixing, np.eye(count))  # the first is left alone
