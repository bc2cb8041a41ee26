"""Texts without photos: groups of captions of one photo, and names with what a dictionary says.

Texts of one group describe the same thing in other words: the token table learns from that which
words show the same. Captions of photos that figures are reported on are left out.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
from blake3 import blake3

from weights import photos, sources, wordpiece

CAPTION_FILES = ("flickr30k_captions", "coco_val2017_captions")
GLOSS = re.compile(r"^(?P<id>\d{8}) (?P<file>\d\d) n (?P<count>[0-9a-f]{2}) (?P<rest>.*)$")
# WordNet's lexicographer files of what can be seen: animal, artifact, body, food, object, person,
# plant, substance, and acts and phenomena.
VISIBLE = {"04", "05", "06", "08", "13", "17", "18", "19", "20", "27"}


def photo_id(file: str) -> str:
    """Flickr's number of a photo: the same in Flickr8k and Flickr30k."""
    return file.split("_")[0].split(".")[0]


def caption_groups(data: Path, without: set[str]) -> list[list[str]]:
    """Captions by photo, but for the photos that are in `without`: Flickr's by their numbers,
    somebody's own as `set/file`."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in CAPTION_FILES:
        path = data / "captions" / "text" / f"{name}.csv.gz"
        if not path.exists():
            continue
        with gzip.open(path) as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline="")):
                if photo_id(row["file"]) not in without:
                    groups[f"{name}/{row['file']}"].append(row["caption"])
    for name in photos.own_sets(data):
        for row in photos.read_table(data / "captions" / name / "captions.csv"):
            if f"{name}/{row['file']}" not in without:
                groups[f"{name}/{row['file']}"].append(row["caption"])
    return [texts for texts in groups.values() if len(texts) > 1]


# What cannot: attributes, thoughts, messages, feelings, motives, possessions, processes,
# quantities, relations, states, times.
ABSTRACT = {"07", "09", "10", "12", "16", "21", "22", "23", "24", "26", "28"}


def glosses(wordnet: Path | None) -> list[list[str]]:
    """Names and definition of every visible noun of WordNet."""
    groups = []
    for line in sources.wordnet_nouns(wordnet).read_text("latin-1").splitlines():
        found = GLOSS.match(line)
        if not found or found["file"] not in VISIBLE:
            continue
        fields = found["rest"].split(" ")
        names = [fields[2 * n].replace("_", " ") for n in range(int(found["count"], 16))]
        definition = line.split(" | ", 1)[1].split(";")[0].split('"')[0].strip()
        definition = re.sub(r"\([^)]*\)", "", definition)
        if len(definition.split()) > 1:
            groups.append([" ".join(names[:1]), definition, *names[1:3]])
    return groups


def abstract(wordnet: Path | None, seen: set[str]) -> list[str]:
    """Names of what no photo shows, and pairs of them; `seen`: words of captions are left out."""
    names = []
    for line in sources.wordnet_nouns(wordnet).read_text("latin-1").splitlines():
        found = GLOSS.match(line)
        if found and found["file"] in ABSTRACT:
            name = found["rest"].split(" ")[0].replace("_", " ").lower()
            if not set(wordpiece.words(name)) & seen:
                names.append(name)
    names = sorted(set(names))
    rng = np.random.default_rng(0)
    mixed = rng.choice(len(names), (len(names), 2))
    return names + [f"{names[a]} {names[b]}" for a, b in mixed]


def class_texts() -> list[list[str]]:
    """For each of the 1,000 classes: clean name, other names, a sentence on how it looks."""
    clean, labels, told = (
        json.loads(sources.class_name_file(f"imagenet1k_{name}.json").read_text("utf-8"))
        for name in ("clean_names", "label_to_names", "gpt_names_descriptions")
    )
    groups = []
    for number in range(1000):
        names = [re.sub(r"\s*\([^)]*\)", "", clean[number])]
        names += [name.strip() for name in labels[str(number)].split(",")]
        description = str(told.get(str(number), {}).get("description", ""))
        sentences = [text for text in description.split(". ") if len(text.split()) > 3][:2]
        unique = list(dict.fromkeys(name.lower() for name in names))
        groups.append([*unique, *sentences])
    return groups


def held_out(data: Path, size: int = 1000) -> set[str]:
    """Captioned photos for figures, `set/file`: of Flickr8k the part `val`, filled up by name; of
    somebody's own sets every tenth, by a digest of its name."""
    rows = photos.photo_set(data, "flickr8k").rows
    held = {row["file"] for row in rows if row["split"] == "val"}
    rest = sorted((row["file"] for row in rows if row["split"] != "val"), key=lambda f: f[::-1])
    held |= set(rest[: size - len(held)])
    found = {f"flickr8k/{file}" for file in held}
    for name in photos.own_sets(data):
        files = (f"{name}/{file}" for file in photos.photo_set(data, name).files)
        found |= {file for file in files if blake3(file.encode()).digest()[0] < 26}
    return found


def unread(held: set[str]) -> set[str]:
    """The held-out photos as `caption_groups` leaves them out."""
    flickr = {photo_id(file.removeprefix("flickr8k/")) for file in held if "flickr8k/" in file}
    return flickr | held
