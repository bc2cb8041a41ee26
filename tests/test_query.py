"""Every leaf and node over real stores: what the oracle says, in sets, scores, order and pages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.errors import QueryError, QueryNoText
from localsearch.pack import load_pack
from localsearch.search.clauses import CLAUSES
from localsearch.search.grammar import parse
from localsearch.search.run import run, run_all
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Ids, Like, Sum, Term, Text, concept, leaves_of, like, tag, text
from localsearch.search.visual_terms import query_of
from tests import oracle
from tests.query_trees import leaves, questions, trees
from tests.search_store import PICTURES, TEXTS, Store
from tests.tiny_pack import tiny_pack_folder

SIZES = (0, 12, 90, 400)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Store]]:
    made = []
    for seed, size in enumerate(SIZES):
        made.append(Store(tmp_path_factory.mktemp(f"store{size}"), 100 + seed))
        made[-1].grow(size)
    yield made
    for store in made:
        store.close()


@pytest.fixture
def store(stores: list[Store]) -> Store:
    return stores[-1]


def found(store: Store, tree: Term, **options: float) -> list[tuple[int, int]]:
    """Rows with their 16-bit scores, best first."""
    with store.snapshot() as snapshot:
        ranked = run(snapshot, tree, **{"limit": 10**9, **options}).ranked  # type: ignore[arg-type]
    return list(zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True))


@given(st.integers(0, len(SIZES) - 1), questions(), st.sampled_from([0.0, 0.0, 0.3, 0.9]))
@settings(max_examples=300, deadline=None)
def test_any_query_agrees_with_the_oracle(
    stores: list[Store], which: int, tree: Term, min_score: float
) -> None:
    store = stores[which]
    expected = oracle.search(store.world, tree, min_score)
    assert found(store, tree, min_score=min_score) == expected
    if can_be_written(tree):
        assert parse(str(tree)) == tree
    with store.snapshot() as snapshot:
        assert run_all(snapshot, tree, min_score=min_score).total == len(expected)


def can_be_written(tree: Term) -> bool:
    return Ids(()) not in leaves_of(tree)


@given(st.integers(0, len(SIZES) - 1), questions(), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_pages_of_any_query_concatenate(
    stores: list[Store], which: int, tree: Term, limit: int
) -> None:
    whole = found(stores[which], tree)
    pages = [
        found(stores[which], tree, limit=limit, offset=start)
        for start in range(0, len(whole) + 1, limit)
    ]
    assert [hit for page in pages for hit in page] == whole
    assert all(len(page) == limit for page in pages[:-1])


@given(trees(False), trees(False), st.integers(1, len(SIZES) - 1))
@settings(max_examples=60, deadline=None)
def test_sets_follow_de_morgan(stores: list[Store], a: Term, b: Term, which: int) -> None:
    def rows(tree: Term) -> list[int]:
        return sorted(row for row, _ in found(stores[which], tree))

    assert rows(~(a & b)) == rows(~a | ~b)
    assert rows(~(a | b)) == rows(~a & ~b)


def test_every_leaf_is_among_the_random_ones(store: Store) -> None:
    """And finds something in the store, and leaves something out: else it would test nothing."""
    everything = len(oracle.universe(store.world, None))
    tell: set[type[Term]] = set()

    @given(leaves(True))
    @settings(max_examples=500, deadline=None, database=None, derandomize=True)
    def collect(leaf: Term) -> None:
        if type(leaf) not in tell and 0 < len(oracle.search(store.world, leaf)) < everything:
            tell.add(type(leaf))

    collect()
    assert tell == set(CLAUSES)


def test_a_sum_is_asked_with_one_vector(store: Store) -> None:
    tree = 0.6 * like(PICTURES[0]) + 0.4 * text(TEXTS[0]) - 0.2 * like(PICTURES[1])
    with store.snapshot() as snapshot:
        asked = query_of(snapshot, tree)
    parts = [
        weight * vector / np.linalg.norm(vector)
        for weight, vector in (
            (0.6, store.world.pictures[PICTURES[0]]),
            (0.4, store.world.texts[TEXTS[0]]),
            (-0.2, store.world.pictures[PICTURES[1]]),
        )
    ]
    expected = sum(parts) / np.linalg.norm(sum(parts))
    assert asked.vector == pytest.approx(expected, abs=1e-6)
    assert asked.vector.dtype == np.float32


@pytest.mark.parametrize(
    ("term", "by_text"),
    [
        (like("a"), False),
        (text("a"), True),
        (like("a") + text("b"), False),
        (text("b") - like("a"), True),
        (-like("a") - like("b"), False),
        (text("a") - text("b"), True),
        (0 * like("a") + text("b"), True),
    ],
)
def test_the_map_is_that_of_pictures_where_one_counts(
    store: Store, term: Like | Text | Sum, by_text: bool
) -> None:
    with store.snapshot() as snapshot:
        world = Snapshot(
            snapshot.conn, snapshot.live, snapshot.pack, lambda leaf: random_vector(str(leaf))
        )
        spec = store.pack.text
        assert spec is not None
        assert query_of(world, term).score_map is (spec.score_map if by_text else store.pack.visual)


def random_vector(name: str) -> np.ndarray:
    return np.random.default_rng(list(name.encode())).normal(size=32).astype(np.float32)


def test_a_sum_that_cancels_out_is_told(store: Store) -> None:
    for tree in (like(PICTURES[0]) - like(PICTURES[0]), 0 * like(PICTURES[0])):
        with pytest.raises(QueryError, match="cancel"):
            found(store, tree)
        with pytest.raises(QueryError, match="cancel"):
            found(store, tag("pet") & tree.reaching(0.5))


def test_a_vector_is_made_once(store: Store) -> None:
    asked = []

    def vector(term: Like | Text) -> np.ndarray:
        asked.append(term)
        return oracle.wanted(store.world, term)

    picture, words = like(PICTURES[0]), text(TEXTS[0])
    part = like(PICTURES[0], region=(0, 0, 0.5, 1))
    tree = (picture | (picture + words).reaching(0.5) | part) & (words + part) & text(TEXTS[0])
    with store.snapshot() as snapshot:
        run(Snapshot(snapshot.conn, snapshot.live, snapshot.pack, vector), tree, limit=5)
    assert sorted(map(str, asked)) == sorted(map(str, [picture, words, part]))


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize(
    "tree",
    [
        text("a red ballon"),
        ~text("a red ballon", min_score=0.5) & concept("red"),
        tag("nobody's") & (like(PICTURES[0]) - 0.5 * text("a red ballon")),
    ],
    ids=str,
)
def test_free_text_without_a_text_part_is_told_with_concepts(
    stores: list[Store], size: int, tree: Term
) -> None:
    plain = load_pack(tiny_pack_folder(text=False))
    assert plain.text is None
    with stores[size].snapshot() as snapshot:
        bare = Snapshot(snapshot.conn, snapshot.live, plain, snapshot.query_vector)
        with pytest.raises(QueryNoText, match="no text part") as caught:
            run(bare, tree, limit=5)
    assert caught.value.code == "no-text" and "a red ballon" in caught.value.message
    assert "concept:red" in caught.value.hint
