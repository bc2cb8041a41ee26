"""Which segments become one: few remain, and no row is copied often."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.catalog.segment_names import SegmentRow
from localsearch.publish import plan
from localsearch.publish.plan import Group, Held, compaction, merges_due, outdated, size_of

PACK = "new"


def held(*rows: int, dead: dict[int, int] | None = None, old: tuple[int, ...] = ()) -> list[Held]:
    """Segments of so many rows; `dead` and `old` (of another pack) by position."""
    made, first = [], 1
    for at, count in enumerate(rows):
        pack = "old" if at in old else PACK
        row = SegmentRow(f"s{at}", at, first, first + max(count, 1) - 1, count, pack)
        made.append(Held(row, (dead or {}).get(at, 0)))
        first = row.last_row + 1
    return made


def places(groups: list[Group]) -> list[list[int]]:
    return [[row.number for row in group] for group in groups]


@dataclass
class History:
    """A store of which only the sizes of its segments are known."""

    segments: list[Held] = field(default_factory=list)
    published: int = 0
    died: int = 0
    copied: int = 0
    most: int = 0
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def publish(self, rows: int) -> None:
        first = self.segments[-1].row.last_row + 1 if self.segments else 1
        self.segments.append(Held(self._row(first, first + rows - 1, rows), 0))
        self.published += rows

    def kill(self, at: int, rows: int) -> None:
        at %= len(self.segments)
        one = self.segments[at]
        rows = min(rows, one.live)
        self.segments[at] = Held(one.row, one.dead + rows)
        self.died += rows

    def merge(self) -> None:
        while due := merges_due(self.segments, PACK):
            self.do(due[0])
        self.most = max(self.most, len(self.segments))

    def do(self, group: Group) -> None:
        at = next(n for n, one in enumerate(self.segments) if one.row == group[0])
        before = self.segments[at : at + len(group)]
        assert tuple(one.row for one in before) == group, "only neighbours become one"
        rows = sum(one.live for one in before)
        made = Held(self._row(group[0].first_row, group[-1].last_row, rows), 0)
        self.segments[at : at + len(group)] = [made] if rows else []
        self.copied += rows

    def _row(self, first: int, last: int, rows: int) -> SegmentRow:
        number = next(self.numbers)
        return SegmentRow(f"s{number}", number, first, last, rows, PACK)


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        *[(0, -4), (1, -4), (63, -3), (64, -2), (511, -2), (512, -1), (4095, -1), (4096, 0)],
        *[(32767, 0), (32768, 1), (262143, 1), (262144, 2)],
    ],
)
def test_sizes_are_powers_of_eight(rows: int, size: int) -> None:
    assert size_of(rows) == size


def test_eight_of_one_size_become_one() -> None:
    assert merges_due(held(*[4096] * 7), PACK) == []
    assert places(merges_due(held(*[4096] * 8), PACK)) == [[*range(8)]]
    assert places(merges_due(held(32768, *[4096] * 8, 300), PACK)) == [[1, 2, 3, 4, 5, 6, 7, 8, 9]]
    assert places(merges_due(held(*[32768] * 8), PACK)) == [[*range(8)]]


def test_small_ones_that_will_not_grow_become_one() -> None:
    assert places(merges_due(held(300, 200, 4096), PACK)) == [[0, 1]]
    assert merges_due(held(300, 4096, 200), PACK) == []


def test_the_dead_are_dropped() -> None:
    assert merges_due(held(32768, dead={0: 10922}), PACK) == []
    assert places(merges_due(held(32768, dead={0: 10923}), PACK)) == [[0]]
    assert places(merges_due(held(32768, 8192, dead={1: 8192}), PACK)) == [[1]]
    with_small = held(32768, 4096, 500, dead={0: 20000})
    assert places(merges_due(with_small, PACK)) == [[0, 1]]
    with_large = held(262144, 4096, dead={1: 2000})
    assert places(merges_due(with_large, PACK)) == [[1]]


def test_graves_of_rows_that_a_segment_never_held() -> None:
    """More graves than rows: dropping them must not go on for ever."""
    one = held(5, dead={0: 9})
    assert one[0].live == 0
    assert places(merges_due(one, PACK)) == [[0]]
    assert merges_due(held(0), PACK) == []


def test_another_pack_is_never_merged() -> None:
    mixed = held(*[4096] * 8, dead={3: 4000}, old=(3,))
    assert merges_due(mixed, PACK) == [] and compaction(mixed, PACK) == [
        tuple(one.row for one in mixed[:3]),
        tuple(one.row for one in mixed[4:]),
    ]
    assert outdated(mixed, PACK) == [mixed[3].row]


def test_compaction_leaves_one_without_dead_rows() -> None:
    assert places(compaction(held(4096, 20, 7), PACK)) == [[0, 1, 2]]
    assert compaction(held(4096), PACK) == []
    assert places(compaction(held(4096, dead={0: 1}), PACK)) == [[0]]
    large = held(plan.LARGEST, 4096, 4096)
    assert places(compaction(large, PACK)) == [[1, 2]]


def test_no_segment_grows_for_ever() -> None:
    history = History()
    for _ in range(4 * plan.LARGEST // 32768):
        history.publish(32768)
        history.merge()
    assert all(one.row.rows <= plan.LARGEST for one in history.segments)
    assert len(history.segments) <= 8
    late = held(*[30000] * 1000)  # thirty million rows that were never merged
    groups = merges_due(late, PACK)
    rows = [sum(row.rows for row in group) for group in groups]
    assert sum(rows) > 0.9 * 30_000_000 and max(rows) <= plan.LARGEST


@pytest.mark.parametrize(
    ("publishes", "few"),
    [
        ([4096] * 24 + [1696], 6),
        ([4096] * 244 + [576], 16),
        ([256] * 1000, 20),
        ([300, 4096] * 200, 20),
    ],
)
def test_few_remain(publishes: list[int], few: int) -> None:
    """Whether merges follow each publish or come at the end of all."""
    patient, eager = History(), History()
    for rows in publishes:
        eager.publish(rows)
        eager.merge()
        patient.publish(rows)
    patient.merge()
    assert len(eager.segments) <= few and len(patient.segments) <= few
    assert eager.copied <= 4 * eager.published


steps = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 4096)),
    st.tuples(st.just("publish"), st.just(4096)),
    st.tuples(st.just("publish"), st.integers(256, 300)),
    st.tuples(st.just("kill"), st.integers(0, 40_000)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=60), st.integers(1, 8), st.booleans())
def test_no_row_is_copied_often(history: list[tuple[str, int]], times: int, late: bool) -> None:
    made = History()
    for at, (word, number) in enumerate(history * times):
        if word == "publish":
            made.publish(number)
        elif made.segments:
            made.kill(number * (at + 1), number)
        if not late:
            made.merge()
    made.merge()
    rows = [one.row.rows for one in made.segments]
    assert sum(one.live for one in made.segments) == made.published - made.died
    for before, after in itertools.pairwise(made.segments):
        assert before.row.last_row < after.row.first_row
    sizes = size_of(max(rows, default=1)) - size_of(1) + 1
    # A row is copied by a merge that lifts it, by one more that joins small ones between large
    # ones, and what a third dead leaves behind is at most four times the dead.
    assert made.copied <= 2 * sizes * (made.published + 4 * made.died)
    assert len(rows) <= 16 * sizes
    assert all(one.dead * plan.DEAD_SHARE < max(one.row.rows, 1) for one in made.segments)
