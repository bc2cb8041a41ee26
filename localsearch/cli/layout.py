"""How wide the columns of a table are where a terminal is narrower than the table. Pure.

Invariant: a column that gives nothing keeps all its cells as long as the others can give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

Gives = Literal["never", "first", "late", "wrap"]
"""When a column gives room: `wrap` (it folds, nothing is lost), then `first`, then `late`."""

GAP = 2  # cells between columns
_FLOORS: tuple[tuple[Gives, int], ...] = (("wrap", 16), ("first", 0), ("late", 8))
_LEAST = 8  # a narrower column that may vanish vanishes

Width = Callable[[str], int]


def fitted(natural: Sequence[int], gives: Sequence[Gives], room: int) -> list[int]:
    """The widths of columns in `room` cells; 0: the column is left out."""
    widths = list(natural)
    for order, floor in _FLOORS:
        for place in (place for place, one in enumerate(gives) if one == order):
            excess = total(widths) - room
            if excess > 0:
                widths[place] = max(min(floor, widths[place]), widths[place] - excess)
                if order == "first" and widths[place] < _LEAST:
                    widths[place] = 0
    return widths


def total(widths: Sequence[int]) -> int:
    """Cells of a line of these columns."""
    shown = [one for one in widths if one]
    return sum(shown) + GAP * max(len(shown) - 1, 0)


def cut(text: str, room: int, width: Width, side: Literal["front", "end"]) -> str:
    """`text` in `room` cells: what is cut off at `side` becomes an ellipsis."""
    if width(text) <= room:
        return text
    kept, used = "", 1
    for one in reversed(text) if side == "front" else text:
        used += width(one)
        if used > room:
            break
        kept += one
    return "…" + kept[::-1] if side == "front" else kept + "…"
