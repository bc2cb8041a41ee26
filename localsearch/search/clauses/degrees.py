"""Numbers of places as they are written in a query: degrees and distances, each with its column.

Pure text. Invariant: what is out of range is a QueryError that points at the very value.
"""

from __future__ import annotations

import re
from typing import Final

from localsearch.errors import InputError, QueryError
from localsearch.search.terms.checks import number_in
from localsearch.search.words import Item, Written, plain, query_error

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_METRES: Final = {"km": 1.0, "m": 1000.0}


def these(written: Written, names: tuple[str, ...], example: str) -> tuple[Item, ...]:
    """The items of a leaf that takes exactly so many."""
    if len(written.items) != len(names):
        raise query_error(
            f"{written.field}: takes {', '.join(names)}; {len(written.items)} found",
            written.items[min(len(written.items), len(names) + 1) - 1].column,
            hint=f"for instance {example}",
        )
    return written.items


def latitude(item: Item, name: str) -> float:
    """Degrees from the equator, -90 (south) to 90."""
    return _ranged(item, _number(item, plain(item), name), name, 90.0)


def longitude(item: Item, name: str) -> float:
    """Degrees from Greenwich, -180 (west) to 180."""
    return _ranged(item, _number(item, plain(item), name), name, 180.0)


def kilometres(item: Item) -> float:
    """`5km` or `500m`, more than nothing."""
    text = plain(item).lower()
    unit = "km" if text.endswith("km") else "m"
    if not text.endswith(unit):
        raise _no_distance(item)
    try:
        km = _number(item, text.removesuffix(unit), "a distance") / _METRES[unit]
    except QueryError as error:
        raise _no_distance(item) from error
    if not 0.0 < km < float("inf"):
        raise query_error(f"a distance is more than nothing, not {text}", item.column)
    return km


def _no_distance(item: Item) -> QueryError:
    return query_error(
        f"expected a distance, found {item.value!r}", item.column, hint="as 5km or 500m"
    )


def _number(item: Item, text: str, name: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise query_error(f"{name} is a number, not {item.value!r}", item.column)
    return float(text)


def _ranged(item: Item, value: float, name: str, most: float) -> float:
    try:
        return number_in(value, name, -most, most)
    except InputError as error:
        raise query_error(error.message, item.column) from error
