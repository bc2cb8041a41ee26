"""Soft labels of the everyday concepts for every photo: captions, objects, scenes, classes, sight.

A label is a share in [0, 1], or not a number where the sources say nothing. Where two speak, the
surer one counts: what was seen, then counted objects, then classes and scenes, then captions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weights import photos, probe_words
from weights.label_texts import captions_of
from weights.probe_words import Everyday
from weights.scene_labels import IMAGENET_SHOWS, SCENES
from weights.wordnet import Synset, closure

SEEN = Path(__file__).parent / "seen.txt"
CERTAIN = 0.6  # three captions of five that name a thing leave no doubt
ANIMALS = 398  # ImageNet's classes below this are animals
GREY = 0.04  # mean saturation of a picture without colours


def _set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# Captions seldom name these though they are there: their silence tells nothing.
SILENT = _set("p-sky p-outdoors p-indoors p-black-and-white p-portrait")
# Nor do their words tell of these: of people far away none speaks, and a lake that is mentioned
# seldom makes a picture of a lake. With captions, seven scenes fell from .966 to .949.
SELDOM_SAID = _set("p-people p-city p-field p-forest p-lake p-mountain p-sea p-road")
# People are needed for these, beside what stands below people and sport.
OF_PEOPLE = _set("""
p-dancing p-kissing p-smiling p-reading p-cooking p-shopping p-working p-singing p-music
p-concert p-party p-birthday p-wedding p-parade p-protest p-smoking p-face-paint p-tattoo
p-beard p-blond p-shirtless p-eating p-throwing p-kicking p-trick p-motocross p-hiking
p-cycling
""")
NOT_OUTSIDE = ("p-outdoors", "p-snow", "p-mountain", "p-forest", "p-sky", "p-beach", "p-sea")

Labels = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """A photo set, its labels (photos x concepts), and who took each photo."""

    photos: photos.PhotoSet
    labels: Labels
    owners: list[str]


class Sheet:
    """Labels of one set while they are being entered."""

    def __init__(self, photo_set: photos.PhotoSet) -> None:
        self.concepts = probe_words.everyday()
        self.column = {one.id: at for at, one in enumerate(self.concepts)}
        self.labels = np.full((len(photo_set.files), len(self.concepts)), np.nan)
        self.photos = photo_set

    def enter(self, row: int, known: dict[str, float]) -> None:
        """What is known of one photo."""
        for id, share in known.items():
            self.labels[row, self.column[id]] = share

    def finish(self, owners: list[str]) -> Labelled:
        """Enter what follows: a child's parent is there, and nobody sings where nobody is."""
        seen(self)
        colours(self)
        needs = needing_people()
        people = self.labels[:, self.column["p-people"]]
        for at, one in enumerate(self.concepts):
            if one.id in needs:
                nobody = (people <= 0.02) & np.isnan(self.labels[:, at])
                self.labels[nobody, at] = 0.0
        for one in reversed(self.concepts):  # parents stand above their children in the table
            own = self.labels[:, self.column[one.id]]
            for parent in one.parents:
                if parent in self.column:
                    above = self.labels[:, self.column[parent]]
                    lift = (own > np.nan_to_num(above, nan=0.3)) & (own >= CERTAIN)
                    above[lift & ~np.isnan(above)] = own[lift & ~np.isnan(above)]
                    above[lift & np.isnan(above)] = own[lift & np.isnan(above)]
        return Labelled(self.photos, self.labels, owners)


def needing_people() -> frozenset[str]:
    """Concepts that no photo without people shows."""
    by_id = {one.id: one for one in probe_words.everyday()}

    def below(id: str) -> bool:
        if id in ("p-people", "p-sport"):
            return True
        return id in by_id and any(below(parent) for parent in by_id[id].parents)

    return OF_PEOPLE | {id for id in by_id if below(id) and id != "p-people"}


def numbers(text: str) -> list[int]:
    """Rows written as `3 5-7`."""
    found: list[int] = []
    for piece in text.split():
        first, _, last = piece.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


LOOKED_AT = {"holidays": 362, "coco": 208, "imagenet": 1000, "scenes": 560}  # photos


def seen(sheet: Sheet) -> None:
    """What was seen by looking at the photos; nothing of a set that is not the one looked at."""
    if len(sheet.photos.files) != LOOKED_AT.get(sheet.photos.name):
        return
    for line in SEEN.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, id, shows, unsure = (part.strip() for part in line.split("|"))
        if name == sheet.photos.name:
            column = sheet.labels[:, sheet.column[id]]
            column[:] = 0.0
            column[numbers(unsure)] = np.nan
            column[numbers(shows)] = 1.0


def colours(sheet: Sheet) -> None:
    """Whether a picture has no colours, by its pixels."""
    for row, name in enumerate(sheet.photos.files):
        with Image.open(sheet.photos.folder / name) as picture:
            small = np.asarray(picture.convert("RGB").resize((32, 32)), np.float32) / 255
        mean = float((small.max(axis=2) - small.min(axis=2)).mean())
        share = 1.0 if mean < GREY else 0.0 if mean > 2 * GREY else np.nan
        sheet.enter(row, {"p-black-and-white": share})


