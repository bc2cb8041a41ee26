"""Soft labels of the probes for every photo: from captions, objects, scenes and classes.

A label is a share in [0, 1], or not a number where the source says nothing. It never guesses
from a picture.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weights import photos
from weights.probe_words import (
    CAPTION_WORDS,
    COCO_INDOORS,
    COCO_OUTDOORS,
    GROUP_PAIRS,
    IMAGENET_SHOWS,
    INDOORS,
    OUTDOORS,
    PROBES,
    SCENES,
)

NAMES = [probe.id for probe in PROBES]
ANIMALS = 398  # ImageNet's classes below this are animals
FISH = (*range(7), *range(389, 398))  # held up by their anglers, more often than not
Labels = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """A photo set, its labels (photos x probes), and who took each photo."""

    photos: photos.PhotoSet
    labels: Labels
    owners: list[str]


def caption_words(caption: str) -> set[str]:
    """Words and pairs of words."""
    words = re.findall(r"[a-z]+", caption.lower())
    return set(words) | {f"{a} {b}" for a, b in itertools.pairwise(words)}


def captions_of(path: Path) -> dict[str, list[set[str]]]:
    """The words of each caption by photo."""
    found: dict[str, list[set[str]]] = defaultdict(list)
    for row in photos.read_table(path):
        found[row["file"]].append(caption_words(row["caption"]))
    return found


def shares(captions: list[set[str]]) -> dict[str, float]:
    """For each probe the share of the captions that name it."""
    count = len(captions)
    found: dict[str, float] = {}
    for name, words in CAPTION_WORDS.items():
        wanted = set(words.split()) | (set(GROUP_PAIRS) if name == "p-group" else set())
        found[name] = sum(bool(wanted & caption) for caption in captions) / count
    inside = sum(bool(set(INDOORS.split()) & caption) for caption in captions)
    outside = sum(bool(set(OUTDOORS.split()) & caption) for caption in captions)
    if inside + outside >= 2:  # one mention is too little to tell where a picture was taken
        found["p-outdoors"] = outside / (inside + outside)
        found["p-indoors"] = inside / (inside + outside)
    if found["p-sky"] == 0:
        # A sky is seldom named though it is there: silence tells only of rooms.
        del found["p-sky"]
        if found.get("p-indoors", 0) >= 0.6:
            found["p-sky"] = 0.0
    return found


def fill(labels: Labels, row: int, known: dict[str, float]) -> None:
    """Enter what is known of one photo."""
    for name, share in known.items():
        labels[row, NAMES.index(name)] = share


def blank(photo_set: photos.PhotoSet) -> Labels:
    """Nothing known yet."""
    return np.full((len(photo_set.files), len(NAMES)), np.nan)


def flickr8k(data: Path) -> Labelled:
    """From five captions a photo."""
    found = photos.photo_set(data, "flickr8k")
    captions = captions_of(data / "captions/flickr8k/captions.csv")
    labels = blank(found)
    for row, name in enumerate(found.files):
        fill(labels, row, shares(captions[name]))
    return Labelled(found, labels, found.files)


def coco(data: Path) -> Labelled:
    """From counted objects, and captions where there are some."""
    found = photos.photo_set(data, "coco")
    captions = captions_of(data / "captions/coco/captions.csv")
    labels = blank(found)
    indoors, outdoors = set(COCO_INDOORS.split()), set(COCO_OUTDOORS.split())
    for row, (name, text) in enumerate(zip(found.files, found.column("labels"), strict=True)):
        if name in captions:
            fill(labels, row, shares(captions[name]))
        pairs = (part.rpartition(":") for part in text.split(";") if part)
        counted = {one: int(count) for one, _, count in pairs}
        people, objects = counted.get("person", 0), {one.replace(" ", "_") for one in counted}
        known = {"p-people": float(people > 0)}
        if people == 0:
            known |= {"p-man": 0, "p-woman": 0, "p-child": 0}
        known["p-group"] = 1.0 if people >= 4 else 0.6 if people == 3 else 0.0
        inside, outside = bool(objects & indoors), bool(objects & outdoors)
        if inside != outside:
            known |= {"p-indoors": float(inside), "p-outdoors": float(outside)}
            known |= {} if outside else dict.fromkeys(("p-sky", "p-snow", "p-mountain"), 0.0)
        if objects & {"airplane", "kite", "surfboard"}:
            known["p-sky"] = 0.9
        fill(labels, row, known)
    return Labelled(found, labels, found.files)


def scenes(data: Path) -> Labelled:
    """From the scene, and from words of the title (which names what is there, never all)."""
    found = photos.photo_set(data, "scenes")
    labels = blank(found)
    for row, entry in enumerate(found.rows):
        fill(labels, row, SCENES[entry["label"]])
        title = caption_words(entry["title"])
        for name in ("p-beach", "p-water", "p-snow", "p-mountain", "p-forest", "p-sky"):
            if set(CAPTION_WORDS[name].split()) & title:
                fill(labels, row, {name: 1.0})
    return Labelled(found, labels, found.column("owner"))


def imagenet(data: Path) -> Labelled:
    """From the class: a few show a probe, animals seldom people, a city or a street."""
    found = photos.photo_set(data, "imagenet")
    labels = blank(found)
    for row, index in enumerate(int(text) for text in found.column("index")):
        if index < ANIMALS:
            none = ("p-people", "p-man", "p-woman", "p-child", "p-group", "p-city", "p-street")
            fill(labels, row, dict.fromkeys(none, 0.02))
            fill(labels, row, {"p-people": np.nan if index in FISH else 0.08})
            fill(labels, row, {"p-city": 0.0})
        elif index not in IMAGENET_SHOWS["p-beach"]:
            fill(labels, row, {"p-beach": 0.0})
        for name, classes in IMAGENET_SHOWS.items():
            if index in classes:
                fill(labels, row, {name: 1.0})
        if index in IMAGENET_SHOWS["p-indoors"]:
            none = ("p-outdoors", "p-snow", "p-water", "p-mountain", "p-sky", "p-forest")
            fill(labels, row, dict.fromkeys(none, 0.0))
        if index in IMAGENET_SHOWS["p-outdoors"]:
            fill(labels, row, {"p-indoors": 0.0})
    return Labelled(found, labels, found.files)


def everything(data: Path) -> list[Labelled]:
    """All sets with labels."""
    return [flickr8k(data), coco(data), scenes(data), imagenet(data)]
