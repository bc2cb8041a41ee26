"""How values are written in a query, and what was read of one leaf before it has a meaning.

Pure text. It knows no field and no term: `terms` prints with it, `grammar` reads with it, the
clauses turn a `Written` into a term. Invariant: what `quoted` and `number_text` print, `BARE`
or a quoted string reads back unchanged.

A quote inside quotes is doubled, as in SQL and CSV. Backslashes mean themselves: a path of
Windows such as "C:\\new\\a.jpg" needs no second thought (the road of backslash escapes was
rejected for that).
"""

from __future__ import annotations

import math
import re

from localsearch.deferred import NamedTuple
from localsearch.errors import QueryError

BARE = re.compile(r"[^\s\"(),=<>]+")
"""A value without quotes. Everything else, an empty value too, stands in double quotes."""

GLUED = re.compile(r"[+-].*(?:like|like-id|text):", re.IGNORECASE)
"""Part of a bare value that looks like the next term of a sum: such a value stands in quotes."""


class Item(NamedTuple):
    """One of the values after a field: `value` or `value=second`; `column` counts from 1.

    Whether each stood in quotes tells a text from a number where a field knows both.
    """

    value: str
    second: str | None
    column: int
    in_quotes: bool = False
    second_in_quotes: bool = False


class Written(NamedTuple):
    """A leaf as it stands in the text: `field:item,item>=floor`."""

    field: str
    items: tuple[Item, ...]
    floor: float | None
    column: int


def quoted(value: str) -> str:
    """`value` as the grammar reads it back: bare where that is safe, else in double quotes."""
    if BARE.fullmatch(value) and not GLUED.search(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def number_text(value: float) -> str:
    """The shortest text that reads back as the same float."""
    return repr(float(value))


def number_of(text: str, column: int) -> float:
    """A number in [0, 1]; QueryError with the column otherwise."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise query_error(f"expected a number from 0 to 1, found {text!r}", column)
    return value


def query_error(message: str, column: int, *, hint: str = "") -> QueryError:
    """A QueryError that names its column in the message too."""
    return QueryError(f"{message} (column {column})", hint=hint, column=column)


def one_item(written: Written) -> Item:
    """The only item of a leaf that takes one; QueryError points at the second."""
    if len(written.items) > 1:
        raise query_error(
            f"expected one value after {written.field}:, found {len(written.items)}",
            written.items[1].column,
            hint="put double quotes around a value that holds a comma",
        )
    return written.items[0]


def plain(item: Item) -> str:
    """The value of an item that may not be `value=second`."""
    if item.second is not None:
        raise query_error(
            f"expected one value, found {item.value}={item.second}",
            item.column,
            hint="put double quotes around a value that holds an equals sign",
        )
    return item.value


def no_floor(written: Written) -> None:
    """QueryError where a leaf that only filters was given `>=`."""
    if written.floor is not None:
        raise query_error(f"{written.field}: takes no >=", written.column)
