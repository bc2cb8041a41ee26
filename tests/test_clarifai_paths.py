"""Spellings: of paths, pages, bodies; what is not there; and what only reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsearch.clarifai.paths import segments_of
from localsearch.clarifai.reading import paging_of
from tests.clarifai.world import GENERAL, Wire, by_bytes, golden, seeded, wire


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with wire(tmp_path_factory.mktemp("paths")) as w:
        w.add(by_bytes("a"), by_bytes("x 1/2", "green"), by_bytes("żółw", "blue"))
        yield w


@pytest.mark.parametrize(
    "path",
    (
        "/v2/inputs",
        "/v2/inputs/",
        "//v2/inputs/",
        "//v2//inputs//",
        "v2/inputs",
        "/V2/inputs",
        "/inputs",
        "/v2/users/me/apps/some-app/inputs",
        "/v2/users/u%2F1/apps/a/inputs/",
        "/v2/inputs?page=1",
    ),
)
def test_one_route_has_many_spellings(three: Wire, path: str) -> None:
    assert [one["id"] for one in three.ok("GET", path)["inputs"]] == ["a", "x 1/2", "żółw"]


@pytest.mark.parametrize(
    ("path", "id"),
    (
        ("/v2/inputs/x%201%2F2", "x 1/2"),
        ("//v2/inputs/x 1%2f2/", "x 1/2"),
        ("/v2/inputs/%C5%BC%C3%B3%C5%82w", "żółw"),
        ("/v2/inputs/żółw", "żółw"),
    ),
)
def test_ids_are_decoded_after_the_path_is_split(three: Wire, path: str, id: str) -> None:
    assert three.ok("GET", path)["input"]["id"] == id


def test_bytes_that_are_no_unicode_are_an_unknown_id(three: Wire) -> None:
    three.fails(404, 30102, "GET", "/v2/inputs/%FF%FE")
    three.fails(404, 30102, "GET", "/v2/inputs/\udcff")


@pytest.mark.parametrize(
    ("method", "path", "list_name"),
    (
        ("GET", "/v2/models/{m}/version/any/inputs", "inputs"),
        ("POST", "/v2/models/searches/", "models"),
        ("POST", "/v2/concepts/searches/", "concepts"),
        ("GET", "/v2/models/{m}/versions/", "model_versions"),
        ("GET", "/v2/workflows", "workflows"),
        ("GET", "/v2/public_workflows", "workflows"),
    ),
)
def test_aliases(three: Wire, method: str, path: str, list_name: str) -> None:
    assert list_name in three.ok(
        method, path.replace("{m}", GENERAL), {} if method == "POST" else None
    )


@given(st.lists(st.sampled_from(["", "v2", "inputs", "a%2Fb", "status", "..", "é"]), max_size=7))
def test_slashes_never_matter(parts: list[str]) -> None:
    plain = "/".join(each for each in parts if each)
    assert segments_of("/" + "/".join(parts) + "/") == segments_of(plain)
    assert all("%" not in each and each for each in segments_of(plain)[1])


EMPTY_QUERY = {"query": {"ands": []}}


@pytest.mark.parametrize(
    ("body", "query", "ids"),
    (
        ({"pagination": {"page": 2, "per_page": 2}}, "", ["żółw"]),
        ({}, "page=2&per_page=2", ["żółw"]),
        ({"pagination": {"page": 1, "per_page": 1}}, "page=2&per_page=2", ["a"]),
        ({"pagination": {}}, "", ["a", "x 1/2", "żółw"]),
        ({"pagination": None}, "", ["a", "x 1/2", "żółw"]),
        ({"pagination": {"page": 2}}, "", []),
        ({"pagination": {"page": 0, "per_page": 0}}, "", ["a", "x 1/2", "żółw"]),
        ({"pagination": {"page": None, "per_page": 2}}, "page=2", ["żółw"]),
        ({"pagination": {"page": "2", "per_page": 2.0}}, "", ["żółw"]),
        ({"pagination": {"page": -1, "per_page": "x"}}, "", ["a", "x 1/2", "żółw"]),
        ({"pagination": {"page": 999999999, "per_page": 20}}, "", []),
        ({"pagination": {"page": 10**30, "per_page": 10**30}}, "", []),
        ({"pagination": 7}, "page=&per_page=abc&page", ["a", "x 1/2", "żółw"]),
    ),
)
def test_paging_sits_in_three_places(
    three: Wire, body: dict[str, object], query: str, ids: list[str]
) -> None:
    found = three.ok("POST", "/v2/searches", {**EMPTY_QUERY, **body}, query)
    assert [hit["input"]["id"] for hit in found["hits"]] == ids


def test_lists_page_by_the_query_string_and_end(three: Wire) -> None:
    pages = [
        three.ok("GET", "/v2/inputs", query=f"page={n}&per_page=2")["inputs"] for n in (1, 2, 3)
    ]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert three.ok("GET", "/v2/models", query="page=2&per_page=20")["models"] == []


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=8), st.integers() | st.text()))
def test_any_paging_is_a_page(query: str, told: dict[str, object]) -> None:
    page = paging_of(query, {"pagination": told})
    assert page.page >= 1 and 1 <= page.per_page <= 1000


@pytest.mark.parametrize("body", (b"null", b"{}", b"", b"  \n", None, b"\xef\xbb\xbf{}"))
def test_a_delete_takes_any_nothing_as_its_body(tmp_path: Path, body: bytes | None) -> None:
    with wire(tmp_path) as w:
        w.add(by_bytes("a"))
        assert w.ok("DELETE", "/v2/inputs/a", body) == {
            "status": {"code": 10000, "description": "Ok"}
        }


@pytest.mark.parametrize(
    "body", (b"{", b"[]", b'"x"', b"7", b"{'a': 1}", b'{"a": NaN}', b"[" * 100_000, b"\xff\xfe{}")
)
def test_what_is_no_json_object_is_11100(three: Wire, body: bytes) -> None:
    found = three.fails(400, 11100, "POST", "/v2/searches", body)
    assert found["hits"] == []


def test_numbers_of_any_length_are_no_surprise(three: Wire) -> None:
    three.fails(400, 11100, "POST", "/v2/searches", b'{"query": ' + b"9" * 5000 + b"}")
    body = b'{"query": {"ands": []}, "pagination": {"page": 1e400}}'
    assert three.answer("POST", "/v2/searches", body).http == 200


def test_line_ends_and_halves_of_characters_inside_texts(three: Wire) -> None:
    three.fails(404, 30102, "POST", "/v2/searches", _visual(b'"a\nb\r\n"'))
    three.fails(404, 30102, "POST", "/v2/searches", _visual(b'"\\ud83d"'))
    assert three.answer("POST", "/v2/searches", _visual(b'"\\u017c\\u00f3\\u0142w"')).http == 200


def _visual(id: bytes) -> bytes:
    return b'{"query":{"ands":[{"output":{"input":{"id":' + id + b',"data":{"image":{}}}}}]}}'


def test_what_is_not_there(three: Wire) -> None:
    golden("unknown_path", three.answer("GET", "/v2/nothing"))
    golden("wrong_method", three.answer("PUT", "/v2/inputs"))
    golden("version_1", three.answer("POST", "/v1/tag", b"url=http://x"))
    three.fails(404, 11101, "GET", "/")
    three.fails(404, 11101, "GET", "/v2")
    three.fails(404, 11101, "GET", "/v2/apps")
    three.fails(404, 11101, "POST", "/v2/vocabs", {})
    three.fails(405, 11103, "DELETE", "/v2/searches")
    assert three.answer("OPTIONS", "/v2/inputs").http == 200
    assert three.answer("HEAD", "/v2/inputs").http == 200
    assert three.answer("get", "/v2/inputs").http == 200


def test_what_is_beside_the_search(three: Wire) -> None:
    golden("token", three.answer("POST", "/v2/token", b"grant_type=client_credentials"))
    for path in (
        "searches/feedback",
        f"models/{GENERAL}/feedback",
        f"models/{GENERAL}/versions/v/feedback",
    ):
        body = {"input": {"id": "a", "data": {"image": {"url": None}}, "feedback_info": {}}}
        assert three.ok("POST", f"/v2/{path}", body) == {
            "status": {"code": 10000, "description": "Ok"}
        }
    three.fails(404, 22102, "GET", "/v2/workflows/w")
    three.fails(404, 22102, "POST", "/v2/workflows/w/results", {"inputs": []})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    (
        ("POST", "/v2/inputs", {"inputs": [by_bytes("new")]}),
        ("PATCH", "/v2/inputs", {"inputs": [{"id": "a", "data": {"metadata": {"k": 1}}}]}),
        ("DELETE", "/v2/inputs", {"delete_all": True}),
        ("DELETE", "/v2/inputs/a", None),
        ("POST", "/v2/concepts", {"concepts": [{"id": "c"}]}),
        ("PATCH", "/v2/concepts", {"concepts": [{"id": "c", "name": "d"}]}),
        ("PATCH", "/v2/inputs/a/outputs", {"outputs": []}),
        ("POST", "/v2/models", {"model": {"id": "m"}}),
        ("DELETE", "/v2/models", {"delete_all": True}),
        ("POST", "/v2/models/m/versions", None),
    ),
)
def test_who_only_reads_changes_nothing(three: Wire, method: str, path: str, body: object) -> None:
    answer = three.answer(method, path, body, may_write=False)
    assert (answer.http, answer.body["status"]["code"]) == (403, 11007)
    assert "reads" in answer.body["status"]["details"]
    assert len(three.ok("GET", "/v2/inputs")["inputs"]) == 3


def test_a_face_that_only_reads(tmp_path: Path) -> None:
    with wire(tmp_path, read_only=True, url_map=()) as w:
        w.fails(403, 11007, "POST", "/v2/inputs", {"inputs": [by_bytes("a")]})
        assert w.ok("GET", "/v2/inputs")["inputs"] == []
        image = {"base64": __import__("base64").b64encode(seeded(1)).decode()}
        w.ok("POST", f"/v2/models/{GENERAL}/outputs", {"inputs": [{"data": {"image": image}}]})


def test_a_body_may_be_a_mapping_already(three: Wire) -> None:
    answer = three.face.call(
        "POST", "/v2/searches", body=EMPTY_QUERY, picture_url=lambda one: "http://x/y"
    )
    assert len(json.loads(json.dumps(answer.body))["hits"]) == 3
