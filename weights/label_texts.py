"""What is said of each photo that has words: captions, and labels written as captions.

Every label is a text: a class by its names, descriptions and what it is a kind of; a scene by its
words; objects as "a dog and two people". A text that also holds for other photos of a batch (a
kind of animal) names them, so that they are not taken for wrong answers.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from weights import photos, sources, text_corpus, wordnet

TEMPLATES = ("a photo of a {}", "{}", "a {}", "a picture of a {}", "a close up of a {}")
SCENE_TEMPLATES = ("a photo of a {}", "{}", "a view of the {}", "a {} landscape")
TOO_GENERAL = 450  # a kind over more classes than this says too little
SCENES = {
    "city": "city;skyline;tall buildings;city at night;downtown skyscrapers;cityscape;urban street",
    "field": "field;meadow;grass field;farmland;wheat field;green countryside;pasture",
    "forest": "forest;woods;trees;woodland path;path through the trees;jungle;autumn trees",
    "lake": "lake;calm water;lake with reflections;lake shore;pond;lake surrounded by trees",
    "mountain": "mountain;mountains;snowy peaks;mountain range;hills;rocky mountain;cliffs",
    "ocean": "ocean;sea;waves;beach;seaside;coast;sea shore;waves at the beach;sunset over the sea",
    "road": "road;highway;street;country road;empty road;road through the desert;asphalt road",
}
NUMBERS = {1: "a", 2: "two", 3: "three", 4: "four"}
PLURALS = {"person": "people", "sheep": "sheep", "skis": "skis", "scissors": "scissors"}


@dataclass(frozen=True)
class Told:
    """Texts of one photo: in each part one is as likely as another; `weights` of the parts."""

    file: str
    parts: list[list[str]]
    weights: list[float]
    kinds: frozenset[str] = field(default_factory=frozenset)  # texts of others that hold here too
    captioned: bool = False  # whether the first part are people's captions


def plural(name: str) -> str:
    """More than one of a COCO object."""
    if name in PLURALS:
        return PLURALS[name]
    if name.endswith(("s", "sh", "ch")):
        return name + "es"
    return name[:-2] + "ves" if name.endswith("fe") else name + "s"


def objects_text(counted: dict[str, int], order: Iterable[str]) -> str:
    """ "two people, a dog and a frisbee"."""
    said = []
    for name in order:
        count = counted[name]
        many = NUMBERS.get(count, "several")
        said.append(f"a {name}" if count == 1 else f"{many} {plural(name)}")
    return said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1]


def objects_texts(labels: str) -> list[str]:
    """Some ways to say which objects there are: all, pairs, the first alone."""
    pairs = (part.rpartition(":") for part in labels.split(";") if part)
    counted = {name: int(count) for name, _, count in pairs}
    names = list(counted)
    texts = [objects_text(counted, names)] if names else []
    texts += [objects_text(counted, pair) for pair in itertools.permutations(names[:5], 2)]
    texts += ["a photo of " + objects_text(counted, [name]) for name in names]
    return texts


def captions_of(data: Path, name: str) -> dict[str, list[str]]:
    """The captions of each photo of a set."""
    found: dict[str, list[str]] = defaultdict(list)
    path = data / "captions" / name / "captions.csv"
    for row in photos.read_table(path) if path.exists() else ():
        found[row["file"]].append(row["caption"])
    return found


def captioned(data: Path, name: str) -> list[Told]:
    """Photos with captions alone."""
    found = captions_of(data, name)
    return [Told(f"{name}/{file}", [texts], [1.0], captioned=True) for file, texts in found.items()]


def coco(data: Path) -> list[Told]:
    """Captions where there are some, and objects."""
    captions = captions_of(data, "coco")
    told = []
    for row in photos.photo_set(data, "coco").rows:
        parts = [(captions.get(row["file"], []), 2.0), (objects_texts(row["labels"]), 1.0)]
        kept = [(texts, weight) for texts, weight in parts if texts]
        one = Told(f"coco/{row['file']}", [p for p, _ in kept], [w for _, w in kept])
        told.append(replace(one, captioned=row["file"] in captions))
    return told


def scenes(data: Path) -> list[Told]:
    """Words of the scene, and titles."""
    told = []
    for row in photos.photo_set(data, "scenes").rows:
        names = SCENES[row["label"]].split(";")
        texts = [form.format(name) for name in names for form in SCENE_TEMPLATES]
        titled = [f"{row['title']} {row['label']}"] if len(row["title"].split()) > 1 else []
        parts = [texts, titled] if titled else [texts]
        weights = [3.0, 1.0][: len(parts)]
        told.append(Told(f"scenes/{row['file']}", parts, weights, scene_kinds(row)))
    return told


def scene_kinds(row: dict[str, str]) -> frozenset[str]:
    """The label as a kind: photos of one scene share their texts."""
    return frozenset({f"scene:{row['label']}"})


def imagenet(data: Path, nouns: dict[str, wordnet.Synset]) -> list[Told]:
    """Names, descriptions and kinds of the one class of each photo."""
    texts = text_corpus.class_texts()
    rows = photos.photo_set(data, "imagenet").rows
    below = wordnet.leaf_sets(nouns, [row["wnid"] for row in rows])
    told = []
    for row in rows:
        own = texts[int(row["index"])]
        names = [text for text in own if len(text.split()) <= 4]
        about = [text for text in own if len(text.split()) > 4]
        above = wordnet.closure(nouns, [row["wnid"]]) - {row["wnid"]}
        kinds = {one for one in above if len(below[one]) <= TOO_GENERAL}
        parts = [
            ([form.format(name) for name in names[:1] for form in TEMPLATES], 4.0),
            ([form.format(name) for name in names for form in TEMPLATES[:2]], 2.0),
            (about, 1.0),
            ([f"a photo of a {nouns[one].lemmas[0]}" for one in sorted(kinds)], 1.5),
        ]
        kept = [(part, weight) for part, weight in parts if part]
        told.append(
            Told(
                f"imagenet/{row['file']}",
                [part for part, _ in kept],
                [weight for _, weight in kept],
                frozenset(f"a photo of a {nouns[one].lemmas[0]}" for one in kinds),
            )
        )
    return told


def everything(data: Path, wordnet_path: Path | None) -> list[Told]:
    """All photos with words."""
    nouns = wordnet.read_nouns(sources.wordnet_nouns(wordnet_path))
    told = [one for name in photos.captioned_sets(data) for one in captioned(data, name)]
    told += [*coco(data), *scenes(data), *imagenet(data, nouns)]
    return [one for one in told if one.parts]


def key_of(told: Told, text: str, number: dict[str, int]) -> int:
    """The number of a text that holds for every photo of its kind, -1 for others."""
    if told.file.startswith("scenes/"):
        return number[next(iter(told.kinds))]
    return number[text] if text in told.kinds else -1
