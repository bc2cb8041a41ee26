"""Below the answers: bounds that hold, explanations, searches that are called off, streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsearch.errors import Cancelled, InputError
from localsearch.records import Explained, Explanation
from localsearch.rows import from_array, to_array
from localsearch.scores import larger, product
from localsearch.search import bounded, matching, narrowing, visual
from localsearch.search.explain import explain
from localsearch.search.page import hits_later, stream_of
from localsearch.search.plan import plan
from localsearch.search.run import chunks, run, run_all
from localsearch.search.snapshot import universe_of
from localsearch.search.terms import Term, concept, ids, like, path, tag
from localsearch.segments.best import edge_of
from localsearch.segments.live_set import Block
from tests import oracle
from tests.search_store import PICTURES, Store
from tests.segments.store import tiny_pack
from tests.test_search import lookups, pairs, take_the_ways_of_large_stores

RED, NEAR, FAR = concept("red"), like(PICTURES[0]), like(PICTURES[1])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(tmp_path_factory.mktemp("engine"), 3)
    made.grow(400)
    made.add(9)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    take_the_ways_of_large_stores(monkeypatch, 8)
    monkeypatch.setattr(narrowing, "_SAMPLE", 4)


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    "tree",
    [
        NEAR,
        NEAR & FAR,
        NEAR | FAR,
        NEAR & RED | FAR & concept("colour"),
        (NEAR | tag("pet")) & ~concept("black"),
        like(PICTURES[2], min_score=0.4) | NEAR & concept("green"),
        (NEAR | RED) & (FAR | concept("colour")) & path("2023/**"),
    ],
)
def test_scores_lie_within_their_bounds(store: Store, tree: Term) -> None:
    with store.snapshot() as snapshot:
        universe = universe_of(snapshot, tree)
        root = plan(tree, lambda leaf: matching.estimate_of(snapshot, leaf), len(universe)).root
        rows = to_array(matching.rows_of(snapshot, root, universe))
        low, high = bounded._bounds_of(snapshot, root, rows, universe)
        exact = matching.values_of(snapshot, root, rows, universe)
    assert len(rows) > 20
    assert (low <= exact).all() and (exact <= high).all()
    assert (high - low).mean() < 0.2  # and say something


@given(
    dimensions=st.sampled_from([1, 2, 32]),
    seed=st.integers(0, 2**32 - 1),
    floor=st.sampled_from([0, 1, 20000, 40000, 65000, 65535, 65536]),
    stop=st.integers(1, 30),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_scan_is_what_scoring_every_row_is(
    store: Store, dimensions: int, seed: int, floor: int, stop: int
) -> None:
    rng = np.random.default_rng(seed)
    query = np.zeros(store.pack.dimensions, np.float32)
    query[:dimensions] = rng.normal(size=dimensions)
    if seed % 3 == 0:
        query = oracle.wanted(store.world, like(PICTURES[seed % 2]))
    with store.snapshot() as snapshot:
        look = visual.Look(snapshot.live, store.pack.visual, query, lambda: None)
        rows = to_array(snapshot.live.rows)
        scores = visual.exact_scores(look, rows)
        over = visual.reaching(look, floor)
        ranked, total = visual.best(look, snapshot.live.rows, floor=floor, start=0, stop=stop)
    expected = [
        (row, q) for row, q in zip(rows.tolist(), scores.tolist(), strict=True) if q >= floor
    ]
    assert over == from_array(np.array([row for row, _ in expected], np.int64))
    assert total == len(expected)
    assert pairs(ranked) == sorted(expected, key=lambda hit: (-hit[1], hit[0]))[:stop]


@given(
    cosines=st.lists(st.integers(-40, 40), min_size=1, max_size=300),
    stop=st.integers(1, 12),
    size=st.sampled_from([1, 7, 300]),
    step=st.sampled_from([0.02, 1e-5, 1e-8]),
)
@settings(max_examples=150, deadline=None)
def test_a_scan_with_sharp_bounds_spares_no_row_that_counts(
    cosines: list[int], stop: int, size: int, step: float
) -> None:
    score_map = tiny_pack().visual
    approx = (0.2 + np.array(cosines) * step).astype(np.float32)
    rows, sharp = np.arange(len(approx), dtype=np.uint32), np.zeros(len(approx), np.float32)
    top = visual._Top(score_map, stop, 0)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        top.meet(Block(rows[part], approx[part], sharp[part]))
    scores = score_map.scores(approx.astype(np.float64))
    best = np.lexsort((rows, -scores.astype(int)))[:stop]
    assert set(rows[best].tolist()) <= set(top.rows().tolist())
    assert scores[best].min() >= top.needed or len(rows) < stop
    if step == 0.02 and len(rows) >= stop:  # and none that surely does not
        assert scores[top.rows()].min() == scores[best].min()


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=600), st.data())
@settings(max_examples=80, deadline=None)
def test_at_least_so_many_reach_the_edge(numbers: list[int], data: st.DataObject) -> None:
    values = np.array(numbers, np.uint16)
    count = data.draw(st.integers(1, len(values) - 1))
    for kind in (values, values.astype(np.float32) - 40000):
        assert np.count_nonzero(kind >= edge_of(kind, count)) >= count


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=7))
def test_products_do_not_depend_on_the_order_of_their_factors(table: list[list[float]]) -> None:
    factors = [np.array(each) for each in table]
    sorted_by_numpy = np.multiply.reduce(np.sort(np.stack(factors), axis=0), axis=0)
    for order in (factors, factors[::-1]):
        assert product(order).tobytes() == sorted_by_numpy.tobytes()
        assert larger(order).tolist() == np.max(np.stack(factors), axis=0).tolist()


@pytest.mark.parametrize("look_up", [0, 10**6])
def test_a_look_up_and_a_table_say_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, look_up: int
) -> None:
    with store.snapshot() as snapshot:
        live = snapshot.live
    rows = to_array(live.rows | live.graves)
    some = from_array(rows[1::3])
    query = oracle.wanted(store.world, NEAR)
    expected = [live.values_at(index, rows) for index in range(len(store.pack.floors))]
    scanned = [each.tolist() for each in live.scan(query, some)]
    monkeypatch.setattr("localsearch.segments.live_set._LOOK_UP", look_up)
    for index, values in enumerate(expected):
        assert live.values_at(index, rows).tolist() == values.tolist()
        assert not values[~np.isin(rows, to_array(live.rows))].any()
    assert [each.tolist() for each in live.scan(query, some)] == scanned
    assert len(live.graves) > 10


def test_what_is_spared_is_on_no_page(store: Store) -> None:
    trees = [
        RED & concept("colour") & concept("warm colour"),
        concept("colour") & ~tag("pet"),
        RED | concept("green") & concept("colour") | tag("pet") | concept("outdoors", at_least=0.5),
        (RED | concept("colour")) & (concept("people") | concept("hue")),
    ]
    spared = 0
    for tree in trees:
        with store.snapshot() as snapshot:
            universe = universe_of(snapshot, tree)
            root = plan(tree, lambda leaf: matching.estimate_of(snapshot, leaf), len(universe)).root
            rows = to_array(matching.rows_of(snapshot, root, universe))
            left = narrowing.narrowed(snapshot, root, from_array(rows), universe, 3)
        spared += len(rows) - len(left)
        for stop in (1, 3, 20):
            with store.snapshot() as snapshot:
                found = run(snapshot, tree, limit=stop)
            assert pairs(found.ranked) == oracle.search(store.world, tree)[:stop]
    assert spared > 100


# ---------------------------------------------------------------- explain


def explained(store: Store, tree: Term, **options: float) -> Explanation:
    with store.snapshot() as snapshot:
        return explain(snapshot, tree, **options)  # type: ignore[arg-type]


def parts_of(one: Explained) -> Iterator[Explained]:
    yield one
    for child in one.children:
        yield from parts_of(child)


@pytest.mark.parametrize(
    "tree",
    [
        RED,
        RED & concept("colour") & ~tag("pet"),
        RED | path("2023/**"),
        NEAR,
        NEAR & ~tag("pet"),
        NEAR & RED | FAR,
        like(PICTURES[0], min_score=0.5) & RED,
        ~(tag("pet") | tag("x")),
    ],
)
def test_an_explanation_tells_the_sizes_that_were_found(store: Store, tree: Term) -> None:
    told = explained(store, tree)
    assert told.total == told.tree.rows == len(oracle.search(store.world, tree))
    assert told.tree.term == str(tree)
    assert told.milliseconds == told.tree.milliseconds
    for part in parts_of(told.tree):
        assert part.rows is not None and part.milliseconds is not None
        assert 0 <= part.milliseconds <= told.milliseconds
        assert part.estimate >= 0 and part.note
    with store.snapshot() as snapshot:
        assert told.route == run(snapshot, tree, limit=20).route


def test_an_explanation_counts_each_part_by_itself(store: Store) -> None:
    first, second = concept("colour"), ~tag("pet")
    told = explained(store, first & second & ids(["id-1", "id-2"]))
    by = {part.term: part for part in parts_of(told.tree)}
    assert by[str(first)].rows == len(oracle.search(store.world, first))
    assert by[str(second)].rows == len(oracle.search(store.world, second))
    assert by[str(first)].estimate >= by[str(first)].rows
    assert "ranks" in by[str(first)].note and "filters" in by[str(second)].note


def test_what_was_not_asked_is_told(store: Store) -> None:
    told = explained(store, path("2023/**") & ids([]) & NEAR)
    nothing, last, near = told.tree.children[1], told.tree.children[0], told.tree.children[2]
    assert (told.total, nothing.rows) == (0, 0)
    assert (last.rows, last.milliseconds, last.note) == (None, None, "not asked")
    assert "asked in the order" in told.tree.note and near.term == str(NEAR)


def test_an_explanation_says_why_it_took_its_route(store: Store) -> None:
    assert any("no graph is loaded" in note for note in explained(store, NEAR).notes)
    assert any("lowest score" in note for note in explained(store, NEAR, min_score=0.3).notes)
    assert any("more than one part ranks" in note for note in explained(store, NEAR & RED).notes)
    with pytest.raises(InputError):
        explained(store, NEAR, limit=0)


# ---------------------------------------------------------------- called off


class After:
    """A check that calls the search off when it is asked for the nth time."""

    def __init__(self, times: int) -> None:
        self.left, self.asked = times, 0

    def __call__(self) -> None:
        self.asked += 1
        self.left -= 1
        if self.left < 0:
            raise Cancelled("the search was called off")


@pytest.mark.parametrize(
    "tree",
    [
        RED,
        RED & concept("colour") & ~tag("pet"),
        NEAR,
        NEAR & RED | FAR,
        like(PICTURES[0], min_score=0.5) | path("2023/**"),
    ],
)
def test_a_search_can_be_called_off_wherever_it_is(store: Store, tree: Term) -> None:
    def searched(check: Callable[[], None]) -> list[tuple[int, int]]:
        with store.snapshot() as snapshot:
            return pairs(run(replace(snapshot, check=check), tree, limit=10).ranked)

    count = After(10**9)
    whole = searched(count)
    assert count.asked >= 1
    for times in range(count.asked):
        with pytest.raises(Cancelled) as caught:
            searched(After(times))
        assert caught.value.code == "cancelled"
    assert searched(After(count.asked)) == whole == oracle.search(store.world, tree)[:10]


def test_a_scan_asks_at_every_block(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for rows in (65536, 16):
        monkeypatch.setattr("localsearch.segments.live_set._BLOCK", rows)
        check = After(10**9)
        with store.snapshot() as snapshot:
            run(replace(snapshot, check=check), NEAR, limit=3)
        counts.append(check.asked)
    assert counts[1] > counts[0] + 10


# ---------------------------------------------------------------- streams


def test_a_stream_goes_on_in_later_snapshots(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = Store(tmp_path_factory.mktemp("stream"), 5)
    store.grow(120)
    tree = (NEAR & ~tag("pet")) | concept("colour", at_least=0.2)
    expected = oracle.search(store.world, tree)
    with store.snapshot() as snapshot:
        stream = stream_of(snapshot, run_all(snapshot, tree))
    before = {photo.row: photo for photo in store.world.photos.values()}
    first, *rest = chunks(stream.result.ranked, 20)
    found = hits_now(store, stream, first)
    store.grow(40)  # some go, some change, a segment is published
    store.change(30)
    store.publish()
    assert [(hit.id, round(hit.score * 65535)) for hit in found] == [
        (before[row].id, q) for row, q in expected[:20]
    ]
    alive = {photo.row for photo in store.world.photos.values() if photo.live}
    later = [hit for ranked in rest for hit in hits_now(store, stream, ranked)]
    still = [(row, q) for row, q in expected[20:] if row in alive]
    assert [(hit.id, round(hit.score * 65535)) for hit in later] == [
        (before[row].id, q) for row, q in still
    ]
    assert 0 < len(later) < len(expected) - 20 and all(hit.why for hit in later)
    store.close()


def hits_now(store: Store, stream, ranked):  # type: ignore[no-untyped-def]
    with store.snapshot() as snapshot:
        return hits_later(stream, snapshot, ranked, lookups(snapshot))
