"""The everyday concepts: how they are called, and which words of a caption show one.

Reads `everyday.txt`; knows no photo. Plurals of WordNet's regular kind are made here, irregular
ones stand in the table.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "everyday.txt"
LONGEST = 3  # words in a row that may stand for one thing

MEN = "man men guy guys gentleman gentlemen dude dudes businessman fisherman cowboy groom father"
WOMEN = "woman women lady ladies female bride mother businesswoman"
CHILDREN = "child children kid kids boy boys girl girls baby babies toddler toddlers infant infants"
ROLES = """people someone adult adults crowd crowds family families couple couples friend
friends player players skier skiers surfer surfers snowboarder snowboarders biker bikers cyclist
cyclists bicyclist bicyclists climber climbers rider riders skateboarder skateboarders worker
workers dancer dancers teen teens teenager teenagers swimmer swimmers hiker hikers officer officers
athlete athletes runner runners performer performers musician musicians band wrestler wrestlers
spectators audience pedestrians pedestrian motorcyclist gymnast cheerleader cheerleaders wakeboarder
kayaker kayakers student students passenger passengers bicycler snorkeler diver soldiers soldier"""
GROUPS = """group groups crowd crowds crowded team teams audience spectators band parade family
families gathering"""
_SETS = {"MEN": MEN, "WOMEN": WOMEN, "CHILDREN": CHILDREN, "ROLES": ROLES, "GROUPS": GROUPS}


class Everyday(NamedTuple):
    """One everyday concept. An id of WordNet: that concept, read by a probe too."""

    id: str
    name: str
    parents: tuple[str, ...]
    words: tuple[str, ...]  # what a user may type, beside the name
    counted: frozenset[str]  # words (or two or three in a row) of captions that show it
    refused: tuple[str, ...]  # pairs of words that do not
    objects: frozenset[str]  # COCO categories that show it
    partial: bool  # whether it may be there without any of these
    classes: tuple[str, ...]  # ImageNet ids below which a class shows it
    definition: str

    @property
    def ours(self) -> bool:
        """Whether WordNet's concepts of the pack lack it."""
        return self.id.startswith("p-")


def plurals(word: str) -> list[str]:
    """Regular plural forms of the last word."""
    if re.search(r"(s|x|z|ch|sh)$", word):
        return [f"{word}es"]
    if re.search(r"[^aeiou]y$", word):
        return [f"{word[:-1]}ies"]
    if word.endswith("f"):
        return [f"{word}s", f"{word[:-1]}ves"]
    return [f"{word}s"]


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _read(line: str) -> Everyday:
    id, name, parents, words, counted, objects, classes, definition = line.split("|")
    typed, more = _listed(words), _listed(counted)
    shows = {name, *(word for word in typed if not word.startswith("~"))}
    for word in more:
        shows |= set(_SETS[word].split()) if word in _SETS else {word}
    silent = "NONE" in more
    found = {re.sub(r"[^a-z ]", " ", word) for word in shows if not word.startswith("!")}
    found |= {many for word in found for many in plurals(word)}
    categories = _listed(objects)
    return Everyday(
        id,
        name,
        tuple(_listed(parents)),
        tuple(word.lstrip("~") for word in typed),
        frozenset() if silent else frozenset(found),
        tuple(word[1:] for word in more if word.startswith("!")),
        frozenset(categories) - {"+"},
        "+" in categories,
        tuple(_listed(classes)) or (() if id.startswith("p-") else (id,)),
        definition,
    )


@cache
def everyday() -> tuple[Everyday, ...]:
    """All of them, in the order of the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return tuple(_read(line) for line in lines if line and not line.startswith("#"))


def phrases(caption: str) -> set[str]:
    """Words of a caption, and up to three of them in a row."""
    words = re.findall(r"[a-z]+", caption.lower())
    rows = (zip(*(words[at:] for at in range(n)), strict=False) for n in range(1, LONGEST + 1))
    return {" ".join(row) for row in itertools.chain.from_iterable(rows)}


def names(concept: Everyday, found: set[str], caption: str) -> bool:
    """Whether a caption, with its phrases, names the concept."""
    hit = found & concept.counted
    if not hit or not concept.refused:
        return bool(hit)
    left = caption.lower()
    for pair in concept.refused:
        left = left.replace(pair, " ; ")
    return bool(phrases(left) & concept.counted)
