"""The same classes over a socket: what is repeated, what never is, what a bad answer becomes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from localsearch.rest import ApiError, ClarifaiApp, Image, UserError
from localsearch.rest import http as over_http
from localsearch.rest.http import Http

OK: dict[str, Any] = {
    "status": {"code": 10000, "description": "Ok"},
    "hits": [],
    "inputs": [{"id": "a", "data": {"image": {"url": "http://a"}}}],
    "outputs": [],
}
BUSY = {"status": {"code": 43001, "description": "busy"}}


class Answering(BaseHTTPRequestHandler):
    """Answers with what the test has laid ready, then with success; None hangs up."""

    laid: list[tuple[int, bytes] | None]
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        laid = self.laid.pop(0) if self.laid else (200, json.dumps(OK).encode())
        if laid is None:
            self.close_connection = True
            return
        self.send_response(laid[0])
        self.send_header("Content-Length", str(len(laid[1])))
        self.end_headers()
        self.wfile.write(laid[1])

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *told: object) -> None:
        pass


@contextmanager
def answering(*laid: tuple[int, bytes] | None) -> Iterator[tuple[ClarifaiApp, list[Any]]]:
    seen: list[Any] = []
    handler = type("Laid", (Answering,), {"laid": list(laid), "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield ClarifaiApp(api_key="k1", base_url=f"http://127.0.0.1:{server.server_port}"), seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_http, "_PAUSE_S", 0.001)


def busy(status: int = 503) -> tuple[int, bytes]:
    return status, json.dumps(BUSY).encode()


def test_a_call_as_it_arrives() -> None:
    with answering() as (app, seen):
        app.api.get_input("a b/ö")
        app.inputs.get_by_page(2, 5)
        app.inputs.create_image(Image(url="http://a", image_id="ö"))
    paths = [(method, path) for method, path, _, _ in seen]
    assert paths[0] == ("GET", "/v2/inputs/a%20b%2F%C3%B6")
    assert paths[1] == ("GET", "/v2/inputs?page=2&per_page=5")
    method, path, headers, body = seen[2]
    assert (method, path) == ("POST", "/v2/inputs")
    assert headers["Authorization"] == "Key k1"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"inputs": [{"id": "ö", "data": {"image": {"url": "http://a"}}}]}


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_only_asks_is_asked_again(status: int) -> None:
    calls = (
        lambda app: app.inputs.get_by_page(),
        lambda app: app.inputs.search_by_image(url="http://a"),
        lambda app: app.public_models.general_model.predict_by_url("http://a"),
    )
    for call in calls:
        with answering(busy(status), None) as (app, seen):
            call(app)
            assert len(seen) == 3
        with answering(*[busy(status)] * 5) as (app, seen), pytest.raises(ApiError):
            call(app)
        assert len(seen) == 3


@pytest.mark.parametrize("laid", [busy(503), busy(500), None])
def test_what_may_have_stored_something_is_never_sent_twice(laid: Any) -> None:
    calls = (
        lambda app: app.inputs.create_image(Image(url="http://a")),
        lambda app: app.inputs.merge_concepts("a", ["x"]),
        lambda app: app.inputs.delete("a"),
        lambda app: app.concepts.create("a"),
    )
    for call in calls:
        with answering(laid) as (app, seen), pytest.raises(ApiError):
            call(app)
        assert len(seen) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_other_failures_are_told_at_once(status: int) -> None:
    with answering(busy(status)) as (app, seen), pytest.raises(ApiError) as caught:
        app.inputs.get("a")
    assert len(seen) == 1
    assert caught.value.response is not None
    assert (caught.value.response.status_code, caught.value.error_code) == (status, 43001)


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"", b"[1]", b"\xff\xfe"])
@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_that_is_no_json_object(status: int, body: bytes) -> None:
    with answering(*[(status, body)] * 3) as (app, _), pytest.raises(ApiError) as caught:
        app.inputs.get("a")
    assert caught.value.error_code == "N/A"
    assert caught.value.response is not None
    assert caught.value.response.text == body.decode("utf-8", "replace")
    assert "JSON" in str(caught.value)


def test_success_is_any_2xx_also_in_part() -> None:
    mixed = {**OK, "status": {"code": 10010, "description": "Mixed Success"}}
    with answering((207, json.dumps(mixed).encode())) as (app, _):
        assert [one.input_id for one in app.inputs.bulk_create_images([Image(url="http://a")])] == [
            "a"
        ]


def test_no_server_at_all() -> None:
    with answering() as (app, _):
        pass
    with pytest.raises(ApiError, match="localsearch serve") as caught:
        app.inputs.create_image(Image(url="http://a"))
    assert (caught.value.response, caught.value.error_code) == (None, "N/A")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://127.0.0.1:8745", "http://127.0.0.1:8745"),
        ("http://127.0.0.1:8745/", "http://127.0.0.1:8745"),
        ("http://127.0.0.1:8745/v2", "http://127.0.0.1:8745"),
        ("127.0.0.1:8745", "http://127.0.0.1:8745"),
        ("localhost:8745", "http://localhost:8745"),
        ("http://[::1]:8745", "http://[::1]:8745"),
        ("photos.example", "https://photos.example:443"),
        ("https://photos.example", "https://photos.example:443"),
        ("HTTP://Photos.example:81", "http://photos.example:81"),
    ],
)
def test_base_urls(given: str, meant: str) -> None:
    assert Http(given).base_url == meant


@pytest.mark.parametrize("wrong", ["ftp://a", "http://", "http://a:port", "http://[::1", "  "])
def test_wrong_base_urls(wrong: str) -> None:
    with pytest.raises(UserError, match="no URL of a server"):
        Http(wrong)
