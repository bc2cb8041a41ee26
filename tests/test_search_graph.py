"""The graph route: what a graph proposes is corrected, whatever it proposes, and pages fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsearch.rows import Rows, RowSet, from_array, to_array
from localsearch.scores import cosines
from localsearch.search import visual
from localsearch.search.run import reasons_of, run, run_all
from localsearch.search.terms import Term, concept, ids, like, tag
from localsearch.segments.live_set import LiveSet
from tests import oracle
from tests.search_store import PICTURES, Store
from tests.test_search import pairs

QUERY = like(PICTURES[0])


@dataclass
class Groups:
    """A graph by brute force over equal vectors, which overlooks some of them on purpose."""

    covered: RowSet
    window: int
    members: list[tuple[np.ndarray, Rows]]  # type: ignore[type-arg]
    asked: int = 0

    def nearest(self, query: np.ndarray) -> Rows:  # type: ignore[type-arg]
        self.asked += 1
        known = np.stack([vector for vector, _ in self.members])
        order = np.argsort(-cosines(known, query), kind="stable")[: self.window]
        found = np.concatenate([self.members[place][1] for place in order])
        return np.asarray(np.random.default_rng(len(found)).permutation(found))


def groups_of(live: LiveSet, covered: RowSet, window: int, overlooked: float = 0.0) -> Groups:
    """A view over the stored vectors of `covered` (live rows), each distinct vector once."""
    by_vector: dict[bytes, list[int]] = {}
    rows = to_array(covered)
    vectors = live.halves_of(rows)
    for row, vector in zip(rows.tolist(), vectors, strict=True):
        by_vector.setdefault(vector.tobytes(), []).append(row)
    members = [
        (np.frombuffer(raw, np.float16), np.array(held, np.uint32))
        for raw, held in by_vector.items()
    ]
    seen = np.random.default_rng(1).random(len(members)) >= overlooked
    return Groups(covered, window, [each for each, kept in zip(members, seen, strict=True) if kept])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(tmp_path_factory.mktemp("graph"), 7)
    made.grow(300)
    made.add(20)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visual, "_FEW", 8)


def ask(store: Store, graph: object, tree: Term, **options: int):  # type: ignore[no-untyped-def]
    with store.snapshot() as snapshot:
        return run(replace(snapshot, graph=graph), tree, **{"limit": 10, **options})  # type: ignore[arg-type]


def live_of(store: Store) -> LiveSet:
    with store.snapshot() as snapshot:
        return snapshot.live


@given(
    tree=st.sampled_from(
        [QUERY, QUERY & ~tag("pet"), QUERY & concept("colour", at_least=0.2) | QUERY]
    ),
    window=st.sampled_from([1, 5, 20, 60, 1000]),
    limit=st.sampled_from([1, 4, 10, 37]),
    share=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
    overlooked=st.sampled_from([0.0, 0.1, 0.5]),
)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pages_meet_every_row_once_with_its_score(
    store: Store, tree: Term, window: int, limit: int, share: float, overlooked: float
) -> None:
    live = live_of(store)
    rows = to_array(live.rows)
    covered = from_array(rows[: int(share * len(rows))]) | store_graves(live)
    graph = groups_of(live, covered & live.rows, window, overlooked)
    graph.covered = covered  # dead rows are among what it covers
    expected = oracle.search(store.world, tree)
    found: list[tuple[int, int]] = []
    for offset in range(0, len(expected) + limit, limit):
        result = ask(store, graph, tree, limit=limit, offset=offset)
        assert result.total == len(expected)
        page = pairs(result.ranked)
        assert len(page) == max(min(limit, len(expected) - offset), 0)
        found += page
    assert sorted(found) == sorted(expected)


def store_graves(live: LiveSet) -> RowSet:
    return live.graves & RowSet.union(*(part.row_set for part in live.parts()))


def test_a_graph_that_overlooks_nothing_answers_as_the_oracle(store: Store) -> None:
    live = live_of(store)
    expected = oracle.search(store.world, QUERY)
    covered = from_array(to_array(live.rows)[::2])  # the others are scanned
    for graph in (groups_of(live, live.rows, 40), groups_of(live, covered, 40)):
        for offset in (0, 10, 30):
            result = ask(store, graph, QUERY, offset=offset)
            assert result.route == "graph"
            assert pairs(result.ranked) == expected[offset : offset + 10]


def test_what_a_graph_overlooks_leads_what_follows_its_part(store: Store) -> None:
    live = live_of(store)
    graph = groups_of(live, live.rows, 30, overlooked=0.3)
    head = len(from_array(graph.nearest(oracle.wanted(store.world, QUERY))) & live.rows)
    best = oracle.search(store.world, QUERY)
    pages = [
        pairs(ask(store, graph, QUERY, limit=10, offset=offset).ranked)
        for offset in range(0, len(best), 10)
    ]
    whole = [hit for page in pages for hit in page]
    overlooked = [hit for hit in best if hit not in whole[:head]]
    assert overlooked[0][1] > whole[head - 1][1]  # it really overlooked one
    assert whole[head:] == overlooked


def test_equal_vectors_come_together(store: Store) -> None:
    live = live_of(store)
    rows = to_array(live.rows)
    raw = [vector.tobytes() for vector in live.halves_of(rows)]
    twin = next(each for each in raw if raw.count(each) > 2)
    row = int(rows[raw.index(twin)])
    photo = next(p for p in store.world.photos.values() if p.row == row)
    tree = like(id=photo.id)
    count = raw.count(twin)
    result = ask(store, groups_of(live, live.rows, count), tree, limit=count)
    assert result.route == "graph"
    expected = [hit for hit in oracle.search(store.world, tree) if hit[1] == 65535]
    assert pairs(result.ranked) == expected and len(expected) >= count


@pytest.mark.parametrize(
    ("tree", "options", "why"),
    [
        (like(PICTURES[0], min_score=0.1), {}, "lowest score"),
        (QUERY, {"min_score": 0.1}, "lowest score"),
        (QUERY & ids([f"id-{n}" for n in range(40)]), {}, "fewer"),
        (QUERY, {"limit": 200}, "fewer"),
    ],
)
def test_when_a_graph_does_not_answer(
    store: Store, tree: Term, options: dict[str, int], why: str
) -> None:
    live = live_of(store)
    result = ask(store, groups_of(live, live.rows, 30), tree, **options)
    assert result.route in ("scan", "exact") and why in result.note
    floor = options.get("min_score", 0.0)
    expected = oracle.search(store.world, tree, floor)
    assert pairs(result.ranked) == expected[: options.get("limit", 10)]


def test_a_tree_that_others_rank_too_never_asks_the_graph(store: Store) -> None:
    live = live_of(store)
    graph = groups_of(live, live.rows, 30)
    for tree in (QUERY & concept("colour"), QUERY | concept("red"), QUERY & like(PICTURES[1])):
        assert pairs(ask(store, graph, tree).ranked) == oracle.search(store.world, tree)[:10]
    with store.snapshot() as snapshot:
        run_all(replace(snapshot, graph=graph), QUERY)
    assert graph.asked == 0


def test_the_reasons_name_the_graph(store: Store) -> None:
    live = live_of(store)
    with store.snapshot() as snapshot:
        stand = replace(snapshot, graph=groups_of(live, live.rows, 30))
        result = run(stand, QUERY & ~tag("pet"), limit=5)
        for (why, other), score in zip(
            reasons_of(stand, result, result.ranked.rows), result.ranked.scores, strict=True
        ):
            assert (why.route, round(why.score * 65535)) == ("graph", int(score))
            assert other.route == "catalog"


def test_a_real_graph(store: Store) -> None:
    hnswlib = pytest.importorskip("hnswlib")
    live = live_of(store)
    groups = groups_of(live, live.rows, 40)
    vectors = np.stack([vector for vector, _ in groups.members]).astype(np.float32)
    index = hnswlib.Index("cosine", vectors.shape[1])
    index.init_index(len(vectors))
    index.add_items(vectors)
    index.set_ef(200)

    class Real(Groups):
        def nearest(self, query: np.ndarray) -> Rows:  # type: ignore[type-arg]
            labels, _ = index.knn_query(query[None, :], self.window)
            return np.concatenate([self.members[label][1] for label in labels[0]])

    graph = Real(groups.covered, groups.window, groups.members)
    for name in PICTURES:
        expected = oracle.search(store.world, like(name))[:20]
        found = pairs(ask(store, graph, like(name), limit=20).ranked)
        assert len(set(found) & set(expected)) >= 19
        assert set(found) <= set(oracle.search(store.world, like(name)))
