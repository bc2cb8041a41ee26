"""Clients that are slow, broken, too large or too many: each gets JSON, and nobody else notices."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import localsearch as ls
from localsearch.server import Settings
from localsearch.server.connection import Patience
from tests.make_library import write_photo
from tests.serving import Line, Served, ask, filled, request, served

ALL = '{"query":{"ands":[]}}'
SHORT = Patience(first=1.0, idle=1.5, head=0.6, stall=0.8, linger=2.0)
HASTY = Settings(port=0, patience=SHORT, max_body_bytes=1 << 20, max_connections=40)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ls.Library]:
    with filled(tmp_path_factory.mktemp("faults") / "photos") as library:
        yield library


@pytest.fixture(scope="module")
def at(library: ls.Library) -> Iterator[Served]:
    with served(library, HASTY) as found:
        yield found


def works(at: Served) -> None:
    began = time.monotonic()
    assert len(ask(at.port, "POST", "/v2/searches", ALL).json["hits"]) >= 6
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET v2/inputs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -4\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: rot13\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: " + b"x" * (70 << 10) + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * (70 << 10), 431),
    ],
)
def test_what_is_no_http_is_answered_in_json(at: Served, sent: bytes, status: int) -> None:
    with Line(at.port) as line:
        line.send(sent)
        found = line.reply()
        assert found.status in (status, 501)
        assert found.code in (11100, 40033)
        assert found.headers["connection"] == "close"
    works(at)


@given(st.binary(max_size=300))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_answered_in_json_or_not_at_all(at: Served, sent: bytes) -> None:
    with Line(at.port) as line:
        line.send(sent + b"\r\n\r\n")
        try:
            assert line.reply().code > 0
        except EOFError:
            assert not sent.strip(b"\r\n")


def test_a_large_body_is_refused_before_it_is_read(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("POST", "/v2/inputs", b"", Content_Length=str(10**15)))
        found = line.reply()
        assert (found.status, found.code) == (413, 40033)
    with Line(at.port) as line:
        length = str(2 << 20)
        line.send(request("POST", "/v2/inputs", b"", Content_Length=length, Expect="100-continue"))
        assert line.reply().status == 413


def test_who_sends_it_all_the_same_sees_the_answer(at: Served) -> None:
    """A client that writes first and reads then must not find a broken line."""
    with Line(at.port) as line:
        line.send(request("POST", "/v2/inputs", b"x" * (20 << 20)))
        assert line.reply().code == 40033


def test_a_chunked_body_is_cut_at_the_limit(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("POST", "/v2/inputs", b"", Transfer_Encoding="chunked"))
        for _ in range(33):
            line.send(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        assert line.reply().status == 413


def test_a_broken_chunk_is_told(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("POST", "/v2/searches", b"zz\r\n", Transfer_Encoding="chunked"))
        found = line.reply()
        assert (found.status, found.code) == (400, 11100)


def test_a_silent_line_is_closed(at: Served) -> None:
    with Line(at.port) as line:
        began = time.monotonic()
        assert line.is_closed()
        assert 0.8 < time.monotonic() - began < 6


def test_a_line_that_has_nothing_more_to_ask_is_closed(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("GET", "/v2/models"))
        assert line.reply().code == 10000
        assert line.is_closed()


@pytest.mark.parametrize("start", ["GET /v2/inputs HTTP/1.1\r\nHost: 127.0.0.1\r\nA", "G"])
def test_a_head_that_does_not_end_is_cut(at: Served, start: str) -> None:
    with Line(at.port) as line:
        line.send(start)
        began = time.monotonic()
        with pytest.raises(OSError):
            for _ in range(400):  # a byte now and then does not help
                line.send("b")
                time.sleep(0.02)
                if time.monotonic() - began > 2.5:
                    raise OSError
        assert line.reply().status == 408


def test_a_body_that_does_not_come_is_cut(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("POST", "/v2/searches", b'{"que', Content_Length="1000"))
        began = time.monotonic()
        found = line.reply()
        assert (found.status, found.code) == (408, 11100)
        assert time.monotonic() - began < 6


def test_a_body_that_trickles_is_cut_too(at: Served) -> None:
    with Line(at.port) as line:
        line.send(request("POST", "/v2/searches", b"", Content_Length="100000"))
        began = time.monotonic()
        while time.monotonic() - began < 2.0:
            line.send(" ")
            time.sleep(0.05)
        assert line.reply().status == 408


def test_a_client_that_goes_away_in_its_body_does_no_harm(at: Served) -> None:
    for _ in range(10):
        with Line(at.port) as line:
            line.send(request("POST", "/v2/inputs", b'{"inputs', Content_Length="5000"))
    for _ in range(10):
        with Line(at.port) as line:
            line.send(request("POST", "/v2/searches", ALL))
    works(at)


def test_a_client_that_does_not_take_its_answer_is_cut(library: ls.Library, tmp_path: Path) -> None:
    path = write_photo(tmp_path / "large.bmp", 3)
    Image.effect_noise((1500, 1200), 90).convert("RGB").save(path, "BMP")
    library.add(path, id="large")
    with served(library, HASTY) as at, Line(at.port) as line:
        line.send(request("GET", "/pictures/large.bmp") * 20)
        time.sleep(3)
        assert len(at.server._open) == 0  # nobody waits for it any more
        taken = 0
        with suppress(OSError):
            while more := line.socket.recv(1 << 20):
                taken += len(more)
        assert taken < 20 * path.stat().st_size
        works(at)
    library.purge("large")


def test_lines_beyond_the_limit_push_out_the_idle_ones(at: Served) -> None:
    """Half-open and silent lines hold nobody up, however many there are."""
    lines = []
    try:
        for number in range(120):
            line = Line(at.port)
            if number % 2:
                line.send("POST /v2/searches HTTP/1.1\r\nHo")
            lines.append(line)
            if number % 30 == 0:
                works(at)
        works(at)
    finally:
        for line in lines:
            line.close()
    works(at)


def test_a_line_at_work_is_not_pushed_out(at: Served) -> None:
    with Line(at.port) as old:
        old.send(request("GET", "/v2/models"))
        assert old.reply().code == 10000
        lines = [Line(at.port) for _ in range(60)]
        old.send(request("GET", "/v2/models"))
        assert old.reply().code == 10000
        for line in lines:
            line.close()


def test_few_large_bodies_are_in_memory_at_a_time(library: ls.Library) -> None:
    patience = replace(SHORT, stall=3.0, room=0.5)
    large = Settings(port=0, patience=patience, max_body_bytes=8 << 20)
    with served(library, large) as at:
        lines = [Line(at.port) for _ in range(5)]
        part = b" " * (2 << 20)
        for line in lines:
            line.send(request("POST", "/v2/searches", part, Content_Length=str(3 << 20)))
        assert lines[-1].reply().status == 503
        works(at)
        rest = b" " * (1 << 20)
        lines[0].send(rest)
        assert lines[0].reply().code == 40002
        for line in lines:
            line.close()


def test_what_fails_inside_is_json_and_the_line_goes_on(library: ls.Library) -> None:
    """A closed library is the worst that can happen to a server."""
    other = ls.open(store=library.store)
    with served(other) as at, Line(at.port) as line:
        other.close()
        for _ in range(2):
            line.send(request("GET", "/v2/inputs"))
            found = line.reply()
            assert (found.status, found.code) == (500, 99009)


def test_a_stop_waits_for_what_was_asked(library: ls.Library) -> None:
    """The batch in hand is finished and answered; idle lines end; no new ones are taken."""
    items = [{"id": f"b{n}", "data": {"image": {"base64": _photo(n)}}} for n in range(20)]
    with served(library) as at:
        idle, busy = Line(at.port), Line(at.port)
        busy.send(request("POST", "/v2/inputs", json.dumps({"inputs": items})))
        time.sleep(0.3)
        threading.Thread(target=at.server.stop).start()
        found = busy.reply()
        assert [one["status"]["code"] for one in found.json["inputs"]] == [30000] * 20
        assert idle.is_closed() and busy.is_closed()
        with pytest.raises(OSError):
            Line(at.port)
    assert library.purge([f"b{n}" for n in range(20)]) == 20


def _photo(seed: int) -> str:
    import base64
    from io import BytesIO

    from PIL import Image

    from tests.tiny_pack import make_photo

    file = BytesIO()
    Image.fromarray(make_photo(900 + seed, (320, 240))).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
