"""The concept table: ImageNet's classes, their WordNet ancestors, names, synonyms, parents.

A word belongs to one concept at most, so that looking up an everyday word never has to choose.
It decides on words by rules and by the table in `names.py`, never by what a photo shows.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from weights import names, photos, sources
from weights.probe_words import Everyday, everyday, plurals
from weights.wordnet import Synset, closure, leaf_sets, read_nouns

NO_PLURAL = ("people", "someone", "somebody", "running", "dirt")  # "someone's" is no plural
EVERYDAY = 10  # captions (of 171,000) that make a word an everyday word
HEADER = "id\tname\tsynonyms\tparents\toutput\tdefinition"


@dataclass
class Concept:
    """One line of the table."""

    id: str
    output: str
    definition: str
    leaves: frozenset[int] = frozenset()
    name: str = ""
    synonyms: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)

    def line(self) -> str:
        """As written to the file."""
        columns = (self.id, self.name, "|".join(self.synonyms), "|".join(self.parents))
        return "\t".join((*columns, self.output, self.definition))


@lru_cache(maxsize=1)
def caption_counts(data: Path) -> Counter[str]:
    """How often captions use a word, or two words in a row."""
    counts: Counter[str] = Counter()
    for name in ("flickr30k_captions", "coco_val2017_captions"):
        path = data / f"captions/text/{name}.csv.gz"
        if not path.exists():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                words = re.findall(r"[a-z]+", row["caption"].lower())
                counts.update(words)
                counts.update(f"{a} {b}" for a, b in itertools.pairwise(words))
    return counts


def kept_ancestors(nouns: dict[str, Synset], classes: list[str]) -> dict[str, list[str]]:
    """Each kept ancestor with those over the very same classes that it stands for."""
    groups: dict[frozenset[int], list[str]] = defaultdict(list)
    for one, leaves in leaf_sets(nouns, classes).items():
        if len(leaves) > 1 and one not in names.LEFT_OUT:
            groups[leaves].append(one)
    kept: dict[str, list[str]] = {}
    for members in groups.values():
        ordered = sorted(members)
        # The deepest has the most above it.
        deepest = max(ordered, key=lambda one: len(closure(nouns, [one])))
        wanted = [one for one in ordered if one in names.PREFERRED]
        chosen = wanted[0] if wanted else deepest
        kept[chosen] = [one for one in ordered if one != chosen]
    return kept


def nearest(nouns: dict[str, Synset], one: str, kept: set[str]) -> list[str]:
    """The nearest kept ancestors, without those that another of them has above it."""
    found: set[str] = set()
    waiting, seen = list(nouns[one].hypernyms), {one}
    while waiting:
        up = waiting.pop()
        if up in seen:
            continue
        seen.add(up)
        if up in kept:
            found.add(up)
        else:
            waiting.extend(nouns[up].hypernyms)
    above = {up for one in found for up in closure(nouns, [one]) - {one}}
    return sorted(found - above)


class Words:
    """Hands every word to one concept."""

    def __init__(self) -> None:
        self.owner: dict[str, str] = dict(names.WORDS)
        # A decision about a concept's name outranks any other claim to that word.
        self.owner.update({name: one for one, name in names.NAMES.items()})

    def take(self, word: str, concept: str) -> bool:
        """Whether `concept` may have `word`; it is its from now on."""
        return self.owner.setdefault(word, concept) == concept


def clean(word: str) -> str:
    """Lower case, single spaces, no separator of the table."""
    return re.sub(r"\s+", " ", word.replace("|", " ").replace("_", " ")).strip().lower()


def name_concepts(concepts: list[Concept], candidates: dict[str, list[str]], words: Words) -> None:
    """Give names: ancestors with many classes first, then classes, then the rest."""
    for concept in sorted(concepts, key=lambda c: (-len(c.leaves), c.id)):
        options = [names.NAMES[concept.id]] if concept.id in names.NAMES else []
        options += candidates[concept.id]
        free = (word for word in options if words.take(word, concept.id))
        concept.name = next(free, "")
        if not concept.name:
            concept.name = f"{options[0]} ({concept.id})"
            words.take(concept.name, concept.id)


def add_synonyms(
    concepts: list[Concept], candidates: dict[str, list[str]], words: Words, counts: Counter[str]
) -> None:
    """Give every word that is still free, and the plurals that captions use."""
    for concept in sorted(concepts, key=lambda c: (-len(c.leaves), c.id)):
        assigned = [word for word, one in names.WORDS.items() if one == concept.id]
        for word in (*candidates[concept.id], *assigned):
            assigned_here = words.owner.get(word) == concept.id
            refused = word in names.REFUSED and word not in assigned and not assigned_here
            known = word == concept.name or word in concept.synonyms
            if not refused and not known and words.take(word, concept.id):
                concept.synonyms.append(word)
    for concept in concepts:
        for word in (concept.name, *concept.synonyms.copy()):
            for many in plurals(word):
                if counts[many] >= EVERYDAY and many not in words.owner:
                    words.take(many, concept.id)
                    concept.synonyms.append(many)


def class_words(nouns: dict[str, Synset], classes: list[str]) -> dict[str, list[str]]:
    """Candidate names of the classes: clean names, WordNet's words, the published labels."""
    short, labels = (
        json.loads(sources.class_name_file(f"imagenet1k_{name}.json").read_text("utf-8"))
        for name in ("clean_names", "label_to_names")
    )
    found: dict[str, list[str]] = {}
    for index, one in enumerate(classes):
        tidy = [short[index]] if len(short[index]) < 32 and "/" not in short[index] else []
        words = [*tidy, *nouns[one].lemmas, *labels[str(index)].split(", ")]
        found[one] = list(dict.fromkeys(clean(word) for word in words))
    return found


