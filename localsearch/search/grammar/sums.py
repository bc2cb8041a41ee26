"""A weighted sum: `sum(0.6*like:"beach.jpg" + 0.4*"at night" - 0.2*text:people)>=0.5`.

White space parts what is added: a bare value may hold `+` and `-`, as `a+b.jpg` does.
"""

from __future__ import annotations

import re
from typing import Final

from localsearch.search.grammar.cursor import Cursor, pointing_at
from localsearch.search.grammar.leaves import FIELD, items_of, made
from localsearch.search.terms import Like, Sum, Term, Text
from localsearch.search.words import GLUED, Item, Written, query_error

_NUMBER: Final = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHAT: Final = "like:, like-id:, text: or a text in quotes"
_HINT: Final = 'for instance: sum(0.6*like:"beach.jpg" + 0.4*text:"at night")'


def weighted_sum(cursor: Cursor, column: int) -> Term:
    """The sum whose opening bracket is read, with its floor."""
    cursor.skip()
    parts = [_part(cursor, -1.0 if cursor.take_text("-") else 1.0)]
    while not cursor.take_text(")"):
        if cursor.take_text("+"):
            parts.append(_part(cursor, 1.0))
        elif cursor.take_text("-"):
            parts.append(_part(cursor, -1.0))
        else:
            raise _unjoined(cursor, column)
    floor = cursor.take_floor()
    with pointing_at(column):
        return Sum(tuple(parts), floor)


def _part(cursor: Cursor, sign: float) -> tuple[float, Like | Text]:
    """One term with its weight, and the white space after it."""
    cursor.skip()
    weight = _weight(cursor)
    column = cursor.column
    field = cursor.take(FIELD)
    if field is not None:
        items = items_of(cursor, field[1], column)
        _unglued(items)
        term = made(cursor, Written(field[1].lower(), items, None, column))
    elif cursor.here == '"':
        with pointing_at(column):
            term = Text(cursor.take_string())
    else:
        raise cursor.expected(_WHAT, hint=_HINT)
    if not isinstance(term, Like | Text):
        raise query_error(f"expected {_WHAT}, found {term}", column, hint=_HINT)
    cursor.skip()
    return sign * weight, term


def _weight(cursor: Cursor) -> float:
    number = cursor.take(_NUMBER)
    if number is None:
        return 1.0
    cursor.skip()
    if not cursor.take_text("*"):
        raise cursor.expected('"*" after a weight', hint=_HINT)
    cursor.skip()
    return float(number[0])


def _unglued(items: tuple[Item, ...]) -> None:
    """QueryError where a bare value has swallowed the next term of the sum."""
    for item in items:
        for value, in_quotes in (
            (item.value, item.in_quotes),
            (item.second or "", item.second_in_quotes),
        ):
            if not in_quotes and GLUED.search(value):
                raise query_error(
                    f"expected white space around + and -, found {value}",
                    item.column,
                    hint="or double quotes around a value that holds all this",
                )


def _unjoined(cursor: Cursor, column: int) -> Exception:
    if cursor.text.startswith(">=", cursor.position):
        return query_error(
            "a part of a sum takes no >=",
            cursor.column,
            hint="write it after the sum: sum(...)>=0.5",
        )
    return cursor.expected(f'"+", "-" or a ")" for the "sum(" in column {column}', hint=_HINT)
