"""The query language: what filters, what is refused, and clauses as sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clarifai.clauses import ALL, box, colours, described, like, shows, tagged, within
from tests.clarifai.world import SERVER, Wire, b64, golden, picture

EARTH_KM = 6371.0
MILE_KM = 1.609344


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with colours(tmp_path_factory.mktemp("colours")) as made:
        yield made


# -- everything, and filters -------------------------------------------------------------------


@pytest.mark.parametrize("query", ({"ands": []}, {}, {"ands": None, "language": None}))
def test_nothing_asked_for_is_all_in_the_order_of_adding(w: Wire, query: dict[str, Any]) -> None:
    hits = w.ok("POST", "/v2/searches", {"query": query})["hits"]
    assert [(hit["input"]["id"], hit["score"]) for hit in hits] == [(id, 1) for id in ALL]


def test_an_answer_has_an_id(w: Wire) -> None:
    answer = w.answer("POST", "/v2/searches/", {"query": {"ands": [tagged("cat")]}})
    golden("search", answer)
    assert len(answer.body["id"]) == 32


@pytest.mark.parametrize(
    ("clauses", "ids"),
    (
        ([tagged("cat")], ["red", "blue"]),
        ([tagged({"name": "Cat"})], ["red", "blue"]),
        ([tagged({"name": "cAT", "value": 1.0})], ["red", "blue"]),
        ([tagged({"id": "cat", "name": "ignored", "value": True})], ["red", "blue"]),
        ([tagged({"id": "cat", "value": 0.5})], ["red", "blue"]),
        ([tagged("dog")], ["green", "blue"]),  # said not to be one: no hit
        ([tagged("cat", "dog")], ["blue"]),
        ([tagged("cat"), tagged("dog")], ["blue"]),
        ([tagged({"id": "dog", "value": False})], ["red", "yellow", "white", "black"]),
        ([tagged({"id": "dog", "value": 0})], ["red", "yellow", "white", "black"]),
        ([tagged({"name": "dog", "value": 0.0})], ["red", "yellow", "white", "black"]),
        ([tagged("cat", {"id": "dog", "value": 0})], ["red"]),
        ([tagged("cat", negate=True)], ["green", "yellow", "white", "black"]),
        ([tagged({"id": "cat", "value": 0}, negate=True)], ["red", "blue"]),
        ([tagged("nobody ever said")], []),
        ([tagged({"id": "nobody ever said", "value": 0})], ALL),
        ([{"input": {"id": "blue", "data": {"image": {}}}}], ["blue"]),
        ([{"input": {"id": "nobody", "data": {"image": {}}}}], []),
        ([{"input": {"id": "blue"}}, tagged("cat")], ["blue"]),
        ([{"input": {"id": "green", "data": {"concepts": [{"id": "cat"}]}}}], []),
        (
            [{"input": {"data": {"image": {"url": "http://pictures.test/p/yellow.png"}}}}],
            ["yellow"],
        ),
        ([{"input": {"data": {"image": {"url": "http://pictures.test/p/Yellow.png"}}}}], []),
        ([{"input": {"data": {"image": {"url": f"{SERVER}/white.jpg"}}}}], ["white"]),
        ([{"input": {"data": {"image": {"url": "http://elsewhere.test/"}}}}], []),
    ),
)
def test_what_filters(w: Wire, clauses: list[dict[str, Any]], ids: list[str]) -> None:
    hits = w.search(*clauses)
    assert [hit["input"]["id"] for hit in hits] == ids
    assert {hit["score"] for hit in hits} <= {1}


@pytest.mark.parametrize(
    ("document", "ids"),
    (
        ({"album": "spring"}, ["red", "green"]),
        ({"album": "spring", "n": 1}, ["red"]),
        ({"n": 1.0}, ["red"]),
        ({"n": "1"}, ["blue"]),
        ({"n": True}, []),
        ({"flag": True}, ["green"]),
        ({"flag": 1}, []),
        ({"list": [5]}, ["green"]),
        ({"list": [1, 2]}, ["red"]),
        ({"list": [3, 1.0]}, ["red"]),
        ({"list": [1, 5]}, []),
        ({"list": 1}, []),
        ({"deep": {"a": {"b": "c"}}}, ["red"]),
        ({"deep": {"a": {}}}, ["red"]),
        ({"objects": [{"k": 2}]}, ["yellow"]),
        ({"objects": [{"k": 1, "l": 3}]}, []),
        ({"album": None}, ["yellow", "white", "black"]),
        ({"none": None, "album": "autumn"}, ["blue"]),
        ({}, ALL),
    ),
)
def test_metadata_are_contained(w: Wire, document: dict[str, Any], ids: list[str]) -> None:
    assert w.ids(described(**document)) == ids


@pytest.mark.parametrize(
    ("clause", "ids"),
    (
        (within(0, 0, "withinKilometers", 1), ["red"]),
        (within(0, 0, "withinKilometers", 0), ["red"]),
        (within(0, 0, "withinKilometers", EARTH_KM * 3.141592653589793 / 180), ["red", "green"]),
        (within(0, 0, "withinKilometers", EARTH_KM * 3.1415926 / 180), ["red"]),
        (
            within(0, 0, "withinMiles", EARTH_KM * 3.141592653589793 / 180 / MILE_KM),
            ["red", "green"],
        ),
        (within(0, 0, "withinMiles", 69.0), ["red"]),
        (within(0, 0, "withinDegrees", 1), ["red", "green"]),
        (within(0, 0, "withinDegrees", 0.999999), ["red"]),
        (within(0, 0, "withinDegrees", 2), ["red", "green", "blue"]),
        (within(0, 0, "withinRadians", 0.0349066), ["red", "green", "blue"]),
        (within(0, 0, "withinRadians", 7), ["red", "green", "blue"]),
        (within(0, 0, "WITHINMILES", "10"), ["red"]),  # type: ignore[arg-type]
        (within(39.5, 116.23, "withinMiles", 10), []),  # axes swapped: no error
        ({"input": {"data": {"geo": {"geo_point": {"longitude": 0.1}}}}}, ["red"]),
        (box((0, 0), (1, 2)), ["red", "green", "blue"]),
        (box((1, 2), (0, 0)), ["red", "green", "blue"]),
        (box((0.5, 1), (2, -1)), ["green"]),
        (box((0, 2), (0, 2)), ["blue"]),
        (box((170, -5), (-170, 5)), ["red", "green", "blue"]),  # no wrap over the date line
        (box((39.5, 116.23), (40, 117)), []),
        (box((-500, -500), (500, 500)), ["red", "green", "blue"]),
    ),
)
def test_places(w: Wire, clause: dict[str, Any], ids: list[str]) -> None:
    assert w.ids(clause) == ids


def test_keys_of_one_clause_and_together(w: Wire) -> None:
    data = {
        "concepts": [{"id": "cat"}],
        "metadata": {"album": "autumn"},
        "geo": {
            "geo_box": [
                {"geo_point": {"longitude": -1, "latitude": 1}},
                {"geo_point": {"longitude": 1, "latitude": 3}},
            ]
        },
        "image": None,
    }
    assert w.ids({"input": {"data": data}}) == ["blue"]
    assert w.ids({"input": {"data": {**data, "metadata": {"album": "spring"}}}}) == []


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    (
        {},
        {"query": None},
        {"query": []},
        {"query": "dog"},
        {"query": {"ands": "dog"}},
        {"query": {"and": [tagged("cat")]}},
        {"query": {"filters": [1]}},
        {"query": {"ands": [{}]}},
        {"query": {"ands": [None]}},
        {"query": {"ands": [7]}},
        {"query": {"ands": [{"input": {}}]}},
        {"query": {"ands": [{"output": {"data": {}}}]}},
        {"query": {"ands": [{"input": {"data": {"image": {}}}}]}},
        {"query": {"ands": [{"outputs": {"data": {}}}]}},
        {"query": {"ands": [{"output": {"date": {"concepts": []}}}]}},
        {"query": {"ands": [shows({})]}},
        {"query": {"ands": [shows({"value": 1})]}},
        {"query": {"ands": [shows({"name": ["x"]})]}},
        {"query": {"ands": [shows(7)]}},
        {"query": {"ands": [shows({"name": "red", "value": "much"})]}},
        {"query": {"ands": [shows({"name": "red", "value": {}})]}},
        {"query": {"ands": [like({"url": 7.5})]}},
        {"query": {"ands": [like({"crop": [0, 0, 1]}, id="red")]}},
        {"query": {"ands": [within(0, 0, "withinFeet", 1)]}},
        {"query": {"ands": [within(0, 0, "withinMiles", -1)]}},
        {"query": {"ands": [within("east", 0, "withinMiles", 1)]}},
        {"query": {"ands": [box((0, 0))]}},
        {"query": {"ands": [box((0, 0), (1, 1), (2, 2))]}},
        {
            "query": {
                "ands": [
                    {"input": {"data": {"geo": {"geo_limit": {"type": "withinMiles", "value": 1}}}}}
                ]
            }
        },
        {"query": {"ands": [{"input": {"data": {"metadata": [1]}}}]}},
        {"query": {"ands": [{"input": {"data": {"regions": [{"a": 1}]}}}]}},
        {"query": {"ands": [], "min_value": 7}},
    ),
)
def test_a_query_that_says_nothing_sensible_is_40002(w: Wire, body: dict[str, Any]) -> None:
    found = w.fails(400, 40002, "POST", "/v2/searches", body)
    assert found["hits"] == [] and found["status"]["details"]


@pytest.mark.parametrize(
    ("http", "code", "clause"),
    (
        (404, 30102, like(id="nobody")),
        (400, 30002, like({"url": "http://elsewhere.test/a.jpg"})),
        (400, 30002, like({"url": "http://pictures.test/p/none.jpg"})),
        (400, 30106, like({"url": "no url"})),
        (400, 30300, like({"base64": "?"})),
        (400, 30101, like({"base64": b64(b"this is no picture at all")})),
        (400, 30300, like({"base64": b64(picture((9, 9, 9), form="JPEG")[:150])})),
    ),
)
def test_a_picture_that_cannot_be_had(
    w: Wire, http: int, code: int, clause: dict[str, Any]
) -> None:
    found = w.fails(
        http, code, "POST", "/v2/searches", {"query": {"ands": [clause, tagged("cat")]}}
    )
    assert found["hits"] == []
    if code == 30002 and "elsewhere" in str(clause):
        golden("search_url_refused", found)


# -- against sets ------------------------------------------------------------------------------

LEAVES: list[tuple[dict[str, Any], set[str]]] = [
    (tagged("cat"), {"red", "blue"}),
    (tagged({"id": "dog", "value": 0}), {"red", "yellow", "white", "black"}),
    (described(album="spring"), {"red", "green"}),
    (box((-1, -1), (3, 1)), {"red", "green"}),
    ({"input": {"id": "blue"}}, {"blue"}),
    (like(id="red"), {*ALL}),
    (tagged("unheard of"), set()),
]


@given(
    st.lists(st.tuples(st.sampled_from(range(len(LEAVES))), st.booleans()), max_size=4),
    st.lists(st.sampled_from(range(len(LEAVES))), max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_clauses_are_sets(w: Wire, ands: list[tuple[int, bool]], ors: list[int]) -> None:
    wanted, query = {*ALL}, dict[str, Any]()
    for leaf, negate in ands:
        clause, ids = LEAVES[leaf]
        ids = (
            {"green", "blue", "yellow", "white", "black"}
            if leaf == 5 and negate
            else ({*ALL} - ids if negate else ids)
        )
        query.setdefault("ands", []).append({**clause, "negate": negate})
        wanted &= ids
    if ors:
        query["ors"] = [LEAVES[leaf][0] for leaf in ors]
        wanted &= set().union(*(LEAVES[leaf][1] for leaf in ors))
    hits = w.ok("POST", "/v2/searches", {"query": query})["hits"]
    assert {hit["input"]["id"] for hit in hits} == wanted
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
