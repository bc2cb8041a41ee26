"""Which of many 64-bit fingerprints are near each other, without comparing all with all.

Multi-index hashing (Norouzi, Punjani, Fleet 2012): the bits are cut into bands; if two prints
differ in at most `radius` bits, then in some band they differ in no more than its share. So for
each band, the prints that differ little there are looked up in a table, and only these compared.
Exact: the pairs are those of a comparison of all with all. Pure arrays; of a million prints it
holds one table (32 MiB at most) and one block of comparisons (some 40 MiB).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.sources.turns import Turn, flips_of, turned_prints

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.sources.turns import Prints

_WIDEST: Final = 22  # bits of a band: its table has so many places, 4 bytes each
_BLOCK: Final = 1 << 20  # comparisons at once


class Band(NamedTuple):
    """Some bits of a print, and how many of them may differ."""

    shift: int
    width: int
    errors: int


class Pairs(NamedTuple):
    """Places of two prints and how many bits they differ in, once the first is turned."""

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    distance: npt.NDArray[np.uint8]


def no_pairs() -> Pairs:
    """None at all."""
    return Pairs(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8))


def only(pairs: Pairs, kept: npt.NDArray[np.bool_]) -> Pairs:
    """Some of the pairs."""
    return Pairs(pairs.first[kept], pairs.second[kept], pairs.distance[kept])


def bits_of(values: Prints) -> npt.NDArray[np.uint8]:
    """How many bits are set in each value."""
    count: Any = getattr(np, "bitwise_count", None)  # from numpy 2 on
    if count is not None:
        found: npt.NDArray[np.uint8] = count(values)
        return found
    table = np.array([n.bit_count() for n in range(1 << 16)], np.uint8)
    halves = np.ascontiguousarray(values).view(np.uint16).reshape(*values.shape, 4)
    summed: npt.NDArray[np.uint8] = table[halves].sum(axis=-1, dtype=np.uint8)
    return summed


def bands_of(count: int, radius: int) -> tuple[Band, ...]:
    """The bands that cost least for so many prints; together they miss no pair."""
    return min((_cut(parts, radius) for parts in range(3, 9)), key=lambda one: _cost(one, count))


def _cut(parts: int, radius: int) -> tuple[Band, ...]:
    """Bits and errors shared out evenly; the errors so that sum(errors + 1) = radius + 1."""
    errors, more = divmod(max(radius + 1 - parts, 0), parts)
    wide, left = divmod(64, parts)
    bands, shift = [], 0
    for part in range(parts):
        width = wide + (part < left)
        allowed = errors + (part < more)
        # With fewer errors than bands the last bands have none to look for at all.
        if part <= radius:
            bands.append(Band(shift, width, allowed))
        shift += width
    return tuple(bands)


def _cost(bands: tuple[Band, ...], count: int) -> float:
    """What a print costs: look-ups, and comparisons, which take twice as long."""
    if any(band.width > _WIDEST for band in bands):
        return float("inf")
    asked = [sum(comb(band.width, n) for n in range(band.errors + 1)) for band in bands]
    return sum(
        n * (1.0 + 2.0 * count / (1 << band.width)) for n, band in zip(asked, bands, strict=True)
    )


def pairs_within(
    prints: Prints, turn: Turn, radius: int, step: Callable[[float], None] = lambda share: None
) -> Iterator[Pairs]:
    """Pairs of two different places with distance(turned(first), second) <= radius, in pieces.

    Each comes once; of a turn that is its own inverse and does not transpose, only one of (a, b)
    and (b, a), which mean the same. `step` is told the share that is done, and may raise.
    """
    if len(prints) < 2:
        return
    asked = turned_prints(prints, turn)
    bands = bands_of(len(prints), radius)
    total = sum(comb(band.width, n) for band in bands for n in range(band.errors + 1))
    done = 0
    for number, band in enumerate(bands):
        table = _Table(prints, asked, band, None if turn.transposed else flips_of(turn))
        for flip in _flips(band):
            step(done / total)
            done += 1
            for pairs in table.pairs(flip, radius):
                yield _new(prints, asked, pairs, bands[:number])


def _flips(band: Band) -> Iterator[int]:
    """Every choice of at most `errors` bits of a band."""
    for errors in range(band.errors + 1):
        for bits in combinations(range(band.width), errors):
            yield sum(1 << bit for bit in bits)


class _Table:
    """The prints by their bits in one band, and those that are asked for in the same order, so
    that memory is read forwards.

    `inverted`: the bits that a turn inverts which does nothing else; then a pair and its reverse
    come under the same flip, and one of the two is looked for. None for other turns.
    """

    def __init__(self, prints: Prints, asked: Prints, band: Band, inverted: int | None) -> None:
        self._mask = (1 << band.width) - 1
        self._inverted = None if inverted is None else (inverted >> band.shift) & self._mask
        keys = self._keys(prints, band)
        self._order = np.argsort(keys, kind="stable").astype(np.int32)
        self._prints = prints[self._order]
        self._starts = np.zeros(self._mask + 2, np.int32)
        np.cumsum(np.bincount(keys, minlength=self._mask + 1), out=self._starts[1:])
        self._wanted = self._keys(asked, band)
        self._asking = np.argsort(self._wanted, kind="stable").astype(np.int32)
        self._wanted, self._asked = self._wanted[self._asking], asked[self._asking]

    def _keys(self, prints: Prints, band: Band) -> npt.NDArray[np.int32]:
        return ((prints >> np.uint64(band.shift)) & np.uint64(self._mask)).astype(np.int32)

    def pairs(self, flip: int, radius: int) -> Iterator[Pairs]:
        """Near pairs of (asked, print) whose bits differ by exactly `flip`, a block at a time."""
        wanted, places = self._wanted ^ np.int32(flip), None
        differ = 0 if self._inverted is None else self._inverted ^ flip
        if differ:  # of the two untwisted keys, the one with a 0 in the lowest bit that differs
            zero = (self._wanted ^ np.int32(self._inverted or 0)) & np.int32(differ & -differ) == 0
            places = np.flatnonzero(zero)
            wanted = wanted[places]
        starts = self._starts[wanted]
        counts = self._starts[wanted + 1] - starts
        some = np.flatnonzero(counts)
        starts, counts = starts[some], counts[some]
        places = some if places is None else places[some]
        ends = np.cumsum(counts, dtype=np.int64)
        at = 0
        while at < len(places):
            before = int(ends[at - 1]) if at else 0
            stop = max(int(np.searchsorted(ends, before + _BLOCK, "right")), at + 1)
            part = slice(at, stop)
            offsets = starts[part] - (ends[part] - counts[part] - before)
            at = stop
            found = self._near(places[part], offsets, counts[part], radius)
            once = self._inverted is not None and not differ
            yield only(found, found.first < found.second) if once else found

    def _near(
        self,
        places: npt.NDArray[np.intp],
        offsets: npt.NDArray[np.int64],
        counts: npt.NDArray[np.int32],
        radius: int,
    ) -> Pairs:
        """Those of all pairs of places with so many prints each that are near."""
        second = np.repeat(offsets, counts)
        second += np.arange(len(second))
        distance = bits_of(np.repeat(self._asked[places], counts) ^ self._prints[second])
        near = np.flatnonzero(distance <= radius)
        first = self._asking[places[np.searchsorted(np.cumsum(counts), near, "right")]]
        found = Pairs(first, self._order[second[near]], distance[near])
        return only(found, found.first != found.second)


def _new(prints: Prints, asked: Prints, pairs: Pairs, earlier: tuple[Band, ...]) -> Pairs:
    """Those of some near pairs that were not found in an earlier band."""
    differ = asked[pairs.first] ^ prints[pairs.second]
    new = np.ones(len(differ), np.bool_)
    for band in earlier:
        inside = (differ >> np.uint64(band.shift)) & np.uint64((1 << band.width) - 1)
        new &= bits_of(inside) > band.errors
    return only(pairs, new)
