"""`localsearch serve` as a process: how it says that it is there, and how it ends."""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import localsearch as ls
from tests.make_library import write_photo
from tests.serving import Line, ask, filled, request
from tests.tiny_pack import make_photo

# A checkout that is not installed is found by child processes too.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(ls.__file__).parents[1])}
ENVIRONMENT.pop("LOCALSEARCH_KEY", None)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "photos"
    filled(folder).close()
    return folder


def start(folder: Path, *args: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "localsearch", "serve", "--library", str(folder), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, **more},
    )


@contextmanager
def serving(folder: Path, *args: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """A server process and what it said when it was ready."""
    process = start(folder, "--port", "0", "--ready", *args, **more)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def port_of(ready: Any) -> int:
    return int(ready["url"].rpartition(":")[2])


def test_ready_tells_url_key_and_pid(photos: Path) -> None:
    with serving(photos) as (process, ready):
        assert set(ready) == {"url", "key", "pid"}
        assert ready["pid"] == process.pid
        assert ready["url"].startswith("http://127.0.0.1:")
        found = ask(port_of(ready), "GET", "/v2/inputs", Authorization=f"Key {ready['key']}")
        assert len(found.json["inputs"]) == 6


def test_keys_come_from_a_file_or_from_the_environment(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("only-reads read\nmay-write\n", encoding="utf-8")
    for args, more, key in (
        (("--key-file", str(file)), {}, "may-write"),
        ((), {"LOCALSEARCH_KEY": "from-there"}, "from-there"),
    ):
        with serving(photos, *args, **more) as (_, ready):
            assert ready["key"] == key
            assert ask(port_of(ready), "GET", "/v2/models").status == 401
            found = ask(port_of(ready), "GET", "/v2/models", Authorization=f"Key {key}")
            assert found.status == 200


def test_it_ends_with_its_parent(photos: Path) -> None:
    with serving(photos, "--with-parent") as (process, _):
        assert process.stdin is not None
        assert process.poll() is None
        os.close(process.stdin.fileno())
        process.stdin = None
        assert process.wait(20) == 0


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_batch_in_hand_end(photos: Path, number: signal.Signals) -> None:
    """Nothing that was answered is lost, and nothing that was begun is left half done."""
    items = [{"id": f"{number}-{n}", "data": {"image": {"base64": photo(n)}}} for n in range(30)]
    with serving(photos) as (process, ready), Line(port_of(ready), timeout=60) as line:
        line.send(request("POST", "/v2/inputs", json.dumps({"inputs": items})))
        time.sleep(0.4)
        process.send_signal(number)
        found = line.reply()
        assert [one["status"]["code"] for one in found.json["inputs"]] == [30000] * 30
        assert process.wait(30) == 0
        assert process.stderr is not None and "Traceback" not in process.stderr.read()
    with ls.open(photos) as library:
        assert library.purge([one["id"] for one in items]) == 30


def photo(seed: int) -> str:
    file = BytesIO()
    Image.fromarray(make_photo(700 + seed, (200, 150))).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--host", "0.0.0.0"), "--key-file"),
        (("--key-file", "absent"), "absent"),
        (("--map", "nonsense"), "--map"),
        (("--map", "http://a/=/no/such/folder"), "no folder"),
        (("--allow-origin", "*"), "--key-file"),
        (("--tls-cert", "a.pem"), "--tls-key"),
        (("--tls-cert", "a.pem", "--tls-key", "b.pem"), "a.pem"),
        (("--port", "99999"), "99999"),
    ],
)
def test_what_cannot_be_is_told_at_once(photos: Path, args: tuple[str, ...], words: str) -> None:
    process = start(photos, *args)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert words in errors and "Traceback" not in errors


def test_without_a_library_it_says_what_to_do(tmp_path: Path) -> None:
    process = start(tmp_path / "nothing")
    assert "localsearch init" in process.communicate(timeout=60)[1]
    assert process.returncode == 3


