"""Groups around best copies. Pure: what is near and what is the same is asked of its caller.

Not what hangs together somehow: in a chain of edits each is the same as the next, and the first
has nothing to do with the last. So each member is the same picture as the *best copy* of its
group. Going through all from the best on, whatever may be the same as one, is the same, and is in
no group yet, goes with it. So each is in one group at most, and in that of the best that it could
belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

How = TypeVar("How")


def groups_around_best(
    ranked: Iterable[int],
    near: Callable[[int], Iterable[int]],
    same: Callable[[int, Sequence[int]], Mapping[int, How]],
) -> dict[int, Mapping[int, How]]:
    """By best copy, the others of its group (at least one) and how each is the same.

    `ranked`: all that may be in a group, the best first. `near` gives what may be the same as
    one (itself is passed over), `same` which of some are, and how.
    """
    done: set[int] = set()
    groups: dict[int, Mapping[int, How]] = {}
    for best in ranked:
        if best in done:
            continue
        done.add(best)  # also if it stays alone: it is better than all that come
        asked = sorted({one for one in near(best) if one not in done})
        others = same(best, asked) if asked else {}
        if others:
            done.update(others)
            groups[best] = others
    return groups
