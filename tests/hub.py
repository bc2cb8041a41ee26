"""A hub on this computer: it speaks the paths of the one in the web, and fails as it is told.

`/ORG/NAME/resolve/REVISION/FILE` redirects to `/cdn/...`, which knows ranges and tags. What is in
`faults` happens to the next requests of the CDN, one each; what is in `asked` was asked.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REPOSITORY = "/localsearch-packs/tiny/resolve/0123456789abcdef"
Fault = Callable[["Handler", bytes], None]


class Hub:
    """What the server holds and what was asked of it."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.redirect: Callable[[str], str] = lambda name: f"/cdn/{name}?signature=a%2Fb"
        self.ranges = True
        self.tags = True
        self.sent = 0

    @property
    def base(self) -> str:
        return self.url + REPOSITORY

    def hold(self, folder: Path) -> None:
        self.files = {one.name: one.read_bytes() for one in folder.iterdir()}

    def requests(self, name: str) -> list[dict[str, str]]:
        """The headers of what was asked of the CDN for a file, in lower case."""
        return [headers for path, headers in self.asked if path.startswith(f"/cdn/{name}")]


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        hub = self.hub
        hub.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        path = self.path.partition("?")[0]
        name = path.rpartition("/")[2]
        if path.startswith("/cdn/"):
            fault = hub.faults.pop(0) if hub.faults else None
            if name in hub.files:
                (fault or _whole)(self, hub.files[name])
                return
        elif path.startswith(REPOSITORY) and name in hub.files:
            self.head(302, {"Location": hub.redirect(name), "Content-Length": "0"})
            return
        self.head(404, {"Content-Length": "0"})

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def send(self, data: bytes) -> None:
        self.hub.sent += len(data)
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def tag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def start_of(handler: Handler, body: bytes) -> int:
    """Where an answer begins: at the byte that was asked for, if the file is still the same."""
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    same = handler.headers.get("If-Range", tag(body)) == tag(body)
    return int(asked[1]) if asked and same and handler.hub.ranges else 0


def begin(handler: Handler, body: bytes) -> bytes:
    """Send the head of a good answer; gives the bytes that it promises."""
    start = start_of(handler, body)
    headers = {"ETag": tag(body)} if handler.hub.tags else {}
    if start >= len(body) > 0:
        handler.head(416, {"Content-Length": "0"})
        return b""
    if start:
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
    handler.head(206 if start else 200, headers | {"Content-Length": str(len(body) - start)})
    return body[start:]


def _whole(handler: Handler, body: bytes) -> None:
    handler.send(begin(handler, body))


def cut(after: int) -> Fault:
    """The line ends after so many bytes of the body."""
    return lambda handler, body: handler.send(begin(handler, body)[:after])


def status(code: int, **headers: str) -> Fault:
    """No file but a status; underscores in names of headers are dashes."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda handler, _: handler.head(code, {"Content-Length": "0", **named})


def instead(other: bytes) -> Fault:
    """Another file than the one that was asked for."""
    return lambda handler, _: _whole(handler, other)


def endless(handler: Handler, body: bytes) -> None:
    """More than the file, its length not told."""
    handler.head(200, {})
    for _ in range(3):
        handler.send(body)


def trickle(pause: float) -> Fault:
    """A byte now and then."""

    def fault(handler: Handler, body: bytes) -> None:
        for at, _ in enumerate(begin(handler, body)):
            handler.wfile.write(body[at : at + 1])
            time.sleep(pause)

    return fault


def silent(seconds: float) -> Fault:
    """No head for a long time."""
    return lambda handler, _: time.sleep(seconds)


@contextmanager
def hub(context: ssl.SSLContext | None = None) -> Iterator[Hub]:
    """A running hub; with a context it speaks TLS."""
    held = Hub()
    kind = type("Handler", (Handler,), {"hub": held})
    server = _Quiet(("127.0.0.1", 0), kind)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    held.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


def catalogue(file: Path, pack: Path, base: str, name: str = "tiny", **more: str) -> Path:
    """A catalogue with one entry: the pack in a folder, published at `base`."""
    import tomllib

    digest = tomllib.loads((pack / "pack.toml").read_text(encoding="utf-8"))["pack_digest"]
    facts = {
        "summary": "colours",
        "licence": "CC0-1.0",
        "source": "made by the tests",
        "trained_on": "nothing",
        "training_terms": "none",
        "export": "TINY",
        "pack_digest": digest,
        "base": base,
        **more,
    }
    lines = ["format = 1", f"[packs.{name}]", "version = 1"]
    lines += [f'{key} = "{value}"' for key, value in facts.items()]
    for one in sorted(pack.iterdir()):
        data = one.read_bytes()
        lines += [f"[[packs.{name}.files]]", f'name = "{one.name}"', f"bytes = {len(data)}"]
        lines.append(f'sha256 = "{hashlib.sha256(data).hexdigest()}"')
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
