"""What captions alone teach about the everyday concepts: readings of the joint half of the vector.

A text and its photo lie near each other in the joint space, so a linear reading that is learnt from
texts reads photos too. There are 171,000 captions without photos: those of Flickr30k show what they
name; those of COCO's validation photos come with all objects that were counted there, named or not.
Ridge regressions in closed form; no photo is looked at.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weights import probe_labels, probe_words
from weights.fit_vector import JOINT
from weights.probe_words import Everyday

WITH_OBJECTS = "coco_val2017_captions.csv.gz"
COUNTED = "coco2017_labels.csv.gz"
CAPTIONS = {WITH_OBJECTS: 2.0, "flickr30k_captions.csv.gz": 1.0}  # what a caption of each counts
PENALTY = 1.0  # of the mean variance of an input
FEWEST = 30  # captions that must name a concept

Floats = NDArray[np.float64]
Half = NDArray[np.float32]
Texts = Callable[[list[str]], NDArray[np.float32]]


def rows_of(path: Path) -> list[dict[str, str]]:
    """A packed CSV file as dictionaries; none without the file."""
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def named(captions: list[str], concepts: tuple[Everyday, ...]) -> Half:
    """Captions x concepts: 1 where a caption names one."""
    saying: dict[str, list[int]] = defaultdict(list)
    for column, one in enumerate(concepts):
        for phrase in one.counted:
            saying[phrase].append(column)
    found = np.zeros((len(captions), len(concepts)), np.float32)
    for row, caption in enumerate(captions):
        phrases = probe_words.phrases(caption)
        for column in {at for phrase in phrases & saying.keys() for at in saying[phrase]}:
            found[row, column] = probe_words.names(concepts[column], phrases, caption)
    return found


def ridge(x: Half, wanted: Half, weights: Half) -> Floats:
    """Weights of the regression, inputs and targets around their means."""
    share = weights / weights.sum()
    away = x - share @ x
    heavy = away * share[:, None]
    gram = (heavy.T @ away).astype(np.float64)
    cross = (heavy.T @ (wanted - share @ wanted)).astype(np.float64)
    gram[np.diag_indices(len(gram))] += PENALTY * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram, cross), np.float64)


def whole(one: Everyday) -> bool:
    """Whether COCO's objects tell all of a concept: it is there with one of them, and only so."""
    return bool(one.objects) and not one.partial


def counted(rows: list[dict[str, str]], folder: Path) -> tuple[Half, NDArray[np.bool_]]:
    """Captions x concepts: 1 where COCO's annotators counted an object; which captions have any."""
    listed = {row["file"]: row["labels"] for row in rows_of(folder / COUNTED)}
    concepts = probe_words.everyday()
    found = np.zeros((len(rows), len(concepts)), np.float32)
    for at, row in enumerate(rows):
        objects = probe_labels.objects_of(listed.get(row["file"], ""))
        found[at] = [bool(one.objects & objects) for one in concepts]
    return found, np.array([row["file"] in listed for row in rows])


def fit(data: Path, encode: Texts) -> Floats:
    """Joint dimensions x concepts; zeros for what captions do not tell."""
    concepts, folder = probe_words.everyday(), data / "captions/text"
    vectors, names, weights = [], [], []
    by_count = np.zeros((JOINT, len(concepts)))
    for file, weight in CAPTIONS.items():
        rows = rows_of(folder / file)
        if not rows:
            continue
        captions = [row["caption"] for row in rows]
        vectors.append(encode(captions).astype(np.float32))
        names.append(named(captions, concepts))
        weights.append(np.full(len(rows), weight, np.float32))
        if file == WITH_OBJECTS:
            objects, listed = counted(rows, folder)
            names[-1] = np.maximum(names[-1], objects)
            if listed.any():
                by_count = ridge(vectors[-1][listed], objects[listed], weights[-1][listed])
    if not names:
        return by_count
    said = np.concatenate(names)
    told = ridge(np.concatenate(vectors), said, np.concatenate(weights))
    silent = probe_labels.SILENT | probe_labels.SELDOM_SAID
    for at, one in enumerate(concepts):
        if whole(one) and one.id not in silent:
            told[:, at] = by_count[:, at]
        elif one.id in silent or said[:, at].sum() < FEWEST:
            told[:, at] = 0.0
    return told


def joint(x: NDArray[np.floating]) -> Floats:
    """Unit vectors of the joint half of stored vectors."""
    half = np.asarray(x[:, -JOINT:], np.float64)
    return half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
