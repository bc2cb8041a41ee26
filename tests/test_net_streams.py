"""Large files over TLS and through proxies, and whom a redirect may lead to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

import localsearch as ls
from localsearch.net import Trust, open_stream
from localsearch.net.proxies import proxy_for
from localsearch.packs.pull import HUB, MIRROR, pull_pack
from tests import hub as hubs
from tests.hub import Hub
from tests.tiny_pack import tiny_pack_folder

BODY = bytes(range(256)) * 400


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", MIRROR):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that speaks TLS with a certificate that this computer trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "127.0.0.2", "hub.test").configure_cert(context)
    with hubs.hub(context) as running:
        running.files = {"file": BODY}
        yield running


def came(url: str, **more: object) -> bytes:
    with open_stream(url, **more) as stream:  # type: ignore[arg-type]
        return b"".join(stream)


def test_a_file_comes_over_tls_from_any_byte_on(secure: Hub) -> None:
    assert came(f"{secure.base}/file") == BODY
    assert came(f"{secure.base}/file", start=1000) == BODY[1000:]
    with open_stream(f"{secure.base}/file", start=1000, etag='"another"') as stream:
        assert stream.start == 0 and stream.total == len(BODY)
        assert stream.etag == hubs.tag(BODY)


def test_a_certificate_that_nobody_trusts_is_told(
    secure: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    with pytest.raises(ls.PackUnreachable, match="no certificate") as caught:
        came(f"{secure.base}/file")
    assert "SSL_CERT_FILE" in caught.value.hint and not caught.value.again


def test_a_redirect_never_leads_from_https_to_http(secure: Hub) -> None:
    with hubs.hub() as plain:
        plain.files = secure.files
        secure.redirect = lambda name: f"{plain.url}/cdn/{name}"
        for trust in (Trust(), Trust(plain=frozenset({"127.0.0.1"}), private=True)):
            with pytest.raises(ls.PackUnreachable, match="from https to http"):
                came(f"{secure.base}/file", trust=trust)
        assert plain.asked == []


def test_a_redirect_never_leads_into_a_private_network(
    secure: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """127.0.0.1 stands for a public host here, and 127.0.0.2 for one of a private network."""
    port = secure.url.rpartition(":")[2]
    secure.redirect = lambda name: f"https://127.0.0.2:{port}/cdn/{name}"
    monkeypatch.setattr(
        "localsearch.net.hosts.why_refused", lambda one: "" if one == "127.0.0.1" else "private"
    )
    with pytest.raises(ls.PackUnreachable, match=r"127\.0\.0\.2 is private"):
        came(f"{secure.base}/file")
    secure.redirect = lambda name: f"/cdn/{name}"
    assert came(f"{secure.base}/file") == BODY


class Proxy:
    """What a proxy heard: the heads of its requests."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.port = 0


