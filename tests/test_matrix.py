"""Coded vectors: the bound holds for every vector, every query and both bodies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.durable.writing import write_blocks
from localsearch.errors import LibrarySegmentDamaged
from localsearch.matrix import scan as scanning
from localsearch.matrix.coding import coded, joined
from localsearch.matrix.read import Matrix, open_matrix
from localsearch.matrix.scan import closer, fast_body, numkong_body, numpy_body, scan, scan_rows
from localsearch.matrix.write import matrix_blocks
from localsearch.scores import cosines

Halves = npt.NDArray[np.float16]
Singles = npt.NDArray[np.float32]


def random(rng: np.random.Generator, n: int, d: int) -> Halves:
    return rng.normal(size=(n, d)).astype(np.float16)


def clustered(rng: np.random.Generator, n: int, d: int) -> Halves:
    return (rng.normal(size=d) + 0.01 * rng.normal(size=(n, d))).astype(np.float16)


def one_hot(rng: np.random.Generator, n: int, d: int) -> Halves:
    return np.eye(d, dtype=np.float16)[rng.integers(0, d, n)] * rng.choice([-1, 1, 1e-3], (n, 1))


def denormal(rng: np.random.Generator, n: int, d: int) -> Halves:
    return (rng.integers(-3, 4, (n, d)) * 6e-8).astype(np.float16)


def spiky(rng: np.random.Generator, n: int, d: int) -> Halves:
    """One number so large that the others all but vanish in the codes: the worst for int8."""
    vectors = rng.normal(size=(n, d)) / 127.0
    vectors[:, 0] = 2.0
    return vectors.astype(np.float16)


def halfway(rng: np.random.Generator, n: int, d: int) -> Halves:
    """Every number half a step between two codes, all to one side."""
    vectors = (rng.integers(0, 2, (n, d)) + 0.5) / 127.0
    vectors[:, -1] = 1.0
    return vectors.astype(np.float16)


def broken(rng: np.random.Generator, n: int, d: int) -> Halves:
    vectors = random(rng, n, d)
    vectors[::2] = 0
    vectors[1::4, 0] = np.nan
    vectors[3::4, 0] = np.inf
    return vectors


KINDS: tuple[Callable[[np.random.Generator, int, int], Halves], ...] = (
    random,
    clustered,
    one_hot,
    denormal,
    spiky,
    halfway,
    broken,
)
BODIES = (numpy_body, numkong_body)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dimensions", [1, 7, 32, 512, 1536])
def test_halves_tell_nearly_what_a_cosine_is(
    kind: Callable[[np.random.Generator, int, int], Halves], dimensions: int
) -> None:
    pytest.importorskip("numkong")
    rng = np.random.default_rng(dimensions)
    with np.errstate(over="ignore"):
        halves = kind(rng, 200, dimensions).astype(np.float16)
    queries = [rng.normal(size=dimensions), 1e-3 * rng.normal(size=dimensions), halves[-1]]
    for query in (np.asarray(each, np.float32) for each in queries):
        near = closer(halves, query)
        if not np.isfinite(query).all() or not query.any():
            assert near is None
            continue
        assert near is not None
        approx, bound = near
        exact = cosines(halves, query)
        assert (np.abs(exact - approx.astype(np.float64)) <= bound).all()
        assert bound.max() <= 5e-4 + dimensions * 5e-7  # a hundredth of what codes tell


def test_without_a_fast_product_of_halves_there_is_nothing_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "numkong", None)
    scanning._has_halves.cache_clear()
    try:
        assert closer(np.ones((3, 4), np.float16), np.ones(4, np.float32)) is None
    finally:
        scanning._has_halves.cache_clear()


def body_or_skip(body: scanning.Body) -> scanning.Body:
    if body is numkong_body:
        pytest.importorskip("numkong")
    return body


def assert_bounded(halves: Halves, query: Singles, body: scanning.Body) -> None:
    approx, bound = scan_rows(coded(halves), coded(query[None, :]), body)
    assert approx.dtype == bound.dtype == np.float32
    wrong = np.abs(cosines(halves, query) - approx.astype(np.float64))
    assert (wrong <= bound).all(), (wrong - bound).max()


@pytest.mark.parametrize("body", BODIES)
@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(KINDS),
    st.sampled_from([1, 2, 3, 32, 63, 200, 512, 1100]),
    st.integers(0, 2**32 - 1),
)
def test_the_bound_holds(body: scanning.Body, kind, like, dimensions: int, seed: int) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    halves = np.asarray(kind(rng, 17, dimensions), np.float16)
    query = np.asarray(like(rng, 4, dimensions)[3], np.float32)
    assert_bounded(halves, query, body_or_skip(body))
    # the worst query for a row: along what its code leaves out
    rows = coded(halves)
    residual = halves[0].astype(np.float64) - rows.codes[0] * float(rows.scales[0])
    assert_bounded(halves, residual.astype(np.float32), body)
    assert_bounded(halves, halves[0].astype(np.float32), body)
    for size in (1e-40, 1e-44, 1e38):
        with np.errstate(over="ignore"):
            scaled = (query * np.float32(size)).astype(np.float32)
        assert_bounded(halves, scaled, body)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_bound_holds_for_what_hypothesis_thinks_of(data: st.DataObject) -> None:
    dimensions = data.draw(st.integers(1, 6))
    numbers = st.floats(-65504, 65504, width=16)  # all but infinity
    rows = data.draw(
        st.lists(st.lists(numbers, min_size=dimensions, max_size=dimensions), min_size=1)
    )
    query = data.draw(
        st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False),
            min_size=dimensions,
            max_size=dimensions,
        )
    )
    assert_bounded(np.array(rows, np.float16), np.array(query, np.float32), numpy_body)


def test_both_bodies_agree_to_the_last_bit() -> None:
    body_or_skip(numkong_body)
    rng = np.random.default_rng(3)
    for dimensions in (1, 31, 512, 1025, 3000):
        codes = rng.integers(-127, 128, (300, dimensions)).astype(np.int8)
        codes[0], codes[1] = 127, -127
        found = [body(codes, codes[:1]) for body in BODIES]
        assert found[0].tobytes() == found[1].tobytes()
        assert found[0][0] == 127 * 127 * dimensions


def test_a_close_bound_is_worth_something() -> None:
    rng = np.random.default_rng(5)
    _, bound = scan(coded(random(rng, 500, 512)), rng.normal(size=512).astype(np.float32))
    assert bound.max() < 0.03


def test_one_body_a_process() -> None:
    assert fast_body() is fast_body()
    assert fast_body() in BODIES


def shown_of(rows: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint16]:
    """Three concepts of each row, and their values."""
    return (
        (rows[:, None] * np.arange(1, 7, dtype=np.uint32) % 60_000).astype("<u2").reshape(-1, 2, 3)
    )


def written(path: Path, rows: npt.NDArray[np.uint32], halves: Halves) -> Matrix:
    meta, blocks = matrix_blocks(rows, halves, shown_of(rows))
    write_blocks(path, meta, blocks)
    return open_matrix(path)


@pytest.mark.parametrize("count", [0, 1, 2500])
def test_a_file_gives_back_what_it_was_made_from(tmp_path: Path, count: int) -> None:
    rng = np.random.default_rng(1)
    rows = np.arange(5, 5 + count, dtype=np.uint32) * 3
    halves = random(rng, count, 512)
    matrix = written(tmp_path / "m.bin", rows, halves)
    query = rng.normal(size=512).astype(np.float32)
    assert len(matrix) == count and matrix.rows.tolist() == rows.tolist()
    whole = scan(matrix, query)
    assert whole[0].tobytes() == scan(coded(halves), query)[0].tobytes()
    for share in (0.02, 0.5, 1.0):
        positions = np.sort(rng.choice(count, int(count * share), replace=False)).astype(np.intp)
        assert (matrix.halves_at(positions) == halves[positions]).all()
        assert (matrix.shown_at(positions) == shown_of(rows[positions])).all()
        approx, bound = scan(matrix, query, positions)
        assert approx.tobytes() == whole[0][positions].tobytes()
        assert bound.tobytes() == whole[1][positions].tobytes()
    matrix.close()


def test_parts_are_coded_as_the_whole() -> None:
    halves = random(np.random.default_rng(2), 700, 64)
    whole, parts = coded(halves), joined([coded(halves[:100]), coded(halves[100:])])
    for name in ("codes", "scales", "errors"):
        assert getattr(whole, name).tobytes() == getattr(parts, name).tobytes()


def test_a_bad_page_spoils_only_the_rows_in_it(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    halves = random(np.random.default_rng(1), 3000, 512)
    written(path, np.arange(3000, dtype=np.uint32), halves).close()
    data = bytearray(path.read_bytes())
    data[data.index(halves[2000].tobytes())] ^= 1
    path.write_bytes(data)
    matrix = open_matrix(path)
    near = np.arange(5)
    assert (matrix.halves_at(near) == halves[near]).all()
    scan(matrix, halves[0].astype(np.float32))  # codes are untouched
    with pytest.raises(LibrarySegmentDamaged, match="halves"):
        matrix.halves_at(np.array([3, 2000]))


@pytest.mark.parametrize("column", ["scales", "errors", "shown"])
def test_columns_of_different_length_are_refused(tmp_path: Path, column: str) -> None:
    rows = np.arange(9, dtype=np.uint32)
    meta, blocks = matrix_blocks(rows, np.ones((9, 4), np.float16), shown_of(rows))
    blocks[column] = blocks[column][:5]
    write_blocks(tmp_path / "m.bin", meta, blocks)
    with pytest.raises(LibrarySegmentDamaged, match="columns"):
        open_matrix(tmp_path / "m.bin")


@pytest.mark.long
def test_a_scan_of_100_000_takes_some_milliseconds() -> None:
    rows = coded(random(np.random.default_rng(0), 100_000, 512))
    query = np.ones(512, np.float32)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        scan(rows, query)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.2  # some 7 ms with numkong, 30 with numpy, on two idle cores
