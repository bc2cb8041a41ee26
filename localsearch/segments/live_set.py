"""Segments, tail and graves as one: what a search asks.

Immutable, so that a search may go on with it while the next one is made. Never looks at the
catalog or the features. Invariant: each live row is in exactly one part, dead rows are in no
answer, and an answer does not depend on where a row lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.deferred import NamedTuple, dataclass
from localsearch.matrix.coding import Coded, Singles, coded
from localsearch.rows import Rows, RowSet, empty, places_from, positions_in, to_array
from localsearch.scores import Quantised
from localsearch.segments.best import edge_of
from localsearch.segments.listed import Listed
from localsearch.segments.probed import Asked, OneList
from localsearch.segments.segment import Segment
from localsearch.segments.tail import Tail

if TYPE_CHECKING:
    import numpy.typing as npt

Part: TypeAlias = Segment | Tail
Places: TypeAlias = "npt.NDArray[np.intp]"

# Rows of one block of a scan: their numbers (0.75 MiB) stay in the second cache, and a search that
# is called off ends within some milliseconds.
_BLOCK: Final = 65536
# From this share of a part on, scanning all of it and picking is faster than gathering.
_GATHER_SHARE: Final = 0.1
# A list that is so many times longer than what is asked is looked into, else it is written out.
_LOOK_UP: Final = 16


class Block(NamedTuple):
    """Some rows of a scan, ascending: |scores.cosines - approx| <= bound for each."""

    rows: Rows
    approx: Singles
    bound: Singles


@dataclass(frozen=True, eq=False, repr=False)
class LiveSet:
    """What one transaction saw. Every method may raise LibrarySegmentDamaged with a name.

    `generation`, `last_row` and `last_grave` are the marks of that transaction. `lacking` are live
    rows whose features are not there; `damaged` names segments that are answered from the tail;
    `notes` says both in sentences.
    """

    generation: int
    last_row: int
    last_grave: int
    pack_digest: str
    segments: tuple[Segment, ...]
    tail: Tail
    graves: RowSet
    lacking: tuple[int, ...] = ()
    damaged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rows: RowSet = field(init=False)
    """Live rows with features. Not to be changed."""
    _dead: Rows = field(init=False, repr=False)
    _parts: tuple[Part, ...] = field(init=False, repr=False)
    _firsts: Rows = field(init=False, repr=False)
    _lasts: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = tuple(part for part in self.parts() if len(part.rows))
        held = RowSet.union(empty(), *(part.row_set for part in parts))
        object.__setattr__(self, "rows", held - self.graves)
        object.__setattr__(self, "_dead", to_array(held & self.graves))
        object.__setattr__(self, "_parts", parts)
        firsts, lasts = ([part.rows[end] for part in parts] for end in (0, -1))
        object.__setattr__(self, "_firsts", np.array(firsts, np.uint32))
        object.__setattr__(self, "_lasts", np.array(lasts, np.uint32))

    def parts(self) -> Iterator[Part]:
        """The segments by their first row, then the tail."""
        yield from self.segments
        yield self.tail

    def rows_of(self, concept: Asked, at_least: int) -> RowSet:
        """Live rows listed under a concept with at least that value; a new set."""
        found = [_list(part, concept).rows_of(at_least) for part in self._parts]
        return RowSet.union(empty(), *found) - self.graves

    def values_at(self, concept: Asked, rows: Rows) -> Quantised:
        """The value of each of `rows` (any order) under a concept, uint16 [n].

        0 where a row is dead, unknown or not listed.
        """
        if len(rows) > 1 and not (rows[1:] > rows[:-1]).all():
            order = np.argsort(rows, kind="stable")
            values = np.zeros(len(rows), np.uint16)
            values[order] = self.values_at(concept, rows[order])
            return values
        values = np.zeros(len(rows), np.uint16)
        for part, some in self._within(rows):
            # The tail may lie between the rows of segments: 0 says that a row is elsewhere.
            np.maximum(values[some], self._values_in(part, concept, rows[some]), out=values[some])
        return values

    def listed(self, concept: Asked) -> Listed:
        """All live rows listed under a concept; `best` gives the highest in a part of the time."""
        lists = [self._alive(*_list(part, concept).values_of()) for part in self._parts]
        lists = [each for each in lists if len(each[0])]
        if len(lists) == 1:
            return Listed(*lists[0])
        rows = np.concatenate([np.zeros(0, np.uint32), *(rows for rows, _ in lists)])
        values = np.concatenate([np.zeros(0, np.uint16), *(values for _, values in lists)])
        if len(rows) and not (rows[1:] > rows[:-1]).all():  # the tail lies between segments
            order = np.argsort(rows)
            rows, values = rows[order], values[order]
        return Listed(rows, values)

    def best(self, concept: Asked, at_least: int, count: int) -> tuple[Rows, Quantised, int]:
        """(rows, values, total) of live rows listed with at least that value.

        The `count` (> 0) highest are among the rows, with all that tie with them and a few more, in
        no order; `total` counts all.
        """
        rows, values, total = np.zeros(0, np.uint32), np.zeros(0, np.uint16), 0
        edge: float = at_least
        for part in self._parts:
            found, listed = _list(part, concept).values_of()
            if not len(found):
                continue
            gone, dies = positions_in(found, self._dead_in(found))
            gone = gone[dies]
            total += int(np.count_nonzero(listed >= at_least))
            total -= int(np.count_nonzero(listed[gone] >= at_least))
            if len(listed) > count + len(gone):
                edge = max(edge, edge_of(listed, count + len(gone)))
            high = np.flatnonzero(listed >= edge)
            high = high[~np.isin(high, gone)] if len(gone) else high
            if len(high):
                rows = np.concatenate([rows, found[high]])
                values = np.concatenate([values, listed[high]])
            if len(values) > count:
                edge = max(edge, edge_of(values, count))
        return rows, values, total

    def _alive(self, rows: Rows, values: Quantised) -> tuple[Rows, Quantised]:
        """A list of one part without the dead."""
        dead = self._dead_in(rows) if len(rows) else rows
        if not len(dead):
            return rows, values
        # The few dead are looked up in the long list, not the long list among the dead.
        positions, found = positions_in(rows, dead)
        kept = np.ones(len(rows), np.bool_)
        kept[positions[found]] = False
        return rows[kept], values[kept]

    def count(self, concept: Asked) -> int:
        """How many rows are listed under a concept, some of them perhaps dead.

        Touches no list, but for a probe's, which it makes.
        """
        return sum(_list(part, concept).length() for part in self._parts)

    def halves_of(self, rows: Rows) -> npt.NDArray[np.float16]:
        """The stored vectors of rows, float16 [n, D], in the order asked.

        Raises ValueError for a row that is not here.
        """
        halves = np.zeros((len(rows), self.tail.halves.shape[1]), np.float16)
        missing = np.ones(len(rows), np.bool_)
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        for part, some in self._within(ascending):
            positions, found = positions_in(part.rows, ascending[some])
            if found.any():
                places = order[some][found]
                halves[places] = part.halves_at(positions[found])
                missing[places] = False
        if missing.any():
            raise ValueError(f"rows without a vector: {rows[missing][:5].tolist()}")
        return halves

    def shown_of(
        self, rows: Rows, limit: int
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
        """The `limit` concepts that rows (ascending) show most, and of which rows it is known.

        uint16 [n, 2, limit] as `pack.leading` gives them, and bool [n].
        """
        shown, known = np.zeros((len(rows), 2, limit), np.uint16), np.zeros(len(rows), np.bool_)
        for part, some in self._within(rows):
            positions, found = positions_in(part.rows, rows[some])
            kept = part.shown_at(positions[found])
            if kept.shape[2] >= limit:
                places = np.flatnonzero(found) + some.start
                shown[places], known[places] = kept[:, :, :limit], True
        return shown, known

    def scan(
        self, query: npt.NDArray[np.float32], allowed: RowSet | None = None
    ) -> tuple[Rows, Singles, Singles]:
        """(rows, approx, bound): all `blocks` as one."""
        nothing = Block(np.zeros(0, np.uint32), np.zeros(0, np.float32), np.zeros(0, np.float32))
        rows, approx, bound = zip(nothing, *self.blocks(query, allowed), strict=True)
        return np.concatenate(rows), np.concatenate(approx), np.concatenate(bound)

    def blocks(
        self, query: npt.NDArray[np.float32], allowed: RowSet | None = None
    ) -> Iterator[Block]:
        """Approximate cosines of live rows (of the allowed ones only), some at a time.

        Each row comes once; rows ascend within a part.
        """
        wanted = self.rows if allowed is None else self.rows & allowed
        asked = coded(query[None, :])
        for part in self._parts:
            yield from _blocks_of(part, asked, part.row_set & wanted)

    def _within(self, ascending: Rows) -> Iterator[tuple[Part, slice]]:
        """The parts that may hold some of `ascending`, each with the places of those."""
        starts = np.searchsorted(ascending, self._firsts, "left").tolist()
        stops = np.searchsorted(ascending, self._lasts, "right").tolist()
        for part, start, stop in zip(self._parts, starts, stops, strict=True):
            if start < stop:
                yield part, slice(start, stop)

    def _values_in(self, part: Part, concept: Asked, rows: Rows) -> Quantised:
        """`values_at` within one part, for rows (ascending) in its span."""
        first, length = _span(part)
        dead = self._dead_in(part.rows)
        lists = _list(part, concept)
        listed = lists.length()
        if _LOOK_UP * len(rows) < listed or length > _LOOK_UP * (len(rows) + listed):
            values = lists.values_at(rows)
            values[positions_in(dead, rows)[1]] = 0
            return values
        known, known_values = lists.values_of()
        table = np.zeros(length, np.uint16)
        table[places_from(first, known)] = known_values
        table[places_from(first, dead)] = 0
        found: Quantised = table[places_from(first, rows)]
        return found

    def _dead_in(self, rows: Rows) -> Rows:
        """The dead within the span of `rows` (ascending, not empty)."""
        start, stop = np.searchsorted(self._dead, [int(rows[0]), int(rows[-1]) + 1])
        return self._dead[start:stop]


class _Posted(NamedTuple):
    """The list of a concept of the pack in one part."""

    part: Part
    concept: int

    def rows_of(self, at_least: int) -> RowSet:
        return self.part.rows_of(self.concept, at_least)

    def values_of(self) -> tuple[Rows, Quantised]:
        return self.part.values_of(self.concept)

    def values_at(self, rows: Rows) -> Quantised:
        return self.part.values_at(self.concept, rows)

    def length(self) -> int:
        return self.part.count(self.concept)


def _list(part: Part, concept: Asked) -> OneList:
    """What one part lists under a concept: in its postings, or by a probe of its vectors."""
    if isinstance(concept, int):
        return _Posted(part, concept)
    return part.probed.list_of(part, concept)


def _blocks_of(part: Part, asked: Coded, here: RowSet) -> Iterator[Block]:
    """The wanted rows of one part: all, or picked from all, or gathered."""
    if not here:
        return
    if len(here) < _GATHER_SHARE * len(part.rows):
        rows = to_array(here)
        places = positions_in(part.rows, rows)[0]
        for start in range(0, len(rows), _BLOCK):
            some = slice(start, start + _BLOCK)
            yield Block(rows[some], *part.scan(asked, places[some]))
        return
    kept = None if len(here) == len(part.rows) else _mask(part, here)
    for start in range(0, len(part.rows), _BLOCK):
        some = slice(start, start + _BLOCK)
        rows = part.rows[some]
        if kept is None:
            yield Block(rows, *part.scan(asked, some))
        elif (wanted := kept[some]).any():
            approx, bound = part.scan(asked, some)
            yield Block(rows[wanted], approx[wanted], bound[wanted])


def _span(part: Part) -> tuple[int, int]:
    """The first row of a part, and how many rows lie from it to the last, held or not."""
    first = int(part.rows[0])
    return first, int(part.rows[-1]) - first + 1


def _mask(part: Part, here: RowSet) -> npt.NDArray[np.bool_]:
    """Which rows of a part are in a set that holds many of them."""
    others = part.row_set - here
    first, length = _span(part)
    if _LOOK_UP * len(others) < len(part.rows) or length > _LOOK_UP * len(part.rows):
        kept = np.ones(len(part.rows), np.bool_)  # with a few graves, finding these is quicker
        kept[positions_in(part.rows, to_array(others))[0]] = False
        return kept
    table = np.zeros(length, np.bool_)
    table[places_from(first, to_array(here))] = True
    found: npt.NDArray[np.bool_] = table[places_from(first, part.rows)]
    return found
