"""Searches over real stores against the brute-force oracle: same rows, same scores, same order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsearch.catalog import input_reads, tags
from localsearch.errors import (
    InputError,
    PictureError,
    QueryUnknownConcept,
)
from localsearch.records import ConceptValue, Ranked
from localsearch.scores import value_of
from localsearch.search import matching, narrowing, visual
from localsearch.search.grammar import parse
from localsearch.search.page import Lookups, Page, Place, hits_of, offset_of, page_of
from localsearch.search.plan import Estimate, cheapest_first, plan
from localsearch.search.run import Result, chunks, reasons_of, run, run_all
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import (
    And,
    Concept,
    Ids,
    Like,
    Or,
    PathTerm,
    Tag,
    Term,
    all_of,
    concept,
    ids,
    like,
    path,
    state,
    tag,
)
from tests import oracle
from tests.query_trees import questions, trees
from tests.search_store import PICTURES, Store

SIZES = (0, 1, 9, 70, 400)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Store]]:
    made = []
    for seed, size in enumerate(SIZES):
        made.append(Store(tmp_path_factory.mktemp(f"store{size}"), seed))
        made[-1].grow(size)
        made[-1].add(min(size, 9))  # a tail, wherever publishing has stopped
    yield made
    for store in made:
        store.close()


@pytest.fixture
def store(stores: list[Store]) -> Store:
    """The largest one: several segments, graves, a tail."""
    return stores[-1]


@pytest.fixture
def eager_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the ways of large stores in small ones too: scans, and tables instead of look-ups."""
    take_the_ways_of_large_stores(monkeypatch, 8)


def take_the_ways_of_large_stores(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    for module in (visual, matching, narrowing):
        monkeypatch.setattr(module, "_FEW", few)


def pairs(ranked: Ranked) -> list[tuple[int, int]]:
    return list(zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True))


def search(store: Store, tree: Term, **options: float) -> tuple[list[tuple[int, int]], Result]:
    with store.snapshot() as snapshot:
        result = run(snapshot, tree, **{"limit": 10**9, **options})  # type: ignore[arg-type]
    return pairs(result.ranked), result


@given(
    which=st.integers(0, len(SIZES) - 1),
    tree=questions(),
    min_score=st.sampled_from([0.0, 0.0, 0.2, 0.5, 0.95, 1.0]),
    limit=st.sampled_from([1, 3, 20, 1000]),
    offset=st.sampled_from([0, 0, 2, 30, 500]),
    few=st.sampled_from([8, 1024]),
)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_trees_agree_with_the_oracle(
    stores: list[Store],
    monkeypatch: pytest.MonkeyPatch,
    which: int,
    tree: Term,
    min_score: float,
    limit: int,
    offset: int,
    few: int,
) -> None:
    take_the_ways_of_large_stores(monkeypatch, few)
    agree(stores[which], tree, min_score, limit, offset)


def agree(store: Store, tree: Term, min_score: float, limit: int, offset: int) -> None:
    expected = oracle.search(store.world, tree, min_score)
    found, result = search(store, tree, limit=limit, offset=offset, min_score=min_score)
    assert found == expected[offset : offset + limit]
    assert result.total == len(expected)
    with store.snapshot() as snapshot:
        everything = run_all(snapshot, tree, min_score=min_score)
    assert pairs(everything.ranked) == expected


@pytest.mark.parametrize("seed", [11, pytest.param(12, marks=pytest.mark.long)])
def test_answers_stay_right_while_a_store_changes(
    tmp_path: object, seed: int, eager_scan: None
) -> None:
    store = Store(tmp_path, seed)  # type: ignore[arg-type]
    questions = [
        concept("warm colour"),
        concept("red") & ~concept("people") & ~tag("pet"),
        like(PICTURES[0]) & path("2024/**"),
        (like(PICTURES[1], min_score=0.9) | tag("x")) & ~concept("green", at_least=0.3),
        state("missing") | state("undecodable") & ~path("2023/**"),
        like(PICTURES[0]) & like(PICTURES[1]),
    ]
    for _ in range(12 if seed == 11 else 50):
        store.grow(int(store.random.integers(1, 25)))
        for tree in questions:
            agree(store, tree, 0.0, 7, 0)
    store.close()


