"""Which contents may be the same picture: those whose prints are equal or near, in any turn.

A million photos take some 8 minutes of one core, 100,000 ten seconds (random prints, 2 per cent of
them copies). Holds at most 8 million pairs of prints, 140 MB: where more are near each other (a
library of scanned forms), the farthest are let go, and a note tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.duplicates.candidates import Pairs, no_pairs, only, pairs_within
from localsearch.duplicates.contents import Contents
from localsearch.sources.turns import TURNS, Turn

if TYPE_CHECKING:
    import numpy.typing as npt

    Places: TypeAlias = npt.NDArray[np.int32]

# Bits that may differ. Copies (JPEG of quality 10 to 95, half and quarter size, squares, 15 per
# cent brighter, 2 per cent cut off: 113 photos each) differ by up to 8, most by 2. A mirrored
# print is not exact (see sources/turns.py): up to 10 for 98 to 100 of 100. With 12 it would be
# all of them, for 2.6 times the look-ups.
RADIUS: Final = 8
RADIUS_MIRRORED: Final = 10
_MOST_PAIRS: Final = 1 << 23

# One of two turns that undo each other is enough: it meets each pair from the other side.
_SEARCHED: Final = tuple(turn for turn in TURNS if turn.name != "rotated-270")


def radius_of(turn: Turn) -> int:
    """How many bits of a turned print may differ."""
    return RADIUS_MIRRORED if turn.mirrored or turn.flipped else RADIUS


class Near:
    """Contents with what may be the same; `note` tells what was let go, if anything."""

    def __init__(self, contents: Contents, step: Callable[[float], None]) -> None:
        """`step` is told the share that is done, and may raise."""
        self.note = ""
        self._places = np.flatnonzero(contents.printed).astype(np.int32)
        prints, which = np.unique(contents.prints[self._places], return_inverse=True)
        self._which = which.astype(np.int32)
        self._members, self._begins = _listed(self._which, self._places, len(prints))
        pairs = self._pairs(prints, step)
        both = np.concatenate([pairs.first, pairs.second])
        others = np.concatenate([pairs.second, pairs.first])
        self._others, self._others_begin = _listed(both, others, len(prints))

    def ranked(self, contents: Contents) -> list[int]:
        """Contents that have something near, the best first."""
        has = np.diff(self._begins) > 1
        has |= np.diff(self._others_begin) > 0
        places = self._places[has[self._which]]
        found: list[int] = places[np.argsort(contents.rank[places])].tolist()
        return found

    def of(self, place: int) -> list[int]:
        """What may be the same as a content that has a print; itself among them."""
        own = int(self._which[np.searchsorted(self._places, place)])
        start, stop = self._others_begin[own : own + 2].tolist()
        found: list[int] = []
        for one in {own, *self._others[start:stop].tolist()}:
            begin, end = self._begins[one : one + 2].tolist()
            found += self._members[begin:end].tolist()
        return found

    def _pairs(self, prints: npt.NDArray[np.uint64], step: Callable[[float], None]) -> Pairs:
        kept, most = [no_pairs()], RADIUS_MIRRORED
        count = 0
        for number, turn in enumerate(_SEARCHED):
            radius = min(radius_of(turn), most)
            for pairs in pairs_within(prints, turn, radius, _share(step, number)):
                pairs = _within(pairs, most)
                if len(pairs.first):
                    kept.append(pairs)
                    count += len(pairs.first)
                while count > _MOST_PAIRS and most > 0:
                    most -= 2
                    kept = [_within(one, most) for one in kept]
                    count = sum(len(one.first) for one in kept)
        if most < RADIUS_MIRRORED:
            self.note = (
                "very many photos look nearly the same: only copies whose fingerprints differ in "
                f"no more than {most} bits were looked at"
            )
        step(1.0)
        return Pairs(*(np.concatenate(column) for column in zip(*kept, strict=True)))


def _share(step: Callable[[float], None], number: int) -> Callable[[float], None]:
    return lambda share: step((number + share) / len(_SEARCHED))


def _within(pairs: Pairs, most: int) -> Pairs:
    if most >= RADIUS_MIRRORED:
        return pairs
    return only(pairs, pairs.distance <= most)


def _listed(owners: Places, values: Places, count: int) -> tuple[Places, npt.NDArray[np.int64]]:
    """The values by owner, and where those of each owner begin."""
    order = np.argsort(owners, kind="stable")
    begins = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))])
    return values[order], begins.astype(np.int64)
