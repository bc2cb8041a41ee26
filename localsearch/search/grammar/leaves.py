"""A leaf as it is written: `field:item,item>=floor`, or a text in quotes.

What a field means stands in its clause. Never combines leaves.
"""

from __future__ import annotations

import re
from typing import Final

from localsearch.errors import QueryUnknownConcept
from localsearch.search.clauses import FIELDS, read
from localsearch.search.grammar.cursor import Cursor, pointing_at
from localsearch.search.terms import Concept, Term, Text
from localsearch.search.words import BARE, Item, Written, query_error

FIELD: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*):")
"""What makes a leaf of what follows."""


def leaf(cursor: Cursor, field: str, column: int) -> Term:
    """The leaf of a field, whose colon is read, with its floor."""
    items = items_of(cursor, field, column)
    return made(cursor, Written(field.lower(), items, cursor.take_floor(), column))


def items_of(cursor: Cursor, field: str, column: int) -> tuple[Item, ...]:
    """The values after a field."""
    if field.lower() not in FIELDS:
        raise query_error(
            f"no field {field}:",
            column,
            hint=f"the fields are {', '.join(FIELDS)}; put other text in double quotes",
        )
    items = [_item(cursor, f"a value right after {field}:")]
    while cursor.take_text(","):
        items.append(_item(cursor, 'a value right after ","'))
    return tuple(items)


def made(cursor: Cursor, written: Written) -> Term:
    """The term of what was written."""
    column = written.items[0].column
    with pointing_at(column):  # a value that the term itself does not take
        term = read(written)
    if isinstance(term, Concept):
        _known(cursor, term.name, column)
    return term


def quoted_text(cursor: Cursor, column: int) -> Term:
    """A text in quotes: a concept where the vocabulary has one of that name, else free text."""
    text = cursor.take_string()
    floor = cursor.take_floor()
    with pointing_at(column):
        if cursor.names is not None and cursor.names.knows(text):
            return Concept(text, floor or 0.0)
        return Text(text, floor)


def _item(cursor: Cursor, what: str) -> Item:
    column, in_quotes = cursor.column, cursor.here == '"'
    value = _value(cursor, what)
    if not cursor.take_text("="):
        return Item(value, None, column, in_quotes)
    second_in_quotes = cursor.here == '"'
    second = _value(cursor, 'a value right after "="')
    return Item(value, second, column, in_quotes, second_in_quotes)


def _value(cursor: Cursor, what: str) -> str:
    if cursor.here == '"':
        return cursor.take_string()
    bare = cursor.take(BARE)
    if bare is None:
        raise cursor.expected(what, hint="put double quotes around spaces and signs")
    return bare[0]


def _known(cursor: Cursor, name: str, column: int) -> None:
    if cursor.names is None:
        return
    try:
        cursor.names.find(name)
    except QueryUnknownConcept as error:
        raise QueryUnknownConcept(
            f"{error.message} (column {column})", hint=error.hint, column=column
        ) from error