@given(trees(False), trees(False), st.integers(0, len(SIZES) - 1))
@settings(max_examples=60, deadline=None)
def test_sets_follow_de_morgan(stores: list[Store], a: Term, b: Term, which: int) -> None:
    def rows(tree: Term) -> list[int]:
        return sorted(row for row, _ in search(stores[which], tree)[0])

    # A state leaf widens the universe: it must stand on both sides.
    assert rows(~(a & b)) == rows(~a | ~b)
    assert rows(~(a | b)) == rows(~a & ~b)
    assert rows(~~a) == rows(a)


@given(st.permutations([concept("red"), concept("colour"), like(PICTURES[0]), tag("pet")]))
@settings(max_examples=12, deadline=None)
def test_the_order_of_terms_changes_nothing(stores: list[Store], terms: list[Term]) -> None:
    for node in (And, Or):
        first = search(stores[-1], node(tuple(terms)))[0]
        assert first == search(stores[-1], node(tuple(sorted(terms, key=str))))[0]


@pytest.mark.parametrize(
    ("tree", "route"),
    [
        (concept("colour"), "postings"),
        (concept("colour") & tag("x", value=False), "postings"),
        (concept("colour") & like(PICTURES[0]), "scan"),
        (concept("colour") & like(PICTURES[0]) & ~tag("pet") & concept("red"), "scan"),
        (concept("colour") & like(PICTURES[0], min_score=0.3), "scan"),
        (concept("colour") & like(PICTURES[0]) & like(PICTURES[1]), "scan"),
        (like(PICTURES[0]) | like(PICTURES[1]) & concept("red"), "scan"),
        (like(PICTURES[0]) & ids(["id-5"]) | ids(["id-9"]), "exact"),
        (like(PICTURES[0]), "scan"),
        (like(PICTURES[0], min_score=0.9), "scan"),
        (like(PICTURES[0], min_score=0.9) & ~tag("pet"), "scan"),
        (like(PICTURES[0], min_score=0.5) & ids([f"id-{n}" for n in range(30, 37)]), "exact"),
        (like(PICTURES[0]) & ~tag("pet"), "scan"),
        (like(PICTURES[0]) & ids(["id-5", "id-9"]), "exact"),
        (like(PICTURES[0]) & ~state("missing"), "scan"),
        (like(PICTURES[0]) & state("undecodable"), "exact"),
        (tag("pet") | path("2023/**"), "catalog"),
        (~concept("red"), "postings"),
    ],
)
def test_routes(store: Store, eager_scan: None, tree: Term, route: str) -> None:
    assert search(store, tree, limit=5)[1].route == route
    agree(store, tree, 0.0, 5, 0)


def test_a_deep_page_of_a_visual_search_is_scored_whole(store: Store, eager_scan: None) -> None:
    assert search(store, like(PICTURES[0]), limit=5, offset=300)[1].route == "exact"


def test_pages_concatenate_to_the_whole_list(store: Store, eager_scan: None) -> None:
    for tree in (concept("colour"), like(PICTURES[2]), ~tag("pet"), like(PICTURES[0]) | tag("x")):
        whole = oracle.search(store.world, tree)
        pages: list[tuple[int, int]] = []
        for page in range(1, 200):
            found, result = search(store, tree, limit=17, offset=offset_of(page, 17))
            pages += found
            assert result.total == len(whole)
            if not found:
                break
        assert pages == whole and len(whole) > 60


def test_the_same_picture_scores_one(store: Store) -> None:
    photo = next(p for p in store.world.photos.values() if p.vector is not None and p.live)
    for tree in (like(id=photo.id), like(id=photo.id, min_score=1.0)):
        found, _ = search(store, tree)
        assert (photo.row, 65535) in found