def test_read_only(photos: Path) -> None:
    with serving(photos, "--read-only") as (_, ready):
        found = ask(port_of(ready), "POST", "/v2/inputs", {"inputs": [{"data": {}}]})
        assert (found.status, found.code) == (403, 11007)
        assert len(ask(port_of(ready), "GET", "/v2/inputs").json["inputs"]) == 6


def test_mapped_urls_are_files_and_others_are_not_fetched(photos: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    write_photo(mirror / "2018" / "cat.png", 40)
    with serving(photos, "--map", f"https://cdn.test/p={mirror}") as (process, ready):
        url = "https://cdn.test/p/2018/cat.png"
        items = [{"data": {"image": {"url": one}}} for one in (url, "http://127.0.0.1:9/x.jpg")]
        found = ask(port_of(ready), "POST", "/v2/inputs", {"inputs": items})
        assert (found.status, found.code) == (207, 10010)
        good, bad = found.json["inputs"]
        assert (good["status"]["code"], good["data"]["image"]["url"]) == (30000, url)
        assert bad["status"]["code"] == 30002
        assert "--map" in bad["status"]["details"] and "--allow-urls" in bad["status"]["details"]
        picture = ask(port_of(ready), "GET", f"/pictures/{good['id']}.png")
        assert picture.body == (mirror / "2018" / "cat.png").read_bytes()
        ask(port_of(ready), "DELETE", f"/v2/inputs/{good['id']}")
        process.terminate()
        assert process.stderr is not None
        assert process.stderr.read().count("WARNING") == 1


def test_allowed_urls_are_fetched_but_not_from_this_computer(photos: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "cat.png", 41)
    with served_files(tmp_path) as files:
        body = {"inputs": [{"id": "fetched", "data": {"image": {"url": f"{files}/cat.png"}}}]}
        with serving(photos, "--allow-urls") as (_, ready):
            found = ask(port_of(ready), "POST", "/v2/inputs", body)
            assert (found.status, found.code) == (400, 10020)
            status = found.json["inputs"][0]["status"]
            assert status["code"] == 30002 and "this computer" in status["details"]
        with serving(photos, "--allow-urls", "--allow-private-urls") as (_, ready):
            found = ask(port_of(ready), "POST", "/v2/inputs", body)
            one = found.json["inputs"][0]
            assert (one["status"]["code"], one["data"]["image"]["url"]) == (
                30000,
                f"{files}/cat.png",
            )
            ask(port_of(ready), "DELETE", "/v2/inputs/fetched")


@contextmanager
def served_files(folder: Path) -> Iterator[str]:
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=files.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{files.server_address[1]}"
    files.shutdown()
    files.server_close()


def test_tls_with_a_certificate_of_ones_own(photos: Path, tmp_path: Path) -> None:
    """The way of programs that cannot be changed: a name in the hosts file, a private CA."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    issued = authority.issue_cert("api.clarifai.com")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(cert), append=True)
    args = ("--tls-cert", str(cert), "--tls-key", str(key), "--allow-host", "api.clarifai.com")
    with serving(photos, *args) as (_, ready):
        assert ready["url"].startswith("https://127.0.0.1:")
        context = ssl.create_default_context()
        authority.configure_trust(context)
        import http.client
        import socket

        plain = socket.create_connection(("127.0.0.1", port_of(ready)))
        line = http.client.HTTPConnection("api.clarifai.com")
        line.sock = context.wrap_socket(plain, server_hostname="api.clarifai.com")
        line.request("GET", "//v2/inputs/")
        found = json.loads(line.getresponse().read())
        assert found["inputs"][0]["data"]["image"]["url"].startswith("https://api.clarifai.com/pic")
        line.close()
        with Line(port_of(ready)) as wrong:  # no TLS: closed, and nobody else is harmed
            wrong.send(request("GET", "/v2/models"))
            assert wrong.is_closed()
        unsafe = ssl._create_unverified_context()
        with urllib.request.urlopen(f"{ready['url']}/v2/models", context=unsafe) as answer:
            assert answer.status == 200
