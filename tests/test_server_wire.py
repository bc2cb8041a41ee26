"""Requests as old clients spell them, byte by byte, over the real stack."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import localsearch as ls
from tests.make_library import write_photo
from tests.serving import Line, Served, ask, filled, request, served

ALL = '{"query":{"ands":[]}}'


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ls.Library]:
    with filled(tmp_path_factory.mktemp("wire") / "photos") as library:
        yield library


@pytest.fixture(scope="module")
def at(library: ls.Library) -> Iterator[Served]:
    with served(library) as found:
        yield found


@pytest.mark.parametrize(
    "target",
    [
        "/v2/inputs",
        "/v2/inputs/",
        "//v2/inputs/",
        "//v2//inputs",
        "///v2/inputs?page=1&per_page=20",
        "/v2/users/me/apps/mine/inputs",
        "/v2/inputs?",
        "/v2/inputs#fragment",
    ],
)
def test_a_path_has_many_spellings(at: Served, target: str) -> None:
    found = ask(at.port, "GET", target)
    assert (found.status, found.code, len(found.json["inputs"])) == (200, 10000, 6)


def test_the_target_may_be_absolute_as_it_is_said_to_a_proxy(at: Served) -> None:
    found = ask(at.port, "GET", f"{at.url}//v2/inputs/", host="proxy.test")
    assert found.status == 200
    assert found.json["inputs"][0]["data"]["image"]["url"].startswith(f"{at.url}/pictures/")
    assert ask(at.port, "GET", "http://evil.test/v2/inputs").status == 403


def test_letters_beyond_ascii_may_come_as_they_are(at: Served, library: ls.Library) -> None:
    path = write_photo(Path(library.roots()[0].path) / "ключ.png", 77)
    library.add(path, id="ключ")
    for target in ("/v2/inputs/ключ", "/v2/inputs/%D0%BA%D0%BB%D1%8E%D1%87"):
        assert ask(at.port, "GET", target).json["input"]["id"] == "ключ"
    library.purge("ключ")
    path.unlink()


def test_paging_stands_in_the_query_or_in_the_body(at: Served) -> None:
    first = ask(at.port, "POST", "/v2/searches?page=1&per_page=4", ALL).json["hits"]
    second = ask(at.port, "POST", "/v2/searches?page=2&per_page=4", ALL).json["hits"]
    assert [len(first), len(second)] == [4, 2]
    body = '{"query":{"ands":[]},"pagination":{"page":2,"per_page":4}}'
    assert ask(at.port, "POST", "/v2/searches", body).json["hits"] == second


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf8",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "nonsense",
        "",
    ],
)
def test_the_content_type_says_nothing(at: Served, kind: str) -> None:
    assert len(ask(at.port, "POST", "/v2/searches", ALL, Content_Type=kind).json["hits"]) == 6


@pytest.mark.parametrize("body", [None, "", "null", "{}", " \r\n"])
def test_bodies_on_delete_are_normal(at: Served, body: str | None) -> None:
    assert ask(at.port, "DELETE", "/v2/inputs/nobody", body).code == 30102


def test_many_requests_share_a_line(at: Served) -> None:
    with Line(at.port) as line:
        for _ in range(30):
            line.send(request("POST", "/v2/searches", ALL))
            assert line.reply().code == 10000


def test_requests_may_come_before_the_answers(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("GET", "/v2/models") * 3 + request("POST", "/v2/searches", ALL) * 2)
        names = [next(iter({*line.reply().json} - {"status", "id"})) for _ in range(5)]
        assert names == ["models"] * 3 + ["hits"] * 2


def test_a_request_may_come_byte_by_byte(at: Served) -> None:
    with Line(at.port) as line:
        for byte in request("POST", "//v2/searches/", ALL):
            line.send(bytes((byte,)))
        assert len(line.reply().json["hits"]) == 6


def test_empty_lines_before_a_request_are_skipped(at: Served) -> None:
    with Line(at.port) as line:
        line.send(
            b"\r\n\r\n" + request("GET", "/v2/models") + b"\r\n" + request("GET", "/v2/models")
        )
        assert line.reply().code == line.reply().code == 10000


def test_a_body_may_be_chunked(at: Served) -> None:
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (b'{"query":', b'{"ands":[]}}')
    )
    with Line(at.port) as line:
        for _ in range(2):
            line.send(
                request("POST", "/v2/searches", chunks + b"0\r\n\r\n", Transfer_Encoding="chunked")
            )
            assert len(line.reply().json["hits"]) == 6


def test_who_expects_100_continue_gets_it_and_then_the_answer(at: Served, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "new.png", 500, size=(900, 700)).read_bytes()
    encoded = base64.b64encode(photo).decode()
    body = json.dumps({"inputs": [{"id": "large", "data": {"image": {"base64": encoded}}}]})
    asked = request("POST", "/v2/inputs", body, Expect="100-continue")
    head, _, sent = asked.partition(b"\r\n\r\n")
    with Line(at.port) as line:
        line.send(head + b"\r\n\r\n")
        assert line.reply().status == 100
        line.send(sent)
        assert line.reply().json["inputs"][0]["status"]["code"] == 30000
        line.send(request("DELETE", "/v2/inputs/large"))
        assert line.reply().code == 10000


def test_head_tells_the_length_and_sends_nothing(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("HEAD", "/v2/models") + request("GET", "/v2/models"))
        head = line.reply(head_only=True)
        assert head.status == 200
        assert int(head.headers["content-length"]) == len(line.reply().body)


def test_http_1_0_and_connection_close_end_the_line(at: Served) -> None:
    with Line(at.port) as line:
        line.send(b"GET /v2/inputs HTTP/1.0\r\n\r\n")
        found = line.reply()
        assert found.json["inputs"][0]["data"]["image"]["url"].startswith(at.url)
        assert line.is_closed()
    with Line(at.port) as line:
        line.send(request("GET", "/v2/models", Connection="close"))
        assert line.reply().headers["connection"] == "close"
        assert line.is_closed()


def test_unknown_paths_and_methods_are_json(at: Served) -> None:
    for target in ("/", "/v2", "/v2/nothing", "/favicon.ico", "/v1/tag", "/../../etc/passwd"):
        found = ask(at.port, "GET", target)
        assert (found.status, found.code) == (404, 11101), target
    for method in ("PUT", "TRACE", "PROPFIND", "CONNECT"):
        found = ask(at.port, method, "/v2/inputs")
        assert (found.status, found.code) == (405, 11103)
        assert "PATCH" in found.headers["allow"]


def test_urls_of_pictures_are_of_the_name_that_was_asked(at: Served) -> None:
    for host in (f"localhost:{at.port}", f"127.0.0.1:{at.port}", "[::1]:80"):
        found = ask(at.port, "GET", "/v2/inputs", host=host).json["inputs"][0]
        assert found["data"]["image"]["url"].startswith(f"http://{host}/pictures/")


def test_a_search_by_a_picture_url_of_this_server_finds_that_picture(at: Served) -> None:
    one = ask(at.port, "GET", "/v2/inputs").json["inputs"][3]
    image = {"url": one["data"]["image"]["url"]}
    query = {"query": {"ands": [{"output": {"input": {"data": {"image": image}}}}]}}
    hits = ask(at.port, "POST", "/v2/searches", query).json["hits"]
    assert hits[0]["input"]["id"] == one["id"]
    assert hits[0]["score"] > 0.99
