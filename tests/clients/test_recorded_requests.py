"""Requests as clients sent them that cannot run here, replayed byte by byte on a raw socket.

Those of C# and PHP were recorded; those of Java and Objective-C are written as their sources build
them. Each client's calls run in order against an empty library, and every answer is held to what
the strictest client takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.raw import Raw, call, check
from tests.clients.served import ALLOWED, Served

REQUESTS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "recorded" / "requests.jsonl").read_text().splitlines()
]
CLIENTS = sorted({one["client"] for one in REQUESTS})
Answer = dict[str, Any]


def hits(answer: Answer) -> list[str]:
    return [one["input"]["data"]["image"]["url"] for one in answer["hits"]]


def first(url: str) -> Callable[[Answer], bool]:
    return lambda answer: hits(answer)[0] == url and answer["hits"][0]["score"] > 0.99


def only(*ids: str) -> Callable[[Answer], bool]:
    return lambda answer: [one["input"]["id"] for one in answer["hits"]] == list(ids)


ONE = "http://a/1.jpg"
WITH_X1: Callable[[Answer], bool] = lambda answer: answer["inputs"][1]["id"] == "x1"  # noqa: E731

EXPECTED: dict[tuple[str, str], Callable[[Answer], bool]] = {
    ("csharp 1.4.0", "add"): WITH_X1,
    ("csharp 1.4.0", "imageurl"): lambda answer: hits(answer) == [ONE],
    ("csharp 1.4.0", "visually url"): first(ONE),
    ("csharp 1.4.0", "two paged"): only(),
    ("csharp 1.4.0", "geo"): only("x1"),
    ("csharp 1.4.0", "inputs"): lambda answer: len(answer["inputs"]) == 3,
    ("csharp 1.4.0", "status"): lambda answer: len(answer["counts"]) == 4,
    ("php 0.7.0", "addInputs"): WITH_X1,
    ("php 0.7.0", "imageURL"): lambda answer: hits(answer) == [ONE],
    ("php 0.7.0", "urlImageVisually"): first(ONE),
    ("php 0.7.0", "two"): only(),
    ("php 0.7.0", "searchConcepts"): lambda answer: answer["concepts"][0]["name"] == "people",
    ("java 2.8.1", "add"): WITH_X1,
    ("java 2.8.1", "concept name"): lambda answer: ONE in hits(answer),
    ("java 2.8.1", "second page"): lambda answer: len(answer["hits"]) == 1,
    ("java 2.8.1", "tagged"): only("x1"),
    ("java 2.8.1", "metadata"): only("x1"),
    ("java 2.8.1", "geo"): only("x1"),
    ("java 2.8.1", "predict"): lambda answer: len(answer["outputs"][0]["data"]["concepts"]) == 3,
    ("java 2.8.1", "concept search"): lambda answer: answer["concepts"][0]["name"] == "people",
    ("objective-c 2.3.2", "concept name"): lambda answer: ONE in hits(answer),
    ("objective-c 2.3.2", "concept id as name"): lambda answer: ONE in hits(answer),
    ("objective-c 2.3.2", "tagged"): only("x1"),
    ("objective-c 2.3.2", "visually by id"): lambda answer: (
        answer["hits"][0]["input"]["id"] == "x1"
    ),
    ("objective-c 2.3.2", "concept and picture in one"): lambda answer: ONE in hits(answer),
    ("objective-c 2.3.2", "geo with axes mixed up"): only(),
    ("objective-c 2.3.2", "concepts search"): lambda answer: bool(answer["concepts"]),
}


def send(served: Served, one: dict[str, Any]) -> tuple[Raw, Answer]:
    body = one["body"].encode()
    raw = call(served.url, one["method"], one["target"], one["headers"], body)
    return raw, check(raw.http, raw.headers["content-type"], raw.body)


def empty(served: Served) -> None:
    call(served.url, "DELETE", "/v2/inputs", {"Authorization": "Key k"}, b'{"delete_all": true}')


@pytest.mark.parametrize("client", CLIENTS)
def test_the_calls_of_a_client(served: Served, client: str) -> None:
    empty(served)
    for one in REQUESTS:
        if one["client"] != client:
            continue
        raw, answer = send(served, one)
        assert raw.http == 200, (one["call"], answer)
        holds = EXPECTED.get((client, one["call"]))
        assert holds is None or holds(answer), (one["call"], answer)


def test_every_expectation_is_of_a_recorded_call() -> None:
    assert set(EXPECTED) <= {(one["client"], one["call"]) for one in REQUESTS}


# ------------------------------------------------------------------ what any client may do

KEY = {"Authorization": "Key YOUR_API_KEY"}
PEOPLE = b'{"query":{"ands":[{"output":{"data":{"concepts":[{"name":"people"}]}}}]}}'


@pytest.mark.parametrize(
    "target",
    [
        "/v2/searches",
        "/v2/searches/",
        "//v2/searches",
        "//v2//searches//",
        "/v2/users/me/apps/mine/searches",
    ],
)
def test_five_spellings_of_a_path(served: Served, target: str) -> None:
    raw = call(served.url, "POST", target, KEY, PEOPLE)
    assert check(raw.http, raw.headers["content-type"], raw.body)["hits"] == []
    assert raw.http == 200


@pytest.mark.parametrize(
    "lying",
    [
        {},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain; charset=utf8"},
        {"Content-Type": "multipart/form-data; boundary=x"},
    ],
)
def test_content_types_that_lie(served: Served, lying: dict[str, str]) -> None:
    assert call(served.url, "POST", "/v2/searches", {**KEY, **lying}, PEOPLE).http == 200


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
def test_bodies_of_a_delete(served: Served, body: bytes) -> None:
    raw = call(served.url, "DELETE", "/v2/inputs/none", KEY, body)
    assert raw.http == 404
    assert check(raw.http, raw.headers["content-type"], raw.body)["status"]["code"] == 30102


@pytest.mark.parametrize("value", ["true", "1", "1.0", "0.5", '"1"', None])
def test_values_of_every_kind(served: Served, value: str | None) -> None:
    said = "" if value is None else f',"value":{value}'
    body = (
        f'{{"query":{{"ands":[{{"output":{{"data":{{"concepts":[{{"name":"red"{said}}}]}}}}}}]}}}}'
    )
    raw = call(served.url, "POST", "/v2/searches", KEY, body.encode())
    check(raw.http, raw.headers["content-type"], raw.body)
    assert raw.http == 200


@pytest.mark.parametrize(
    ("method", "target", "body", "http"),
    [
        ("POST", "/v2/inputs", b"{not json", 400),
        ("POST", "/v2/inputs", b"[1, 2]", 400),
        ("POST", "/v2/inputs", b"\xff\xfe", 400),
        ("POST", "/v2/inputs", b'{"inputs": 5}', 400),
        ("POST", "/v2/searches", b'{"query": {"nors": [1]}}', 400),
        ("PUT", "/v2/inputs", b"{}", 405),
        ("GET", "/v2/nowhere", b"", 404),
        ("GET", "/v1/tag", b"", 404),
        ("POST", "/v2/inputs", b'{"inputs": [' + b",".join([b"{}"] * 129) + b"]}", 400),
    ],
)
def test_mistakes_are_answered_in_json(
    served: Served, method: str, target: str, body: bytes, http: int
) -> None:
    raw = call(served.url, method, target, KEY, body)
    assert raw.http == http
    check(raw.http, raw.headers["content-type"], raw.body)


def test_a_preflight_of_a_browser_is_answered(served: Served) -> None:
    asked = {
        "Origin": ALLOWED,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, x-clarifai-client",
    }
    assert call(served.url, "OPTIONS", "/v2/searches", asked).http in (200, 204)


def test_bytes_are_shown_where_their_url_says(served: Served) -> None:
    empty(served)
    coded = REQUESTS[0]["body"].split('"base64":"')[1].split('"')[0]
    body = json.dumps({"inputs": [{"data": {"image": {"base64": coded}}}]}).encode()
    raw = call(served.url, "POST", "/v2/inputs", KEY, body)
    (added,) = check(raw.http, raw.headers["content-type"], raw.body)["inputs"]
    url = added["data"]["image"]["url"]
    assert url.startswith(served.url)
    shown = call(served.url, "GET", url.removeprefix(served.url), {})
    assert (shown.http, shown.headers["content-type"]) == (200, "image/png")
    assert shown.body.startswith(b"\x89PNG")
