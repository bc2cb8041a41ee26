"""What a score means: exact thresholds, bit-equal cosines, monotone maps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch import scores

UNIT = st.floats(0, 1)
VISUAL = scores.ScoreMap([(-1, 0), (0.05, 0.35), (0.5, 0.8), (0.9, 0.95), (1, 1)])


def test_every_quantised_value_is_its_own_threshold() -> None:
    every = np.arange(65536)
    values = scores.value_of(every.astype(np.uint16))
    assert (scores.quantise(values) == every).all()
    assert [scores.at_least(float(value)) for value in values] == every.tolist()


@given(st.floats(-1, 2))
def test_at_least_is_the_smallest_that_reaches(threshold: float) -> None:
    q = scores.at_least(threshold)
    reaching = np.arange(65536)[np.arange(65536) / 65535 >= threshold]
    assert q == (int(reaching[0]) if len(reaching) else 65536)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 0), (1.0, 65535), (-3.0, 0), (7.0, 65535), (0.5, 32768), (0.5 / 65535, 0), (1e-5, 1)],
)
def test_golden_quantised(value: float, expected: int) -> None:
    assert scores.quantise(value) == expected


@given(st.lists(st.tuples(st.floats(-4, 4), st.integers(0, 5)), min_size=1, max_size=4))
def test_a_weighted_sum_is_the_direction_of_a_sum_of_directions(
    parts: list[tuple[float, int]],
) -> None:
    drawn = np.random.default_rng(7).normal(size=(6, 8)).astype(np.float32)
    weights, vectors = [weight for weight, _ in parts], [drawn[place] for _, place in parts]
    plain = sum(
        (
            weight * vector / np.linalg.norm(vector)
            for weight, vector in zip(weights, vectors, strict=True)
        ),
        np.zeros(8),
    )
    found = scores.weighted_sum(vectors, weights)
    if found is None:
        assert np.linalg.norm(plain) <= 1e-5 * max(map(abs, weights))
        return
    assert found.dtype == np.float32 and np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
    assert np.allclose(found * np.linalg.norm(plain), plain, atol=1e-5)
    # The size of a vector and of all weights together says nothing.
    again = scores.weighted_sum([4 * vector for vector in vectors], [8 * w for w in weights])
    assert again is not None and (again == found).all()


def test_a_sum_of_which_nothing_is_left_is_none() -> None:
    a, b = np.eye(2, 4, dtype=np.float32)
    assert scores.weighted_sum([a, a], [0.3, -0.3]) is None
    assert scores.weighted_sum([a, np.nextafter(a, b)], [1.0, -1.0]) is None
    assert scores.weighted_sum([a, b], [0.0, 0.0]) is None
    assert scores.weighted_sum([0 * a], [1.0]) is None
    huge = scores.weighted_sum([a, b], [1e308, -1e308])
    assert huge is not None and huge.tolist() == pytest.approx([0.5**0.5, -(0.5**0.5), 0, 0])
    tiny = scores.weighted_sum([0 * a, b], [1.0, 5e-324])
    assert tiny is None
    assert scores.weighted_sum([b], [5e-324]).tolist() == [0, 1, 0, 0]  # type: ignore[union-attr]


def test_nan_is_refused() -> None:
    for refuse in (scores.quantise, scores.at_least, VISUAL.scores):
        with pytest.raises(ValueError, match="not a number"):
            refuse(float("nan"))


def test_sigmoid_does_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert scores.sigmoid([-1e4, 0.0, 1e4]).tolist() == [0.0, 0.5, 1.0]
    assert scores.calibrated(2.0, 0.5, -1.0) == 0.5


@pytest.mark.parametrize("dimensions", [1, 2, 7, 64, 129, 512, 1408])
def test_cosines_do_not_depend_on_the_batch(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    halves = rng.normal(size=(700, dimensions)).astype(np.float16)
    query = rng.normal(size=dimensions).astype(np.float32)
    whole = scores.cosines(halves, query)
    for subset in (
        np.arange(1),
        np.arange(699, 700),
        rng.permutation(700)[:300],
        np.arange(3, 260),
        np.array([5, 5, 5]),
    ):
        assert scores.cosines(halves[subset], query).tobytes() == whole[subset].tobytes()
    strided = np.asfortranarray(halves)
    assert scores.cosines(strided, query).tobytes() == whole.tobytes()
    wanted = query.astype(np.float64)
    true = (halves.astype(np.float64) @ wanted) / (
        np.linalg.norm(halves.astype(np.float64), axis=1) * np.linalg.norm(wanted)
    )
    assert np.abs(whole - true).max() < 1e-14


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 600))
def test_equal_vectors_give_exactly_one(seed: int, dimensions: int) -> None:
    vector = np.random.default_rng(seed).normal(size=dimensions).astype(np.float16)
    vector[0] = 1
    found = scores.cosines(np.stack([vector, -vector]), vector.astype(np.float32))
    assert found.tolist() == [1.0, -1.0]


def test_vectors_without_direction_give_zero() -> None:
    halves = np.zeros((3, 4), np.float16)
    halves[1] = np.nan
    halves[2] = np.inf
    assert scores.cosines(halves, np.ones(4, np.float32)).tolist() == [0, 0, 0]
    assert scores.cosines(np.ones((1, 4), np.float16), np.zeros(4, np.float32)).tolist() == [0]
    assert scores.cosines(np.zeros((0, 4), np.float16), np.ones(4, np.float32)).shape == (0,)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_a_map_never_swaps_two(cosines: list[float]) -> None:
    ordered = np.sort(np.array(cosines))
    assert (np.diff(VISUAL.scores(ordered).astype(int)) >= 0).all()
    assert VISUAL.mapped(ordered).tolist() == [float(VISUAL.mapped(c)) for c in ordered]
    assert VISUAL.scores([-1.0, 0.05, 1.0]).tolist() == [0, scores.quantise(0.35), scores.ONE]


@given(st.integers(0, 65536), st.floats(0, 2))
def test_below_the_cosine_all_score_less(q: int, down: float) -> None:
    edge = VISUAL.cosine_below(q)
    under = np.nextafter(edge, -np.inf) - down
    if q and np.isfinite(edge) and under >= -1:
        assert VISUAL.scores(under) < q
    if np.isfinite(edge) and edge > -1 and edge + 1e-6 <= 1:
        assert VISUAL.scores(edge + 1e-6) >= min(q - 1, scores.ONE)  # and it is no lazy edge


def test_bad_maps_are_refused() -> None:
    for knots in (
        [],
        [(-1, 0)],
        [(-1, 0), (0, 0.5), (0, 0.6), (1, 1)],
        [(-1, 0), (0, 0.5), (0.5, 0.5), (1, 1)],
        [(-1, 0), (0.9, 1)],
        [(-1, 0.1), (1, 1)],
        [(-1, 0), (0, float("nan")), (1, 1)],
    ):
        with pytest.raises(ValueError, match="score map"):
            scores.ScoreMap(knots)


@given(st.lists(UNIT, min_size=1, max_size=4))
def test_combinations_do_not_depend_on_the_order(values: list[float]) -> None:
    arrays = [np.array([value]) for value in values]
    for combine in (scores.product, scores.larger):
        found = {combine(order).tobytes() for order in itertools.permutations(arrays)}
        assert len(found) == 1
    assert scores.larger(arrays)[0] == max(values)
    assert scores.product(arrays)[0] <= min(values)
