"""The query language: what ranks, with which scores, and in pages."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clarifai.clauses import ALL, box, colours, described, like, shows, tagged
from tests.clarifai.world import COLOURS, SERVER, Wire, b64, picture, seeded, wire


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with colours(tmp_path_factory.mktemp("colours")) as made:
        yield made


# -- what ranks --------------------------------------------------------------------------------


def test_one_concept_scores_its_probability(w: Wire) -> None:
    hits = w.search(shows("red"))
    assert hits[0]["input"]["id"] == "red" and hits[0]["score"] > 0.5
    told = {one.name: one.value for one in w.library.predict(id="red", limit=99)}
    assert hits[0]["score"] == pytest.approx(told["red"], abs=2e-5)
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True) and all(0 < score <= 1 for score in scores)


@pytest.mark.parametrize(
    "concept",
    (
        {"name": "red"},
        {"name": "red", "value": True},
        {"name": "red", "value": 1},
        {"name": "red", "value": 1.0},
        {"name": "red", "value": 0.5},
        {"name": "red", "value": None},
        {"name": "red", "language": "en"},
        {"name": "red", "language": "zh"},
        {"id": "red"},
        {"name": "RED"},
        {"id": "t0000"},
        {"name": "t0000"},
        {"name": "scarlet"},
        {"id": "nothing", "name": "red"},
        {"id": None, "name": "red"},
        {"id": "", "name": "red"},
        {"id": "red", "name": "red", "app_id": "main", "value": "1"},
    ),
)
def test_a_concept_in_many_spellings(w: Wire, concept: dict[str, Any]) -> None:
    assert w.search(shows(concept)) == w.search(shows("red"))


def test_several_concepts_score_their_product(w: Wire) -> None:
    single = {
        n: {h["input"]["id"]: h["score"] for h in w.search(shows(n))}
        for n in ("red", "warm colour")
    }
    both = w.search(shows("red", "warm colour"))
    assert both == w.search(shows("red"), shows("warm colour"))
    for hit in both:
        product = single["red"][hit["input"]["id"]] * single["warm colour"][hit["input"]["id"]]
        assert hit["score"] == pytest.approx(product, abs=5e-5)
    assert {hit["input"]["id"] for hit in both} == {*single["red"]} & {*single["warm colour"]}


@pytest.mark.parametrize("value", (False, 0, 0.0, "0"))
def test_not_drops_what_reaches_a_half(w: Wire, value: object) -> None:
    probable = {hit["input"]["id"] for hit in w.search(shows("red")) if hit["score"] >= 0.5}
    hits = w.search(shows({"name": "red", "value": value}))
    assert probable and [hit["input"]["id"] for hit in hits] == [
        i for i in ALL if i not in probable
    ]
    assert {hit["score"] for hit in hits} == {1}
    assert w.search(shows("red", negate=True)) == hits
    assert w.search(shows({"name": "red", "value": value}, negate=True)) == [
        hit for hit in w.search(shows("red")) if hit["score"] >= 0.5
    ]


def test_one_of_two_concepts_not(w: Wire) -> None:
    hits = w.search(shows("warm colour"), shows({"name": "red", "value": False}))
    alone = {hit["input"]["id"]: hit["score"] for hit in w.search(shows("warm colour"))}
    assert hits and "red" not in [hit["input"]["id"] for hit in hits]
    assert all(hit["score"] == alone[hit["input"]["id"]] for hit in hits)


@pytest.mark.parametrize(
    "concept", ({"id": "ai_unknown"}, {"name": "flugelhorn"}, {"id": "x", "name": "y"})
)
def test_an_unknown_concept_is_ok_without_hits(
    w: Wire, concept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert w.search(shows(concept)) == [] == w.search(shows("red"), shows(concept))
    assert w.ids(shows({**concept, "value": 0})) == ALL
    lines = [r.getMessage() for r in caplog.records if r.name == "localsearch"]
    assert len(lines) == 1 and (concept.get("id") or concept["name"]) in lines[0]


def test_an_unknown_name_is_told_with_those_nearest(
    w: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    w.search(shows("yelow"))
    assert "yellow" in caplog.text


@pytest.mark.parametrize(
    "clause",
    (
        like({"base64": b64(picture(COLOURS["blue"]))}),
        like({"base64": f"data:image/png;base64,{b64(picture(COLOURS['blue']))}"}),
        like({"url": f"data:image/png;base64,{b64(picture(COLOURS['blue']))}"}),
        like({}, id="blue"),
        like(None, id="blue"),
        like({"url": f"{SERVER}/blue.jpg"}),
        {"output": {"input": {"id": "blue"}}},
        {"output": {"input": {"id": "blue", "data": None}}},
        {"output": {"data": {"image": {"url": f"{SERVER}/blue.jpg"}}}},
        {"input": {"data": {"url": f"{SERVER}/blue.jpg"}}},  # one client's broken spelling
        {"input": {"data": {"image": {"base64": b64(picture(COLOURS["blue"]))}}}},
    ),
)
def test_likeness_to_a_picture(w: Wire, clause: dict[str, Any]) -> None:
    hits = w.search(clause)
    assert sorted(hit["input"]["id"] for hit in hits) == sorted(ALL)
    assert hits[0]["input"]["id"] == "blue" and hits[0]["score"] >= 0.999
    assert hits[1]["score"] < 0.95
    assert hits == w.search(like({}, id="blue"))


def test_a_url_that_is_indexed_is_its_own_vector(w: Wire) -> None:
    w.url("new.png", picture(COLOURS["red"]))
    assert w.ids(like({"url": w.url("new.png")}))[0] == "red"  # a file of the mirror
    assert w.ids(like({"url": w.url("yellow.png")}))[0] == "yellow"
    (w.mirror / "yellow.png").rename(w.mirror / "away.png")
    assert w.ids(like({"url": w.url("yellow.png")}))[0] == "yellow"  # no file is needed any more
    (w.mirror / "away.png").rename(w.mirror / "yellow.png")


def test_a_crop_is_cut_before_it_is_looked_at(w: Wire) -> None:
    from PIL import Image

    half = Image.new("RGB", (64, 64), COLOURS["red"])
    half.paste(COLOURS["blue"], (32, 0, 64, 64))
    half.save(w.mirror / "half.png")
    image = {"url": w.url("half.png")}
    assert w.ids(like({**image, "crop": [0.0, 0.5, 1.0, 1.0]}))[0] == "blue"
    assert w.ids(like({**image, "crop": [0, 0, 1, 0.5]}))[0] == "red"
    assert w.search(like({**image, "crop": []})) == w.search(like(image))
    assert w.search(like({"crop": [0, 0, 0.5, 0.5]}, id="blue"))[0]["input"]["id"] == "blue"


def test_visual_and_concept_score_the_product(w: Wire) -> None:
    visual = {hit["input"]["id"]: hit["score"] for hit in w.search(like(id="red"))}
    concept = {hit["input"]["id"]: hit["score"] for hit in w.search(shows("warm colour"))}
    for hit in w.search(like(id="red"), shows("warm colour")):
        id = hit["input"]["id"]
        assert hit["score"] == pytest.approx(visual[id] * concept[id], abs=1e-4)
    both = {**like(id="red")["output"], **shows("warm colour")["output"]}
    assert w.search({"output": both}) == w.search(like(id="red"), shows("warm colour"))
    other = {hit["input"]["id"]: hit["score"] for hit in w.search(like(id="blue"))}
    for hit in w.search(like(id="red"), like(id="blue")):
        assert hit["score"] == pytest.approx(
            visual[hit["input"]["id"]] * other[hit["input"]["id"]], abs=1e-4
        )


def test_filters_never_change_a_score(w: Wire) -> None:
    alone = {hit["input"]["id"]: hit["score"] for hit in w.search(like(id="red"))}
    for clause in (tagged("cat"), described(album="spring"), box((-1, -1), (1, 1))):
        for hit in w.search(clause, like(id="red")):
            assert hit["score"] == alone[hit["input"]["id"]]
    assert w.ids(like({"url": f"{SERVER}/red.jpg"}), described(album="spring")) == ["red", "green"]


def test_negated_likeness_drops_what_looks_the_same(w: Wire) -> None:
    kept = w.ids({**like(id="red"), "negate": True})
    assert "red" not in kept and "blue" in kept


def test_ors_are_any_of(w: Wire) -> None:
    query = {"query": {"ors": [tagged("cat"), described(n=1.5)]}}
    assert [h["input"]["id"] for h in w.ok("POST", "/v2/searches", query)["hits"]] == [
        "red",
        "green",
        "blue",
    ]
    query["query"]["ands"] = [described(album="spring")]
    assert [h["input"]["id"] for h in w.ok("POST", "/v2/searches", query)["hits"]] == [
        "red",
        "green",
    ]


def test_min_value_cuts(w: Wire) -> None:
    query = {"ands": [like(id="red")], "min_value": 0.9}
    hits = w.ok("POST", "/v2/searches", {"query": query})["hits"]
    assert 0 < len(hits) < len(ALL) and all(hit["score"] >= 0.9 for hit in hits)


# -- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "clauses", ([], [like(id="red")], [shows("warm colour")], [tagged({"id": "x", "value": 0})])
)
def test_pages_never_overlap(w: Wire, clauses: list[dict[str, Any]]) -> None:
    whole = w.ids(*clauses)
    paged: list[str] = []
    for page in range(1, 10):
        paged += w.ids(*clauses, pagination={"page": page, "per_page": 2})
    assert paged == whole and len(set(paged)) == len(paged)


def test_pages_of_many_equal_scores(tmp_path_factory: pytest.TempPathFactory) -> None:
    with wire(tmp_path_factory.mktemp("equal")) as many:
        data = {"data": {"image": {"base64": b64(seeded(5))}}}
        order = [f"n{n}" for n in random.Random(1).sample(range(60), 60)]
        many.add(*({"id": id, **data} for id in order))
        for clauses in ([], [like(id="n7")], [shows("colour")]):
            paged: list[str] = []
            for page in (1, 2, 3, 4):
                paged += many.ids(*clauses, pagination={"page": page, "per_page": 17})
            assert paged == order
