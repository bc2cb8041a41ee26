"""Concepts of hits: the most probable ones, the same wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.catalog import input_reads
from localsearch.library.shown import shown_concepts
from localsearch.matrix.read import Matrix
from localsearch.pack import highest, leading
from localsearch.records import ConceptValue
from localsearch.scores import value_of
from tests.search_store import Store


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), max_size=5), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_the_highest_columns_come_first_ties_by_column(table: list[list[int]], limit: int) -> None:
    found = np.array(table, np.uint16).reshape(len(table), 6) * 21845
    expected = [sorted(range(6), key=lambda c: (-line[c], c))[:limit] for line in table]
    assert highest(found, limit).tolist() == expected
    values = [
        [int(line[c]) for c in columns] for line, columns in zip(found, expected, strict=True)
    ]
    pairs = [list(pair) for pair in zip(expected, values, strict=True)]
    assert leading(found, limit).tolist() == pairs


class Counted:
    """Features that count how many contents they were asked for."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, 0

    def arrays_of(
        self, digests: Sequence[bytes]
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16], npt.NDArray[np.bool_]]:
        self.asked += len(digests)
        return self.store.features.arrays_of(digests)


def expected_of(store: Store, digest: bytes | None, limit: int) -> tuple[ConceptValue, ...]:
    """By a full sort of the probabilities that the features give."""
    vectors, logits, found = store.features.arrays_of([digest or b""])
    if not found[0]:
        return ()
    (line,) = store.pack.probabilities(vectors, logits)
    best = sorted(range(len(line)), key=lambda c: (-int(line[c]), c))[:limit]
    ids, names = store.pack.vocabulary.ids, store.pack.vocabulary.names
    return tuple(ConceptValue(ids[c], names[c], float(value_of(line[c]))) for c in best)


@pytest.mark.parametrize("limit", [1, 5, 6, 500])
@pytest.mark.parametrize("old", [False, True])
def test_segments_tail_and_features_tell_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, old: bool
) -> None:
    """`old`: segments that do not keep it, as those of older versions."""
    store = Store(tmp_path, 2)
    store.grow(150)
    store.publish()
    if old:
        open_now = Matrix.__init__
        monkeypatch.setattr(Matrix, "__init__", lambda m, file: (open_now(m, file), forget(m))[1])
        store.live = None
    store.add(20)
    with store.snapshot() as snapshot:
        rows = input_reads.iterate(snapshot.conn)
        assert snapshot.live.segments and len(snapshot.live.tail.rows)
        held = [row for row in rows if row.row in snapshot.live.rows]
        features = Counted(store)
        for some in (held, rows[::-1], rows[40:50], []):
            told = shown_concepts(store.pack, features, snapshot.live, some, limit)  # type: ignore[arg-type]
            assert told == [expected_of(store, row.digest, limit) for row in some]
            if some is held and limit <= 5 and not old:
                assert not features.asked  # not even the features are read
    store.close()


def forget(matrix: Matrix) -> None:
    matrix.shown = 0
