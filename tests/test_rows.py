"""Row sets: arrays and bitmaps say the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from localsearch import rows

ROWS = st.lists(st.integers(0, 2**32 - 1), max_size=50)


@given(ROWS)
def test_arrays_and_sets_agree(numbers: list[int]) -> None:
    made = rows.from_array(np.array(numbers, dtype=np.int64))
    back = rows.to_array(made)
    assert back.dtype == np.uint32
    assert back.tolist() == sorted(set(numbers))
    assert made == rows.from_array(back)


@given(ROWS, ROWS)
def test_positions_point_at_the_rows(known: list[int], asked: list[int]) -> None:
    have = np.array(sorted(set(known)), dtype=np.uint32)
    positions, found = rows.positions_in(have, np.array(asked, dtype=np.uint32))
    assert found.tolist() == [row in set(known) for row in asked]
    assert have[positions[found]].tolist() == [row for row in asked if row in set(known)]


def test_empty_is_a_new_set_each_time() -> None:
    first = rows.empty()
    first.add(3)
    assert len(rows.empty()) == 0
    assert len(rows.to_array(rows.empty())) == 0
