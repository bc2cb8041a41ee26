"""Bursts folded: of hits that show nearly the same, only the best-ranked is on a page.

Never groups photos beforehand: the ranked list is gone through from its top. A hit that is near a
shown one is folded under it, under the first if there are several; every other is shown. What is
shown therefore depends on the list alone, not on pages: pages are cuts of the shown ones, and no
hit is on two of them, nor on one and under another. All is compared with the *shown* hit, so a
burst that pans along a coast is shown more than once.

Costs a comparison of each hit with each one shown so far: of a list of 100,000, the first page of
twenty takes 0.5 s, the fiftieth 2 s. Holds one block of vectors besides those of the shown hits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.records import Ranked
from localsearch.scores import ScoreMap, at_least, cosines

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.rows import Rows
    from localsearch.segments.live_set import LiveSet

    Singles = npt.NDArray[np.float32]

# Visual scores, so that they mean the same with every pack. Of the 395 pairs of one scene among
# 362 photos, most taken from another place or with another lens, 30 reach the first and 225 the
# second; of the 65,000 pairs of different scenes 2 and 257. So the second counts only for two
# photos taken within some seconds, when the scene is most probably the same.
NEAR: Final = 0.985
NEAR_IN_TIME: Final = 0.96
SECONDS: Final = 10

_SHORT_BLOCK, _BLOCK = 128, 4096  # hits at once: while shown ones are looked for; then
# What products of unit vectors in single precision are off by, and the stored halves: far less.
_SLACK: Final = 1e-3

Taken = Callable[[Iterable[int]], Mapping[int, str]]
"""When the pictures of rows were taken, as ISO text, where it is known."""


class Folded(NamedTuple):
    """Some of the shown hits of a ranked list: how many are folded under each, by row, and
    whether more are shown after these.
    """

    ranked: Ranked
    under: Mapping[int, int]
    more: bool


def fold(
    ranked: Ranked,
    live: LiveSet,
    score_map: ScoreMap,
    taken: Taken,
    *,
    start: int,
    stop: int,
    check: Callable[[], None] = lambda: None,
) -> Folded:
    """The shown hits [start:stop] of a whole ranked list. `check` is called between blocks."""
    shown = _Shown(score_map, taken, stop + 1)  # one more tells whether there is another page
    at = 0
    while at < len(ranked.rows):
        check()
        size = _BLOCK if shown.full else _SHORT_BLOCK
        shown.meet(ranked.rows[at : at + size], at, live)
        at += size
    places = shown.places[start:stop]
    kept = Ranked(ranked.rows[places], ranked.scores[places])
    under = dict(zip(kept.rows.tolist(), shown.under[start:stop], strict=True))
    return Folded(kept, under, len(shown.places) > stop)


class _Shown:
    """The shown hits so far: their places in the list, vectors and times."""

    def __init__(self, score_map: ScoreMap, taken: Taken, most: int) -> None:
        self._map, self._taken, self._most = score_map, taken, most
        self._anyway, self._in_time = at_least(NEAR), at_least(NEAR_IN_TIME)
        self._least = score_map.cosine_below(self._in_time) - _SLACK
        self.places: list[int] = []
        self.under: list[int] = []
        self._halves: list[npt.NDArray[np.float16] | None] = []
        self._rows: list[int] = []
        self._units: Singles | None = None
        self._times: Mapping[int, datetime | None] = {}

    @property
    def full(self) -> bool:
        """Whether all that are asked for are found: from now on hits are only folded."""
        return len(self.places) >= self._most

    def meet(self, rows: Rows, at: int, live: LiveSet) -> None:
        """Fold or show the hits of a block, which begins at a place of the list."""
        known = np.fromiter((row in live.rows for row in rows.tolist()), np.bool_, len(rows))
        halves = live.halves_of(rows[known])
        where = np.cumsum(known) - 1
        units = _units_of(halves)
        old = np.zeros((len(units), 0)) if self._units is None else units @ self._units.T
        first = len(self.places)
        within = None if self.full else units @ units.T
        new: list[int] = []  # those shown of this block, by their place among its vectors
        looked_at = self._worth_a_look(known, old)
        self._learn_times(rows[looked_at].tolist())
        for number in looked_at:
            row, vector = int(rows[number]), int(where[number]) if known[number] else None
            near = self._near(row, vector, halves, old, within, new, first)
            if near is not None:
                self.under[near] += 1
            elif not self.full:
                self._show(row, at + number, None if vector is None else halves[vector])
                new.append(-1 if vector is None else vector)
        if new:
            self._remember([halves[one] if one >= 0 else None for one in new], halves.shape[1])

    def _worth_a_look(
        self, known: npt.NDArray[np.bool_], old: npt.NDArray[np.floating]
    ) -> list[int]:
        """Places in the block: all while hits are shown, else those that are perhaps near one."""
        if not self.full:
            return list(range(len(known)))
        near = (old >= self._least).any(axis=1)
        found: list[int] = np.flatnonzero(known)[near].tolist()
        return found

    def _near(
        self,
        row: int,
        vector: int | None,
        halves: npt.NDArray[np.float16],
        old: npt.NDArray[np.floating],
        within: Singles | None,
        new: list[int],
        first: int,
    ) -> int | None:
        """The first shown hit that is near one, if any."""
        if vector is None:
            return None
        asked = np.flatnonzero(old[vector] >= self._least).tolist()
        if within is not None:
            asked += [
                first + number
                for number, other in enumerate(new)
                if other >= 0 and within[vector, other] >= self._least
            ]
        return next((one for one in asked if self._is_near(row, halves[vector], one)), None)

    def _is_near(self, row: int, vector: npt.NDArray[np.float16], shown: int) -> bool:
        """By the one function for visual scores; products only propose."""
        other = self._halves[shown]
        if other is None:
            return False
        score = int(self._map.scores(cosines(vector[None], other.astype(np.float32)))[0])
        if score >= self._anyway or score < self._in_time:
            return score >= self._anyway
        one, two = self._times.get(row), self._times.get(self._rows[shown])
        return one is not None and two is not None and abs((one - two).total_seconds()) <= SECONDS

    def _learn_times(self, rows: list[int]) -> None:
        """When these were taken; of others only those of shown hits are remembered."""
        shown = {row: self._times[row] for row in self._rows if row in self._times}
        told = self._taken(rows) if rows else {}
        self._times = {**shown, **{row: _moment(text) for row, text in told.items()}}

    def _show(self, row: int, place: int, halves: npt.NDArray[np.float16] | None) -> None:
        self.places.append(place)
        self.under.append(0)
        self._rows.append(row)
        self._halves.append(halves)

    def _remember(self, vectors: list[npt.NDArray[np.float16] | None], dimensions: int) -> None:
        """Vectors of newly shown hits, for products; those of hits without one are never near."""
        zero = np.zeros(dimensions, np.float16)
        added = _units_of(np.stack([zero if one is None else one for one in vectors]))
        self._units = added if self._units is None else np.concatenate([self._units, added])


def _units_of(halves: npt.NDArray[np.float16]) -> Singles:
    found: Singles = halves.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", found, found))
    found /= np.maximum(lengths, np.float32(1e-12))[:, None]
    return found


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
