"""Which rows of the tail become segments now, and which segments become one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

from localsearch.catalog.segment_names import SegmentRow
from localsearch.deferred import dataclass

FULL: Final = 4096
"""Rows of a segment: so a new process never has to read a longer tail than this."""

WORTH: Final = 256
"""Rows from which the end of a whole sync makes a segment: fewer cost a reader next to nothing."""

FACTOR: Final = 8
"""Segments of one size that become one. A row is copied once a size, so a million rows cost each
row some three copies, and leave at most seven segments of a size."""

LARGEST: Final = 1 << 22
"""Rows that a merge makes at most: what it holds in memory and needs on the disk is bounded. Twice
the rows of size 3, so that whatever is cut off at it is of that size, and never merged again."""

DEAD_SHARE: Final = 3
"""A segment of which one row in so many is dead is written anew without them."""

SPARE_BYTES: Final = 32 << 20
"""Left free on the disk beyond what a segment takes: the catalog's WAL needs room to name it."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Held:
    """A segment that counts, and how many graves lie in its span (some perhaps of no row of it)."""

    row: SegmentRow
    dead: int

    @property
    def live(self) -> int:
        """Rows that surely remain when the dead ones are dropped."""
        return max(self.row.rows - self.dead, 0)


Group: TypeAlias = tuple[SegmentRow, ...]
"""Neighbours, by first row, that become one; a single one is written anew without its dead."""


def segments_to_build(tail: Sequence[Item], *, whole_sync: bool) -> list[Sequence[Item]]:
    """Cut the rows of a tail, ascending, into those of new segments; the rest stays tail."""
    return cut(tail, least=WORTH if whole_sync else FULL)


def cut(rows: Sequence[Item], *, least: int) -> list[Sequence[Item]]:
    """Pieces of `FULL` rows, and a last one if it has `least` or more."""
    pieces = [rows[start : start + FULL] for start in range(0, len(rows), FULL)]
    return [piece for piece in pieces if len(piece) >= least]


def outdated(segments: Sequence[Held], pack_digest: str) -> list[SegmentRow]:
    """Segments of another version of the pack: built anew from the features, never merged."""
    return [one.row for one in segments if one.row.pack_digest != pack_digest]


def merges_due(segments: Sequence[Held], pack_digest: str) -> list[Group]:
    """Groups of neighbours that become one now; `segments` by first row. No segment is in two.

    A segment of 4,096 to 32,767 rows is of size 0, one of eight times as many of size 1, and so
    on, down to tiny ones of size -4. Neighbours of at most some size are merged when together
    they reach the next one: so each merge lifts all its rows by a size, and no row is copied more
    often than there are sizes. Small ones between larger ones, which nothing is added to any
    more, become one. What is a third dead goes alone, or with a neighbour that is no larger.
    """
    due: list[Group] = []
    for run in _runs(segments, pack_digest):
        due += _by_size(run)
        busy = {row.name for group in due for row in group}
        due += _by_death(run, busy)
    return due


def compaction(segments: Sequence[Held], pack_digest: str) -> list[Group]:
    """Groups that leave as few segments as `LARGEST` allows, none with a dead row."""
    groups = [group for run in _runs(segments, pack_digest) for group in _groups(run)]
    return [_rows(group) for group in groups if len(group) > 1 or group[0].dead]


def bytes_of(rows: int, dimensions: int, concepts: int) -> int:
    """The most that a segment of so many rows is expected to take on the disk."""
    # halves and codes; row, scale, error, five concepts with values; a posting takes some 4 bytes,
    # and a photo rarely has more than 200
    return rows * (3 * dimensions + 32 + 4 * min(concepts, 200)) + 64 * concepts + (1 << 16)


def size_of(rows: int) -> int:
    """The size of a segment: how often `FULL` rows are multiplied by `FACTOR` to reach it."""
    size = 0
    while rows >= _least(size + 1):
        size += 1
    while rows < _least(size) and _least(size) > 1:
        size -= 1
    return size


def _least(size: int) -> float:
    """The fewest rows of a segment of that size."""
    return FULL * float(FACTOR) ** size


def _runs(segments: Sequence[Held], pack_digest: str) -> list[list[Held]]:
    """Neighbours of this version of the pack."""
    runs: list[list[Held]] = [[]]
    for one in segments:
        if one.row.pack_digest == pack_digest:
            runs[-1].append(one)
        else:
            runs.append([])
    return [run for run in runs if run]


def _by_size(run: list[Held]) -> list[Group]:
    """What a run merges, the smallest sizes first, each segment once."""
    sizes = [size_of(one.row.rows) for one in run]
    done, due = [False] * len(run), list[Group]()
    for size in sorted(set(sizes)):
        if _least(size + 1) > LARGEST:
            break
        for start, stop in _stretches(sizes, size):
            if stop - start < 2 or any(done[start:stop]):
                continue
            groups = [run[start:stop]]
            if sum(one.live for one in run[start:stop]) >= _least(size + 1):
                groups = [g for g in _groups(run[start:stop]) if _together(g) >= _least(size + 1)]
            elif stop == len(run):
                continue  # more may come
            due += [_rows(group) for group in groups if len(group) > 1]
            done[start:stop] = [True] * (stop - start)
    return due


def _stretches(sizes: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Where neighbours of at most that size begin and end, as far as they go."""
    edges = [-1, *(at for at, size in enumerate(sizes) if size > most), len(sizes)]
    return ((before + 1, after) for before, after in pairwise(edges))


def _groups(run: Sequence[Held]) -> list[list[Held]]:
    """Neighbours put together as long as they have no more than `LARGEST` rows."""
    groups: list[list[Held]] = []
    for one in run:
        if groups and _together([*groups[-1], one]) <= LARGEST:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _by_death(run: list[Held], busy: set[str]) -> list[Group]:
    """What has too many dead rows, alone or with the smaller of its neighbours."""
    due: list[Group] = []
    for at, one in enumerate(run):
        if one.row.name in busy or not one.dead or DEAD_SHARE * one.dead < one.row.rows:
            continue
        beside = [run[n] for n in (at - 1, at + 1) if 0 <= n < len(run)]
        beside = [n for n in beside if n.row.name not in busy and n.row.rows <= one.live]
        group = sorted([one, *sorted(beside, key=lambda n: n.live)[:1]], key=_first)
        busy.update(member.row.name for member in group)
        due.append(_rows(group))
    return due


def _first(one: Held) -> int:
    return one.row.first_row


def _together(group: Sequence[Held]) -> int:
    return sum(one.live for one in group)


def _rows(group: Sequence[Held]) -> Group:
    return tuple(one.row for one in group)