def shares(captions: list[str], concepts: tuple[Everyday, ...]) -> dict[str, float]:
    """For each concept how surely the captions show it."""
    spoken = [(probe_words.phrases(caption), caption) for caption in captions]
    found: dict[str, float] = {}
    for one in concepts:
        if one.counted:
            named = sum(probe_words.names(one, words, caption) for words, caption in spoken)
            if named or one.id not in SILENT:
                found[one.id] = min(1.0, named / len(captions) / CERTAIN)
    inside, outside = places(spoken)
    if inside + outside >= 2:  # one mention is too little to tell where a picture was taken
        found["p-outdoors"] = outside / (inside + outside)
        found["p-indoors"] = inside / (inside + outside)
        if found["p-indoors"] >= CERTAIN:
            found.setdefault("p-sky", 0.0)
    else:
        found.pop("p-outdoors", None)
        found.pop("p-indoors", None)
    return found


INDOORS = _set("""
indoor indoors inside room kitchen bed bedroom couch sofa carpet bathroom office restaurant
gym classroom ceiling hallway bathtub bowling bar stage mall museum
""")
OUTDOORS = _set("""
outdoor outdoors outside grass grassy field beach snow snowy park street road sidewalk
mountain mountains ocean lake river hill forest woods tree trees sky sand sandy yard lawn
dirt trail rocks cliff creek sea desert mud muddy path meadow garden waves pond leaves
""")


def places(spoken: list[tuple[set[str], str]]) -> tuple[int, int]:
    """How many captions tell of a room, how many of the open."""
    inside = sum(bool(words & INDOORS) for words, _ in spoken)
    return inside, sum(bool(words & OUTDOORS) for words, _ in spoken)


def captioned(data: Path, name: str) -> Labelled:
    """From the captions of each photo, five or so."""
    sheet = Sheet(photos.photo_set(data, name))
    captions = captions_of(data, name)
    for row, name in enumerate(sheet.photos.files):
        sheet.enter(row, shares(captions[name], sheet.concepts))
    return sheet.finish(sheet.photos.files)


def objects_of(text: str) -> set[str]:
    """Categories of `person:2;dog:1`."""
    return {part.rpartition(":")[0] for part in text.split(";") if part}


COCO_INDOORS = frozenset(
    ("bed", "toilet", "oven", "sink", "refrigerator", "couch", "microwave", "tv", "toaster")
)


def coco(data: Path) -> Labelled:
    """From counted objects, and captions where there are some."""
    sheet = Sheet(photos.photo_set(data, "coco"))
    captions = captions_of(data, "coco")
    for row, name in enumerate(sheet.photos.files):
        if name in captions:
            sheet.enter(row, shares(captions[name], sheet.concepts))
        objects = objects_of(sheet.photos.rows[row]["labels"])
        known: dict[str, float] = {}
        for one in sheet.concepts:
            if one.objects & objects:
                known[one.id] = 1.0
            elif one.objects and not one.partial:
                known[one.id] = 0.0
        if objects & COCO_INDOORS:
            known |= dict.fromkeys(NOT_OUTSIDE, 0.0) | {"p-indoors": 1.0}
        sheet.enter(row, known)
    return sheet.finish(sheet.photos.files)


def scenes(data: Path) -> Labelled:
    """From the scene, and from words of the title (which names what is there, never all)."""
    sheet = Sheet(photos.photo_set(data, "scenes"))
    places_only = {one.id for one in sheet.concepts if "p-outdoors" in one.parents}
    for row, entry in enumerate(sheet.photos.rows):
        words = probe_words.phrases(entry["title"])
        sheet.enter(row, SCENES[entry["label"]])
        named = {
            one.id: 1.0
            for one in sheet.concepts
            if one.id in places_only and probe_words.names(one, words, entry["title"])
        }
        sheet.enter(row, named)
    return sheet.finish(sheet.photos.column("owner"))


def imagenet(data: Path, nouns: dict[str, Synset]) -> Labelled:
    """From the class. A class that does not show a thing has it seldom: no photo is only that."""
    sheet = Sheet(photos.photo_set(data, "imagenet"))
    for row, entry in enumerate(sheet.photos.rows):
        index, above = int(entry["index"]), closure(nouns, [entry["wnid"]])
        known: dict[str, float] = {}
        for one in sheet.concepts:
            if above & set(one.classes):
                known[one.id] = 1.0
            elif (one.classes or one.objects) and not scenic(one):
                known[one.id] = 0.0
        for id, classes in IMAGENET_SHOWS.items():
            if index in classes:
                known[id] = 1.0
        if index in IMAGENET_SHOWS["p-indoors"]:
            known |= dict.fromkeys(NOT_OUTSIDE, 0.0)
        if index in IMAGENET_SHOWS["p-outdoors"]:
            known["p-indoors"] = 0.0
        if index < ANIMALS:
            known |= dict.fromkeys(("p-city", "p-street", "p-group", "p-text", "p-kitchen"), 0.0)
        sheet.enter(row, known)
    return sheet.finish(sheet.photos.files)


def scenic(one: Everyday) -> bool:
    """Whether it is a place or a background: there in photos of many classes."""
    places = {"p-outdoors", "p-indoors", "p-water", "p-sea", "p-street", "p-sky", "n09246464"}
    places |= {"p-tree", "p-grass", "p-leaf", "p-wall", "p-window", "p-text", "n02913152"}
    return one.id in SILENT | places or bool(places & set(one.parents))


def holidays(data: Path) -> Labelled:
    """By sight alone; photos of a group are one owner's."""
    sheet = Sheet(photos.photo_set(data, "holidays"))
    return sheet.finish(sheet.photos.column("group"))


def everything(data: Path, nouns: dict[str, Synset]) -> list[Labelled]:
    """All sets to train on; holidays are for calibration and judgement."""
    told = [captioned(data, name) for name in photos.captioned_sets(data)]
    return [*told, coco(data), scenes(data), imagenet(data, nouns)]
