"""Bare words side by side: concepts, or free text as a whole where the pack reads it.

A run ends at a bracket, a quote, a field, a floor, `or` and what is denied; `and` within it is one
of its words. Invariant: without the words of a text part, all bare words are names of concepts.
"""

from __future__ import annotations

import re
from typing import Final

from localsearch.deferred import NamedTuple
from localsearch.errors import QueryNoText
from localsearch.search.grammar.cursor import Cursor, Names, Words, pointing_at
from localsearch.search.grammar.names import at_denial, longest_name, name, unknown
from localsearch.search.terms import Term, Text

SUM: Final = re.compile(r"sum\(", re.IGNORECASE)
"""What begins a weighted sum."""

_PLAIN: Final = re.compile(r"[^\s\"(),=<>:-][^\s\"(),=<>:]*(?![^\s\"(),=<>:]*:)")
_FLOOR: Final = re.compile(r"\s*>=")


class _Piece(NamedTuple):
    """One word of a run, or the words that name one concept: from `start` to before `end`."""

    start: int
    end: int
    is_concept: bool


def words(cursor: Cursor, column: int) -> Term | None:
    """What the words that begin here mean; None, and nothing read, where no word does."""
    if cursor.names is None or cursor.words is None:
        return name(cursor, column)
    start = cursor.position
    run = _run(cursor, cursor.names)
    others = [piece for piece in run if not piece.is_concept]
    if not others:
        cursor.position = start
        return name(cursor, column)  # the first of them
    told = [cursor.text[piece.start : piece.end] for piece in others]
    if not any(map(cursor.words.knows, told)):
        cursor.position = others[0].end
        raise unknown(cursor, cursor.names, told[0], others[0].start + 1)
    return _free_text(cursor, cursor.words, start, column)


def _run(cursor: Cursor, names: Names) -> list[_Piece]:
    """The pieces of the run that begins here, which is read."""
    found: list[_Piece] = []
    end = cursor.position
    while (piece := _piece(cursor, names, joined=bool(found))) is not None:
        found.append(piece)
        cursor.position = end = piece.end
        if _FLOOR.match(cursor.text, end):
            break
    cursor.position = end
    return found


def _piece(cursor: Cursor, names: Names, *, joined: bool) -> _Piece | None:
    """The next piece, which may stand behind an `and` where one went before."""
    cursor.skip()
    if joined and cursor.take_keyword("and"):
        cursor.skip()
    start = cursor.position
    end = longest_name(cursor, names, start)
    if end > start:
        return _Piece(start, end, True)
    ends = any(map(cursor.at_keyword, ("and", "or"))) or SUM.match(cursor.text, start)
    plain = None if ends or at_denial(cursor) else _PLAIN.match(cursor.text, start)
    return None if plain is None else _Piece(start, plain.end(), False)


def _free_text(cursor: Cursor, known: Words, start: int, column: int) -> Text:
    """The text from `start` to here, with its floor. QueryNoText where it says nothing."""
    text = cursor.text[start : cursor.position]
    if known.says_nothing(text):
        raise QueryNoText(
            f'"{text}" says nothing of a picture (column {column})',
            hint="say what is on it, in English: two dogs playing in the snow",
            column=column,
        )
    floor = cursor.take_floor()
    with pointing_at(column):
        return Text(text, floor)