def inherited(nouns: dict[str, Synset], classes: list[str]) -> dict[str, list[str]]:
    """Everyday words of ancestors that have one class only: `horse` finds the sorrel."""
    leaves = leaf_sets(nouns, classes)
    found: dict[str, list[str]] = {}
    for one in classes:
        chain, at = [], one
        while True:
            single = [up for up in nouns[at].hypernyms if len(leaves[up]) == 1]
            if not single:
                break
            at = single[0]
            chain += [clean(word) for word in nouns[at].lemmas]
        found[one] = [word for word in chain if word in names.INHERITED]
    return found


def everyday_words(words: Words, numbers: dict[str, int], counts: Counter[str]) -> None:
    """Everyday words first, those of concepts that were refused too: nothing else inherits them.

    `numbers`: the probe of each concept that has one.
    """
    named = [one for one in everyday() if one.id in numbers or not one.ours]
    for one in named:
        words.owner[one.name] = one.id
    for one in named:
        spoken = [clean(word) for word in one.words]
        single = [word for word in (one.name, *spoken) if word not in NO_PLURAL]
        many = [m for word in single for m in plurals(word) if counts[m] >= EVERYDAY]
        for word in (*spoken, *many):
            words.take(word, one.id)


def spoken_by(one: Everyday, words: Words) -> list[str]:
    """The words that an everyday concept got, in the order of its line, plurals last."""
    own = [clean(word) for word in one.words]
    wanted = [*own, *(many for word in (one.name, *own) for many in plurals(word))]
    got = [word for word in dict.fromkeys(wanted) if words.owner.get(word) == one.id]
    return [word for word in got if word != one.name]


def concept_table(data: Path, nouns_file: Path, numbers: dict[str, int]) -> list[Concept]:
    """All concepts: classes in class order, ancestors by id, everyday ones with their probes."""
    nouns, counts = read_nouns(nouns_file), caption_counts(data)
    classes = photos.class_ids()
    kept, leaves = kept_ancestors(nouns, classes), leaf_sets(nouns, classes)
    concepts = [
        Concept(one, f"class:{index}", nouns[one].definition, leaves[one])
        for index, one in enumerate(classes)
    ] + [Concept(one, "", nouns[one].definition, leaves[one]) for one in sorted(kept)]
    candidates = class_words(nouns, classes)
    for one, equals in kept.items():
        own = [clean(word) for word in nouns[one].lemmas]
        candidates[one] = own + [clean(w) for other in equals for w in nouns[other].lemmas]
    words, table = Words(), set(kept)
    everyday_words(words, numbers, counts)
    lines = {one.id: one for one in everyday()}
    for concept in concepts:
        if concept.id in lines:
            first = [lines[concept.id].name, *spoken_by(lines[concept.id], words)]
            candidates[concept.id] = [*first, *candidates[concept.id]]
            concept.name = lines[concept.id].name
    name_concepts([c for c in concepts if not c.name], candidates, words)
    add_synonyms(concepts, candidates, words, counts)
    passed_on: dict[str, list[str]] = {one.id: [] for one in concepts}
    passed_on |= inherited(nouns, classes)
    add_synonyms(concepts, passed_on, words, counts)
    for concept in concepts:
        concept.parents = nearest(nouns, concept.id, table)
        if concept.id in numbers:
            concept.output += f"+probe:{numbers[concept.id]}"
    ids = {concept.id for concept in concepts} | set(numbers)
    probes = [lines[id] for id in sorted(numbers, key=lambda id: numbers[id]) if lines[id].ours]
    for line in probes:
        parents = [parent for parent in line.parents if parent in ids]
        made = Concept(line.id, f"probe:{numbers[line.id]}", line.definition, name=line.name)
        made.synonyms, made.parents = spoken_by(line, words), parents
        concepts.append(made)
    return concepts


def write(concepts: list[Concept], path: Path) -> None:
    """The table as a file."""
    text = "\n".join([HEADER, *(concept.line() for concept in concepts)]) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
