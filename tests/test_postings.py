"""Postings in memory and on disk say the same as the table they were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsearch.durable.writing import write_blocks
from localsearch.errors import LibrarySegmentDamaged
from localsearch.postings.listing import Listing, joined, listing
from localsearch.postings.read import Postings, open_postings
from localsearch.postings.write import postings_blocks
from localsearch.rows import to_array

Table = npt.NDArray[np.uint16]


def made(seed: int, rows: int, concepts: int) -> tuple[npt.NDArray[np.uint32], Table, Table]:
    rng = np.random.default_rng(seed)
    numbers = np.sort(rng.choice(2**32 - 1, rows, replace=False)).astype(np.uint32)
    table = (rng.random((rows, concepts)) ** 4 * 65535).astype(np.uint16)
    floors = rng.choice([0, 1, 3000, 65535], concepts).astype(np.uint16)
    if rows:
        table[rng.integers(rows), rng.integers(concepts)] = 65535
    return numbers, table, floors


def written(path: Path, rows: npt.NDArray[np.uint32], table: Table, floors: Table) -> Postings:
    path.unlink(missing_ok=True)
    meta, blocks = postings_blocks(rows, table, floors)
    write_blocks(path, meta, blocks)
    return open_postings(path)


def assert_agrees(
    found: Postings | Listing, rows: npt.NDArray[np.uint32], table: Table, floors: Table
) -> None:
    for concept in range(len(floors)):
        listed = table[:, concept] >= floors[concept]
        assert found.count(concept) == listed.sum()
        have, values = found.values_of(concept)
        assert have.tolist() == rows[listed].tolist()
        assert values.tolist() == table[listed, concept].tolist()
        for edge in (0, 1, 2999, 3000, 3001, 65535, 65536):
            expected = rows[listed & (table[:, concept] >= edge)]
            assert to_array(found.rows_of(concept, edge)).tolist() == expected.tolist()
        asked = np.concatenate([rows[::-1], np.array([7], np.uint32)])
        expected = np.append(np.where(listed, table[:, concept], 0)[::-1], 0)
        if 7 not in rows:
            assert found.values_at(concept, asked).tolist() == expected.tolist()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 999), st.integers(0, 40), st.integers(1, 70))
def test_a_file_agrees_with_its_table(tmp_path: Path, seed: int, rows: int, concepts: int) -> None:
    data = made(seed, rows, concepts)
    postings = written(tmp_path / "p.bin", *data)
    assert_agrees(postings, *data)
    postings.close()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(0, 40), st.integers(1, 70), st.randoms())
def test_joined_lists_are_those_of_the_whole(seed: int, rows: int, concepts: int, rand) -> None:  # type: ignore[no-untyped-def]
    numbers, table, floors = made(seed, rows, concepts)
    which = np.array([rand.randrange(3) for _ in range(rows)], np.intp)
    parts = [listing(numbers[which == n][::-1], table[which == n][::-1], floors) for n in range(3)]
    whole = joined(parts)
    assert_agrees(whole, numbers, table, floors)
    kept = which != 1
    assert_agrees(whole.only(numbers[kept]), numbers[kept], table[kept], floors)


def test_answers_outlive_the_file(tmp_path: Path) -> None:
    data = made(1, 30, 5)
    postings = written(tmp_path / "p.bin", *data)
    rows, values = postings.values_of(0)
    before = rows.tolist(), values.tolist()
    postings.close()
    assert (rows.tolist(), values.tolist()) == before


def test_damage_is_noticed_in_every_block(tmp_path: Path) -> None:
    path = tmp_path / "p.bin"
    written(path, *made(1, 200, 40)).close()
    good = path.read_bytes()
    _, blocks = postings_blocks(*made(1, 200, 40))
    for name, block in blocks.items():
        data = bytearray(good)
        data[good.index(bytes(memoryview(block).cast("B")[:64]), 96) + 8] ^= 4
        path.write_bytes(data)
        with pytest.raises(LibrarySegmentDamaged, match=rf"block {name}|directory"):
            postings = open_postings(path)
            for concept in range(40):
                postings.values_of(concept)


def test_lists_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    meta, blocks = postings_blocks(*made(1, 20, 4))
    blocks["starts"] = np.zeros(3, "<u8")
    write_blocks(tmp_path / "p.bin", meta, blocks)
    with pytest.raises(LibrarySegmentDamaged, match="fit together"):
        open_postings(tmp_path / "p.bin")
