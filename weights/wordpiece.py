"""Words and word pieces of a text, as the text part of the pack and its teacher see them.

Greedy longest match over the vocabulary of BERT (uncased), after lower case, without accents;
only letters and digits count. The product has the same rules in its own text encoder.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

WORD = re.compile(r"[a-z0-9]+")
LONGEST = 40  # letters of a word that is looked at; nothing longer is a word
UNKNOWN = "[UNK]"


def words(text: str) -> list[str]:
    """Lower-case words without accents."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("'s ", " ").replace("'", ""))
    return WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


def pieces(word: str, vocabulary: Mapping[str, int]) -> list[str]:
    """The longest known beginning, then the longest known continuations; none if one is unknown."""
    found: list[str] = []
    start = 0
    while start < len(word):
        end = len(word)
        prefix = "##" if start else ""
        while end > start and prefix + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return []
        found.append(prefix + word[start:end])
        start = end
    return found


def tokens(text: str, vocabulary: Mapping[str, int]) -> list[int]:
    """Rows of the vocabulary for a text."""
    found: list[int] = []
    for word in words(text):
        found += [vocabulary[piece] for piece in pieces(word[:LONGEST], vocabulary)]
    return found
