"""What the words of a description name: concepts, also in the plural.

Pure text, asked of a vocabulary. Never scores and never says what a query means. Invariant: the
concepts of a text depend on the text and the vocabulary alone, and stand in the order of the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_NAME: Final = 8
"""Words that are tried as one name: the longest of WordNet have some seven."""

_WORD: Final = re.compile(r"[^\s\"(),.;:!?-]+")  # a name's hyphens are blanks too
# Plurals that no ending tells.
_IRREGULAR: Final = {
    "children": "child",
    "men": "man",
    "women": "woman",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "wolves": "wolf",
    "knives": "knife",
    "leaves": "leaf",
    "shelves": "shelf",
    "calves": "calf",
}
_SHORT: Final = 3  # letters: "bus" and "gas" are no plurals


def concepts_in(text: str, knows: Callable[[str], bool]) -> tuple[str, ...]:
    """The names of concepts that a text holds, the longest at each place, each once."""
    words = _WORD.findall(text.casefold())
    found, start = dict[str, None](), 0
    while start < len(words):
        ends = range(min(start + LONGEST_NAME, len(words)), start, -1)
        named = ((end, name_of(words[start:end], knows)) for end in ends)
        end, name = next(((e, name) for e, name in named if name), (start + 1, ""))
        if name:
            found[name] = None
        start = end
    return tuple(found)


def name_of(words: list[str], knows: Callable[[str], bool]) -> str:
    """The concept's name that some words are, or are the plural of; empty where they are none."""
    front, last = words[:-1], words[-1]
    tried = (" ".join((*front, form)) for form in (last, *_singular(last)))
    return next((name for name in tried if knows(name)), "")


def _singular(word: str) -> list[str]:
    """What a word may be the plural of, best guess first."""
    if word in _IRREGULAR:
        return [_IRREGULAR[word]]
    if not word.endswith("s") or word.endswith("ss") or len(word) <= _SHORT:
        return []
    forms = [word[:-1]]
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("ies"):
        forms.append(f"{word[:-3]}y")
    return forms
