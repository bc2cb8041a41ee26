"""The concepts that tell a person most about a photo: not `animal`, `vertebrate`, `mammal`.

For tables and contact sheets only: JSON has the most probable ones, which are the most general.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import localsearch as ls

LOOKED_AT = 40  # the most probable ones; the chain above a class is some ten long
_LEAST = 0.25  # below it a concept is a guess
_SHARE = 0.5  # a parent gives way to a child that has this share of its probability
TOLD = 5


def with_telling(library: ls.Library, hits: Sequence[ls.Hit]) -> list[ls.Hit]:
    """The hits, each with a few most specific concepts instead of its most probable ones.

    Searched with `concepts=LOOKED_AT`, so that there is enough to choose from.
    """
    parents = {one.id: one.parents for one in library.concepts()}
    return [replace(hit, concepts=_of(hit.concepts, parents)) for hit in hits]


def _of(
    values: Sequence[ls.ConceptValue], parents: Mapping[str, Sequence[str]]
) -> tuple[ls.ConceptValue, ...]:
    told = specific([one for one in values if one.value >= _LEAST] or values[:1], parents)
    return told[:TOLD]


def specific(
    values: Sequence[ls.ConceptValue], parents: Mapping[str, Sequence[str]]
) -> tuple[ls.ConceptValue, ...]:
    """Those that no more specific one of nearly the same probability stands for; order kept."""
    covered: dict[str, float] = {}
    for one in values:
        for above in _above(one.id, parents):
            covered[above] = max(covered.get(above, 0.0), one.value)
    return tuple(one for one in values if covered.get(one.id, 0.0) < _SHARE * one.value)


def _above(id: str, parents: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """All ancestors of a concept."""
    found: set[str] = set()
    ahead = list(parents.get(id, ()))
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += parents.get(one, ())
    return found
