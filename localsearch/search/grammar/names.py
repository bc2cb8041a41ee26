"""Bare words: the concept that as many of the next words as possible name.

Asks the vocabulary only whether it knows a name, and for the nearest ones where it does not.
"""

from __future__ import annotations

import re
from typing import Final

from localsearch.errors import QueryUnknownConcept
from localsearch.search.grammar.cursor import WORD, Cursor, Names, pointing_at
from localsearch.search.terms import Concept, Term

_PIECE: Final = re.compile(
    r"\s*(?:[^\s\"(),=<>:-][^\s\"(),=<>:]*|\([^()\"]*\))(?![^\s\"(),=<>:]*:)"
)
# The longest names of WordNet have some seven words.
_LONGEST_NAME: Final = 8
# Nearest names in a message: more is no help.
_SHOWN: Final = 5


def words(cursor: Cursor, column: int) -> Term | None:
    """The concept that begins here; None, and nothing read, where no word does."""
    start = cursor.position
    if cursor.at_keyword("and") or cursor.at_keyword("or") or not cursor.take(WORD):
        return None
    name = cursor.text[start : cursor.position]
    if cursor.names is not None:
        longest = _longest(cursor, cursor.names, start)
        if longest > cursor.position:
            cursor.position = longest
        elif not cursor.names.knows(name):
            raise _unknown(cursor, cursor.names, name, column)
        name = " ".join(cursor.text[start : cursor.position].split())
    floor = cursor.take_floor()
    with pointing_at(column):
        return Concept(name, floor or 0.0)


def _longest(cursor: Cursor, names: Names, start: int) -> int:
    """Where the longest name that starts at `start` ends; `start` if no name does.

    `and`, `or` and brackets may be part of a name, as in "mortar and pestle" or "crane (bird)".
    """
    longest = end = start
    for _ in range(_LONGEST_NAME):
        piece = _PIECE.match(cursor.text, end)
        if piece is None:
            break
        end = piece.end()
        if names.knows(cursor.text[start:end]):
            longest = end
    return longest


def _unknown(cursor: Cursor, names: Names, name: str, column: int) -> QueryUnknownConcept:
    """The error for a word that names nothing: nearest to it and the next word, then to it."""
    following = _PIECE.match(cursor.text, cursor.position)
    near = names.nearest(name + following[0])[:2] if following is not None else ()
    near = tuple(dict.fromkeys((*near, *names.nearest(name))))[:_SHOWN]
    return QueryUnknownConcept(
        f"there is no concept {name!r} (column {column})",
        hint=f"did you mean {', '.join(near)}?" if near else "`localsearch concepts` lists all",
        column=column,
    )
