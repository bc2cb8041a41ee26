"""Concepts of hits: the most probable ones, the same whether they were kept or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.catalog import input_reads
from localsearch.library import shown
from localsearch.library.shown import ShownConcepts, concepts_of
from localsearch.pack import highest
from tests.search_store import Store


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), max_size=5), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_the_highest_columns_come_first_ties_by_column(table: list[list[int]], limit: int) -> None:
    found = np.array(table, np.uint16).reshape(len(table), 6) * 21845
    expected = [sorted(range(6), key=lambda c: (-line[c], c))[:limit] for line in table]
    assert highest(found, limit).tolist() == expected


class Counted:
    """Features that count how many contents they were asked for."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, 0

    def arrays_of(
        self, digests: Sequence[bytes]
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16], npt.NDArray[np.bool_]]:
        self.asked += len(digests)
        return self.store.features.arrays_of(digests)


@pytest.mark.parametrize("room", [4096, 10])
def test_what_was_shown_once_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(shown, "_KEPT", room)
    store = Store(tmp_path, 2)
    store.add(60)
    with store.catalog.reading() as conn:
        rows = input_reads.iterate(conn)
    features, kept = Counted(store), ShownConcepts(store.pack)
    for some in (rows[:20], rows[10:40], rows, rows[::-1], rows[:5]):
        told = kept.of(features, some)  # type: ignore[arg-type]
        assert len(told) == len(some)
        for row, concepts in zip(some, told, strict=True):
            vectors, logits, found = store.features.arrays_of([row.digest or b""])
            expected = concepts_of(store.pack, vectors[found], logits[found], limit=5)
            assert [concepts] == (expected or [()])
    contents = {row.digest for row in rows if row.digest}
    if room > 60:  # those without a digest are asked for again, and are few
        assert features.asked <= len(contents) + 5
        assert len(contents) == len(kept._kept)
    else:
        assert features.asked > len(contents) + 5
    store.close()


def test_a_content_that_could_not_be_read_is_asked_for_again(tmp_path: Path) -> None:
    store = Store(tmp_path, 4)
    store.add(10)
    with store.catalog.reading() as conn:
        rows = [row for row in input_reads.iterate(conn) if row.digest]
    kept = ShownConcepts(store.pack)
    one = rows[0]
    assert one.digest is not None
    vectors, logits, _ = store.features.arrays_of([one.digest])
    store.features.forget([one.digest])
    assert kept.of(store.features, rows)[0] == ()
    store.features.put_many([(one.digest, vectors[0], logits[0])])
    assert len(kept.of(store.features, rows)[0]) == 5
    store.close()