def test_ties_stand_in_order_of_row(store: Store) -> None:
    found, result = search(store, ~tag("nobody's"))
    assert [score for _, score in found] == [65535] * result.total
    assert [row for row, _ in found] == sorted(row for row, _ in found)


def test_or_takes_the_larger_and_and_multiplies(store: Store) -> None:
    red, warm = (dict(search(store, concept(name))[0]) for name in ("red", "warm colour"))
    both, either = (
        dict(search(store, tree)[0])
        for tree in (
            concept("red") & concept("warm colour"),
            concept("red") | concept("warm colour"),
        )
    )
    assert both.keys() == red.keys() & warm.keys() and both
    for row, score in both.items():
        assert score == round(red[row] / 65535 * (warm[row] / 65535) * 65535)
    assert either == {row: max(red.get(row, 0), warm.get(row, 0)) for row in red | warm}


def test_at_least_compares_integers(store: Store) -> None:
    found, _ = search(store, concept("colour"))
    for _, q in found[:: max(1, len(found) // 10)]:
        kept, _ = search(store, concept("colour", at_least=float(value_of(q))))
        assert kept == [hit for hit in found if hit[1] >= q]


def test_an_empty_library_answers(stores: list[Store]) -> None:
    for text in (
        "red",
        "red -people",
        "like:q0.jpg",
        "state:ok",
        "-tag:x",
        "like:q0.jpg>=1 or red",
    ):
        found, result = search(stores[0], parse(text))
        assert found == [] and result.total == 0


def test_a_huge_page_is_the_whole_list(store: Store) -> None:
    for tree in (concept("colour"), like(PICTURES[0])):
        found, result = search(store, tree, limit=10**15)
        assert len(found) == result.total > 100
        assert search(store, tree, limit=10**15, offset=10**15)[0] == []


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": 2.0},
        {"limit": True},
        {"limit": 1, "offset": -1},
        {"limit": 1, "min_score": 1.1},
        {"limit": 1, "min_score": float("nan")},
        {"limit": 1, "min_score": "high"},
    ],
)
def test_unusable_options(store: Store, options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        search(store, concept("red"), **options)


@pytest.mark.parametrize("bad", [0, -3, 1.5, True, "1"])
def test_pages_and_limits_count_from_one(bad: int) -> None:
    for page, limit in ((bad, 20), (1, bad)):
        with pytest.raises(InputError, match="from 1"):
            offset_of(page, limit)
    assert offset_of(3, 20) == 40


def test_a_text_is_no_tree(store: Store) -> None:
    with pytest.raises(InputError, match="parse"):
        search(store, "red")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["rad", "tag:pet rad", "ids-not-there -rad", "-rad or red"])
def test_an_unknown_concept_is_told_even_where_nothing_matches(
    stores: list[Store], text: str
) -> None:
    for store in (stores[0], stores[-1]):
        with pytest.raises(QueryUnknownConcept) as caught:
            search(store, parse(text))
        assert "red" in caught.value.hint or "ids-not-there" in caught.value.message


def test_an_unreadable_query_picture_is_passed_on(store: Store) -> None:
    def broken(term: Like) -> np.ndarray:  # type: ignore[type-arg]
        raise PictureError("undecodable", f"{term.source} is no picture")

    with store.snapshot() as snapshot:
        stand = Snapshot(snapshot.conn, snapshot.live, snapshot.pack, broken)
        with pytest.raises(PictureError, match=r"bad\.jpg is no picture"):
            run(stand, like("bad.jpg"), limit=5)
        # Where the filters leave nothing, the picture is never looked at.
        assert run(stand, like("bad.jpg") & ids([]), limit=5).total == 0


