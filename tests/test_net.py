"""The guarded fetch, against real servers on this computer."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import localsearch as ls
from localsearch import net
from localsearch.net import FetchLimits, fetch, refused_because

HERE = FetchLimits(private=True, seconds=5)
Talk = Callable[[socket.socket], None]


@contextmanager
def host(*talks: Talk) -> Iterator[str]:
    """A server that holds these conversations, one a connection; gives its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(2)
    ended = threading.Event()

    def serve() -> None:
        for talk in talks:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            line.settimeout(5)
            with line, contextlib.suppress(OSError):
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += line.recv(4096)
                seen.append(asked)
                talk(line)
        ended.wait(10)

    seen: list[bytes] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ended.set()
        listening.close()
        thread.join(5)


def says(*parts: bytes, pause: float = 0.0) -> Talk:
    def talk(line: socket.socket) -> None:
        for part in parts:
            line.sendall(part)
            time.sleep(pause)

    return talk


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Talk:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return says("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def moved(to: str) -> Talk:
    return answer(b"", f"Location: {to}", status="302 Found")


def reason(url: str, limits: FetchLimits = HERE) -> str:
    with pytest.raises(ls.PictureError) as caught:
        fetch(url, limits)
    return f"{caught.value.state}: {caught.value.reason}"


def test_a_body_comes_whole() -> None:
    with host(answer(b"picture" * 10_000)) as url:
        assert fetch(f"{url}/a b/ä.jpg?x=1", HERE) == b"picture" * 10_000


def test_redirects_are_followed_and_counted() -> None:
    with host(moved("/b"), moved("c?d"), answer(b"there")) as url:
        assert fetch(f"{url}/a", HERE) == b"there"
    with host(*[moved("/again")] * 7) as url:
        assert "more than 5 redirects" in reason(url)


def test_a_redirect_cannot_lead_to_another_scheme_or_to_a_file() -> None:
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1:70/x"):
        with host(moved(target)) as url, pytest.raises(ls.InputError):
            fetch(url, HERE)


def test_a_redirect_is_looked_at_like_the_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public host that leads to this computer: the second look refuses it."""
    with host(moved("http://localhost/private")) as url:
        port = int(url.rpartition(":")[2])
        asked: list[str] = []
        real = socket.getaddrinfo

        def names(name: str, *rest: object, **more: object) -> object:
            asked.append(name)
            return real("127.0.0.1" if name == "cdn.test" else name, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", names)
        monkeypatch.setattr(
            net.hosts, "refused_because", lambda one: "" if asked == ["cdn.test"] else "refused"
        )
        assert "localhost is refused" in reason(f"http://cdn.test:{port}", FetchLimits())


def test_a_name_is_resolved_once_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer of the name server is never asked for."""
    with host(answer(b"first")) as url:
        port = int(url.rpartition(":")[2])
        real = socket.getaddrinfo
        answers = ["127.0.0.1", "203.0.113.1"]

        def names(name: str, *rest: object, **more: object) -> object:
            return real(answers.pop(0) if name == "rebind.test" else name, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", names)
        assert fetch(f"http://rebind.test:{port}/x", HERE) == b"first"
        assert answers == ["203.0.113.1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:1/x",
        "http://[::1]/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://0/x",
        "http://10.1.2.3/x",
        "http://192.168.0.1/x",
        "http://172.16.9.9/x",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/x",
        "http://[fe80::1]/x",
        "http://[fd00::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://[64:ff9b::7f00:1]/x",
        "http://[2002:7f00:1::]/x",
    ],
)
def test_addresses_of_this_computer_and_of_private_networks_are_refused(url: str) -> None:
    assert "unreadable" in reason(url, FetchLimits(seconds=3))


def test_public_addresses_are_not() -> None:
    for text in ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"):
        assert refused_because(ipaddress.ip_address(text)) == ""


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a/b",
        "http://",
        "//a/b",
        "a.jpg",
        "http://u:p@a/b",
        "http://[::1",
        "http://a b/c",
        "http://a:99999999/",
        "javascript:x",
        "http://a/\x00\x1f",
        "",
    ],
)
def test_what_is_no_web_address_is_an_input_error(url: str) -> None:
    with pytest.raises(ls.InputError):
        fetch(url, HERE)


def test_size_is_limited_before_and_while_reading() -> None:
    small = FetchLimits(private=True, seconds=5, max_bytes=1000)
    with host(answer(b"x" * 1001)) as url:
        assert reason(url, small).startswith("too-large")
    endless = says(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 400] * 50)
    with host(endless) as url:
        assert reason(url, small).startswith("too-large")
    chunked = says(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 9,
    )
    with host(chunked) as url:
        assert reason(url, small).startswith("too-large")


def test_a_host_that_sends_a_byte_now_and_then_is_cut_off() -> None:
    short = FetchLimits(private=True, seconds=0.8)
    slow_head = says(*[b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 100], pause=0.1)
    slow_body = says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 100, pause=0.1)
    without_end = says(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100, pause=0.1)
    for talk in (slow_head, slow_body, without_end):
        with host(talk) as url:
            began = time.monotonic()
            assert "unreadable" in reason(url, short)
            assert time.monotonic() - began < 3


def test_what_is_no_picture_answer_is_told() -> None:
    with host(answer(b"no", status="404 Not Found")) as url:
        assert "404 Not Found" in reason(url)
    with host(says(b"SSH-2.0-OpenSSH\r\n\r\n")) as url:
        assert "unreadable" in reason(url)
    with host(answer(b"x", "Content-Encoding: gzip")) as url:
        assert "compressed" in reason(url)
    with host(says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")) as url:
        assert "unreadable" in reason(url)
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    assert "unreadable" in reason(f"http://127.0.0.1:{port}/")


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with host(answer(b"direct")) as url:
        assert fetch(url, HERE) == b"direct"
