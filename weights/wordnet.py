"""Reads WordNet 3.0's nouns: ids, lemmas, hypernyms, definitions. Never writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Synset:
    """One meaning: `id` is the letter n and the eight digits that ImageNet uses too."""

    id: str
    lemmas: tuple[str, ...]
    hypernyms: tuple[str, ...]
    definition: str


def read_nouns(path: Path) -> dict[str, Synset]:
    """All noun synsets by id."""
    found: dict[str, Synset] = {}
    with path.open(encoding="latin-1") as lines:
        for line in lines:
            if line[:8].isdigit():
                synset = _parse(line)
                found[synset.id] = synset
    return found


def _parse(line: str) -> Synset:
    """One line: offset, file, type, words (hexadecimal count), pointers, gloss."""
    data, _, gloss = line.partition(" | ")
    fields = data.split()
    words = int(fields[3], 16)
    lemmas = tuple(fields[4 + 2 * n].replace("_", " ") for n in range(words))
    start = 5 + 2 * words
    pointers = [fields[start + 4 * n : start + 4 * n + 4] for n in range(int(fields[start - 1]))]
    up = tuple(f"n{at}" for kind, at, part, _ in pointers if kind in ("@", "@i") and part == "n")
    definition = gloss.split('; "')[0].strip().replace("\t", " ")
    return Synset(f"n{fields[0]}", lemmas, up, definition)


def closure(nouns: dict[str, Synset], ids: Iterable[str]) -> set[str]:
    """The ids and everything above them."""
    found: set[str] = set()
    waiting = list(ids)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(nouns[one].hypernyms)
    return found


def leaf_sets(nouns: dict[str, Synset], classes: list[str]) -> dict[str, frozenset[int]]:
    """For every id above the classes: the indexes of the classes below it (a class: itself)."""
    below: dict[str, set[int]] = {}
    for index, wnid in enumerate(classes):
        for one in closure(nouns, [wnid]):
            below.setdefault(one, set()).add(index)
    return {one: frozenset(indexes) for one, indexes in below.items()}
