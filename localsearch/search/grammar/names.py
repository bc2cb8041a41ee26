"""Bare words that name a concept: as many of the next words as possible; and what is denied.

Asks the vocabulary only whether it knows a name, and for the nearest ones where it does not.
"""

from __future__ import annotations

import re
from typing import Final

from localsearch.errors import QueryUnknownConcept
from localsearch.search.grammar.cursor import WORD, Cursor, Names, pointing_at
from localsearch.search.spoken import LONGEST_NAME, name_of
from localsearch.search.terms import Concept, Term

_PIECE: Final = re.compile(
    r"\s*(?:[^\s\"(),=<>:-][^\s\"(),=<>:]*|\([^()\"]*\))(?![^\s\"(),=<>:]*:)"
)
_DENIAL: Final = re.compile(
    r"(?:(?:but|with)\s+)?(?:not|no|without)(?![^\s\"(),=<>])", re.IGNORECASE
)
_ARTICLE: Final = re.compile(r"\s*(?:an?|any|the)\s+(?=[^\s\"(),=<>:-])", re.IGNORECASE)
# Nearest names in a message: more is no help.
_SHOWN: Final = 5


def name(cursor: Cursor, column: int) -> Term | None:
    """The concept that begins here; None, and nothing read, where no word does."""
    start = cursor.position
    if cursor.at_keyword("and") or cursor.at_keyword("or") or not cursor.take(WORD):
        return None
    named = cursor.text[start : cursor.position]
    if cursor.names is not None:
        longest = longest_name(cursor, cursor.names, start)
        if longest > cursor.position:
            cursor.position = longest
        elif not cursor.names.knows(named):
            raise unknown(cursor, cursor.names, named, column)
        named = " ".join(cursor.text[start : cursor.position].split())
    return _concept(cursor, named, column)


def denied_name(cursor: Cursor, column: int) -> Term | None:
    """As `name`, of a concept that is not to be there: its plural names it too."""
    names, start = cursor.names, cursor.position
    pieces: list[tuple[str, int]] = []
    while names is not None and len(pieces) < LONGEST_NAME:
        piece = _PIECE.match(cursor.text, pieces[-1][1] if pieces else start)
        if piece is None:
            break
        pieces.append((piece[0].strip(), piece.end()))
    for count in range(len(pieces), 0, -1):
        end = pieces[count - 1][1]
        found = name_of([word for word, _ in pieces[:count]], names.knows) if names else ""
        if found and names and end > longest_name(cursor, names, start):
            cursor.position = end
            return _concept(cursor, found, column)
    return name(cursor, column)


def take_denial(cursor: Cursor) -> bool:
    """Whether a "not", "no" or "without" stands here; then it is read, with an article after it."""
    found = _DENIAL.match(cursor.text, cursor.position)
    if found is None or _begins_name(cursor, cursor.position):
        return False
    cursor.position = found.end()
    article = _ARTICLE.match(cursor.text, cursor.position)
    if article is not None and cursor.names is not None:
        start = article.end(0) - len(article[0].lstrip())
        cursor.position = cursor.position if _begins_name(cursor, start) else article.end()
    return True


def at_denial(cursor: Cursor) -> bool:
    """Whether `take_denial` would read one."""
    start = cursor.position
    found = take_denial(cursor)
    cursor.position = start
    return found


def longest_name(cursor: Cursor, names: Names, start: int) -> int:
    """Where the longest name that starts at `start` ends; `start` if no name does.

    `and`, `or` and brackets may be part of a name, as in "mortar and pestle" or "crane (bird)".
    """
    longest = end = start
    for _ in range(LONGEST_NAME):
        piece = _PIECE.match(cursor.text, end)
        if piece is None:
            break
        end = piece.end()
        if names.knows(cursor.text[start:end]):
            longest = end
    return longest


def unknown(cursor: Cursor, names: Names, named: str, column: int) -> QueryUnknownConcept:
    """The error for a word that names nothing: nearest to it and the next word, then to it."""
    following = _PIECE.match(cursor.text, cursor.position)
    near = names.nearest(named + following[0])[:2] if following is not None else ()
    near = tuple(dict.fromkeys((*near, *names.nearest(named))))[:_SHOWN]
    return QueryUnknownConcept(
        f"there is no concept {named!r} (column {column})",
        hint=f"did you mean {', '.join(near)}?" if near else "`localsearch concepts` lists all",
        column=column,
    )


def _concept(cursor: Cursor, named: str, column: int) -> Term:
    floor = cursor.take_floor()
    with pointing_at(column):
        return Concept(named, floor or 0.0)


def _begins_name(cursor: Cursor, start: int) -> bool:
    """Whether a concept's name begins there, as "no parking sign" would."""
    return cursor.names is not None and longest_name(cursor, cursor.names, start) > start