@contextmanager
def proxy(to: str, refusal: str = "") -> Iterator[Proxy]:
    """A proxy that leads every host to one server; or gives a refusal."""
    heard = Proxy()
    listening = socket.create_server(("127.0.0.1", 0))
    heard.port = listening.getsockname()[1]
    port = int(to.rpartition(":")[2])

    def pump(source: socket.socket, target: socket.socket) -> None:
        with target:
            while True:
                try:
                    data = source.recv(65536)
                    if not data:
                        return
                    target.sendall(data)
                except OSError:
                    return

    def serve(line: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(4096)
        heard.heads.append(head.decode("latin-1"))
        if refusal:
            line.sendall(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            line.close()
            return
        onward = socket.create_connection(("127.0.0.1", port))
        if head.startswith(b"CONNECT"):
            line.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            onward.sendall(head.replace(b"http://mirror.test", b"", 1))
        threading.Thread(target=pump, args=(line, onward), daemon=True).start()
        pump(onward, line)

    def accept() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(line,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield heard
    finally:
        listening.close()


def test_the_proxy_of_the_environment_leads_to_the_hub(
    secure: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(secure.url) as heard:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:se%20cret@127.0.0.1:{heard.port}")
        assert came(f"https://hub.test{hubs.REPOSITORY}/file") == BODY
        assert len(heard.heads) == 2
        for head in heard.heads:
            assert head.startswith("CONNECT hub.test:443 HTTP/1.")
            assert "Proxy-Authorization: Basic bWU6c2UgY3JldA==" in head
        assert not [one for _, one in secure.asked if "proxy-authorization" in one]
        monkeypatch.setenv("NO_PROXY", "hub.test")
        with pytest.raises(ls.PackUnreachable) as caught:
            came(f"https://hub.test{hubs.REPOSITORY}/file")
        assert caught.value.offline
        assert len(heard.heads) == 2


def test_a_proxy_that_wants_a_login_is_told_without_the_password(
    secure: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(secure.url, "407 Proxy Authentication Required") as heard:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{heard.port}")
        with pytest.raises(ls.PackUnreachable, match="407") as caught:
            came(f"https://hub.test{hubs.REPOSITORY}/file")
    assert "secret" not in str(caught.value)
    assert "USER:PASSWORD" in caught.value.hint and not caught.value.again


def test_a_mirror_by_http_goes_through_the_proxy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with hubs.hub() as hub, proxy(hub.url) as heard:
        hub.files = {"file": BODY}
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{heard.port}")
        trust = Trust(plain=frozenset({"mirror.test"}), private=True)
        assert came(f"http://mirror.test{hubs.REPOSITORY}/file", trust=trust) == BODY
        assert heard.heads[0].startswith(f"GET http://mirror.test{hubs.REPOSITORY}/file HTTP/1.1")


def test_this_computer_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with hubs.hub() as hub:
        hub.files = {"file": BODY}
        trust = Trust(plain=frozenset({"127.0.0.1"}))
        assert came(f"{hub.base}/file", trust=trust) == BODY


@pytest.mark.parametrize("named", ["socks5://127.0.0.1:1080", "https://proxy:1", "http://a:b:c"])
def test_a_proxy_of_another_kind_is_told(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib.parse import urlsplit

    monkeypatch.setenv("HTTPS_PROXY", named)
    with pytest.raises(ls.InputError, match="proxy") as caught:
        proxy_for(urlsplit("https://hub.test/a"))
    assert "http://HOST:PORT" in caught.value.hint


def test_a_host_by_http_has_to_be_named() -> None:
    with pytest.raises(ls.PackUnreachable, match="by http"):
        came("http://hub.test/a")


@pytest.mark.skipif(os.name != "posix", reason="a Ctrl-C is sent as a signal")
def test_a_ctrl_c_keeps_what_came_and_the_next_pull_goes_on(tmp_path: Path) -> None:
    pack = tiny_pack_folder()
    home = {"XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
    top = str(Path(ls.__file__).parents[1])
    shutil.copytree(pack, tmp_path / "source" / "fresh")
    with hubs.hub() as hub:
        hub.hold(pack)
        size = {name: len(data) for name, data in hub.files.items()}
        first = sorted(hub.files)[0]
        half = size[first] // 2

        def stalls(handler: hubs.Handler, body: bytes) -> None:
            handler.send(hubs.begin(handler, body)[:half])
            handler.wfile.flush()
            time.sleep(20)

        hub.faults = [stalls]
        file = hubs.catalogue(tmp_path / "c.toml", pack, HUB + hubs.REPOSITORY)
        words = ["packs", "pull", "tiny", "--catalogue", str(file), "--yes", "--replace"]
        environment = {**os.environ, **home, MIRROR: hub.url, "PYTHONPATH": top}
        run = [sys.executable, "-m", "localsearch", *words]
        child = subprocess.Popen(
            run, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until = time.monotonic() + 20
        parts = tmp_path / "data" / "localsearch" / "packs" / ".coming"
        while time.monotonic() < until:
            kept = list(parts.rglob("*.part"))
            if kept and kept[0].stat().st_size == half:
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        told = child.communicate(timeout=15)
        assert child.returncode == 130, told
        assert "Traceback" not in told[1]
        assert next(parts.rglob("*.part")).stat().st_size == half
        hub.faults, hub.asked = [], []
        done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert hub.requests(first)[0]["range"] == f"bytes={half}-"
        assert (tmp_path / "data" / "localsearch" / "packs" / "tiny" / "pack.toml").is_file()


def test_pulling_is_the_only_way_that_a_pack_comes(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else is asked of a pack that is not here: an error, never a socket."""
    from localsearch import packs

    def no_socket(*words: object, **more: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_socket)
    monkeypatch.setattr(socket, "create_connection", no_socket)
    monkeypatch.setattr(socket, "getaddrinfo", no_socket)
    name = next(iter(packs.read_catalogue()))
    for call in (
        lambda: packs.show_pack(name),
        lambda: packs.verify_pack(name),
        lambda: packs.concepts_of(name),
        lambda: ls.init(photos, pack=name),
        lambda: packs.remove_pack(name),
        lambda: pull_pack("no-such-pack"),
    ):
        with pytest.raises(ls.PackMissing):
            call()
    packs.list_packs()
    packs.read_catalogue()