def test_a_query_picture_is_asked_for_once(store: Store) -> None:
    asked: list[Like] = []

    def vector(term: Like) -> np.ndarray:  # type: ignore[type-arg]
        asked.append(term)
        return oracle.wanted(store.world, term)

    tree = like(PICTURES[0]) & (like(PICTURES[0], min_score=0.3) | concept("red"))
    with store.snapshot() as snapshot:
        stand = Snapshot(snapshot.conn, snapshot.live, snapshot.pack, vector)
        result = run(stand, tree, limit=5)
        reasons_of(stand, result, result.ranked.rows)
    assert len(asked) == 1


def test_reasons_are_the_leaves_that_matched(store: Store, eager_scan: None) -> None:
    red, tagged, near = concept("red"), tag("pet"), like(PICTURES[0], min_score=0.9)
    tree = (red & ~tagged) | near
    with store.snapshot() as snapshot:
        result = run(snapshot, tree, limit=1000)
        reasons = reasons_of(snapshot, result, result.ranked.rows)
        tail = set(snapshot.live.tail.rows.tolist())
    photos = {photo.row: photo for photo in store.world.photos.values()}
    routes = set()
    for row, why in zip(result.ranked.rows.tolist(), reasons, strict=True):
        by = {each.term: each for each in why}
        first = oracle.score(store.world, red & ~tagged, photos[row]) is not None
        second = oracle.score(store.world, near, photos[row])
        assert set(by) == ({str(red), str(~tagged)} if first else set()) | (
            {str(near)} if second is not None else set()
        )
        if first:
            assert by[str(red)].score == oracle.score(store.world, red, photos[row])
            assert by[str(red)].route == ("tail" if row in tail else "postings")
            assert (by[str(~tagged)].score, by[str(~tagged)].route) == (1.0, "catalog")
            routes.add(by[str(red)].route)
        if second is not None:
            assert (by[str(near)].score, by[str(near)].route) == (second, "exact")
    assert routes == {"tail", "postings"}
    assert {len(why) for why in reasons} == {1, 2, 3}


def test_the_reason_of_a_scanned_hit_says_so(store: Store, eager_scan: None) -> None:
    with store.snapshot() as snapshot:
        result = run(snapshot, like(PICTURES[0]), limit=3)
        (why,) = reasons_of(snapshot, result, result.ranked.rows)[0]
    assert (why.term, why.route) == ("like:q0.jpg", "scan")
    assert why.score == float(value_of(result.ranked.scores[0]))


def lookups(snapshot: Snapshot) -> Lookups:
    return Lookups(
        inputs=lambda rows: input_reads.by_rows(snapshot.conn, rows),
        tags=lambda keys: tags.tags_of(snapshot.conn, keys),
        place=lambda row: Place(None, row.root_name, row.state != "offline"),
        concepts=lambda rows: [(ConceptValue("t0000", row.id, 0.5),) for row in rows],
    )


def paged(store: Store, tree: Term, limit: int, page: int) -> Page:
    with store.snapshot() as snapshot:
        result = run(snapshot, tree, limit=limit, offset=offset_of(page, limit))
        return page_of(
            snapshot,
            result,
            lookups(snapshot),
            page=page,
            again=lambda number: paged(store, tree, limit, number),
        )


def test_pages_of_hits(store: Store) -> None:
    tree = concept("colour") & tag("pet")
    expected = oracle.search(store.world, tree)
    photos = {photo.row: photo for photo in store.world.photos.values()}
    page: Page | None = paged(store, tree, 10, 1)
    seen, number = 0, 0
    while page is not None:
        number += 1
        assert page.page == number and page.total == len(expected) and page.route == "postings"
        assert len(page) == len(page.hits) == min(10, len(expected) - seen)
        for hit, (row, q) in zip(page, expected[seen:], strict=False):
            assert (hit.id, hit.score) == (photos[row].id, float(value_of(q)))
            assert hit.root == photos[row].root and hit.width == 4
            assert {k.casefold(): v for k, v in hit.tags.items()} == {
                k.casefold(): v for k, v in photos[row].tags.items()
            }
            assert hit.available == (photos[row].state != "offline")
            assert hit.concepts[0].name == hit.id
            assert [why.term for why in hit.why] == ["concept:colour", "tag:pet"]
        seen += len(page)
        page = page.next()
    assert seen == len(expected) > 20


def test_a_page_past_the_end_is_empty_and_the_last(store: Store) -> None:
    page = paged(store, concept("colour"), 20, 10**6)
    assert not page.hits and page.next() is None and page.total > 0


def test_a_scan_makes_hits_piece_by_piece_after_its_transaction(store: Store) -> None:
    tree = like(PICTURES[0]) & ~tag("pet") & path("2024/**")
    with store.snapshot() as snapshot:
        result = run_all(snapshot, tree)
    found = []
    for ranked in chunks(result.ranked, 7):
        assert len(ranked.rows) <= 7
        with store.snapshot() as later:
            found += hits_of(snapshot, result, ranked, lookups(later))
    photos = {photo.row: photo for photo in store.world.photos.values()}
    expected = oracle.search(store.world, tree)
    assert [(hit.id, hit.score) for hit in found] == [
        (photos[row].id, float(value_of(q))) for row, q in expected
    ]
    assert found and all(len(hit.why) == 3 for hit in found)


def test_rows_that_went_since_are_left_out_of_a_scan(store: Store) -> None:
    with store.snapshot() as snapshot:
        result = run_all(snapshot, concept("colour"))
        every = lookups(snapshot)
        gone = int(result.ranked.rows[1])
        some = Lookups(
            lambda rows: [row for row in every.inputs(rows) if row.row != gone],
            every.tags,
            every.place,
            every.concepts,
        )
        hits = hits_of(snapshot, result, result.ranked, some)
    assert len(hits) == result.total - 1
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def estimate(leaf: Term) -> Estimate:
    table = {
        Concept: Estimate(300, 1, True),
        Tag: Estimate(1000, 2, False),
        Ids: Estimate(2, 2, False),
        PathTerm: Estimate(1000, 3, False),
        Like: Estimate(1000, 0, True),
    }
    return table[type(leaf)]


def test_the_plan_asks_the_cheapest_first_and_keeps_the_text_order() -> None:
    terms = (path("a/**"), ~concept("b"), tag("c"), ids(["d"]), concept("e"))
    made = plan(all_of(terms), estimate, 1000)
    assert tuple(node.term for node in made.root.children) == terms
    assert [node.term for node in cheapest_first(made.root.children)] == [
        terms[4],
        terms[1],
        terms[3],
        terms[2],
        terms[0],
    ]
    assert (made.root.size, made.root.ranks) == (2, True)


@pytest.mark.parametrize(
    ("tree", "route", "lone", "others"),
    [
        (concept("a"), "postings", "concept:a", 0),
        (concept("a") & concept("b"), "postings", None, 0),
        (concept("a") & tag("b") & ~concept("c"), "postings", "concept:a", 2),
        (like("a") & tag("b"), "scan", "like:a", 1),
        (like("a") & concept("b") & (concept("c") | tag("d")), "scan", None, 0),
        (like("a", min_score=0.5) & concept("b"), "scan", None, 0),
        (like("a") & like("b"), "scan", None, 0),
        (like("a") | tag("b"), "scan", None, 0),
        ((like("a") | tag("b")) & concept("c"), "scan", None, 0),
        (concept("a") & ~like("b", min_score=0.5), "postings", "concept:a", 1),
        (tag("a") | tag("b"), "catalog", None, 0),
        (~like("a", min_score=0.5), "catalog", None, 0),
        (concept("a") | concept("b"), "postings", None, 0),
    ],
)
def test_the_plan_decides_the_route(tree: Term, route: str, lone: str | None, others: int) -> None:
    made = plan(tree, estimate, 1000)
    assert made.route == route and len(made.others) == others
    assert (None if made.lone is None else str(made.lone.term)) == lone
