"""Real servers over real libraries, and a client that speaks HTTP as badly as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import localsearch as ls
from localsearch.clarifai import FaceOptions
from localsearch.server import Server, Settings
from tests.make_library import open_library, write_photo

SEEDS = range(1, 7)


def filled(folder: Path, **options: Any) -> ls.Library:
    """A library of six photos in `folder`."""
    for seed in SEEDS:
        write_photo(folder / f"photo {seed}.png", seed)
    library = open_library(folder, **options)
    library.sync()
    return library


@dataclass(frozen=True, slots=True)
class Served:
    """A server at work."""

    server: Server
    url: str

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0


@contextmanager
def served(
    library: ls.Library, settings: Settings | None = None, options: FaceOptions | None = None
) -> Iterator[Served]:
    """Serve on a free port, on a thread of its own, until the block ends."""
    server = Server(library, settings or Settings(port=0), options)
    told: list[str] = []
    faults: list[BaseException] = []
    listening = threading.Event()

    def ready(url: str) -> None:
        told.append(url)
        listening.set()

    def run() -> None:
        try:
            server.run(ready)
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)
            listening.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert listening.wait(20)
    if faults:
        raise faults[0]
    try:
        yield Served(server, told[0])
    finally:
        server.stop()
        thread.join(40)
        assert not thread.is_alive()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came over the line."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        assert self.headers["content-type"].startswith("application/json"), self.headers
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def code(self) -> int:
        """The number in the status object, which every answer has."""
        status = self.json["status"]
        assert set(status) <= {"code", "description", "details"}, status
        # A failed batch tells its causes item by item.
        told = self.status not in (200, 207) and status["code"] != 10020
        assert ("details" in status) == told, status
        return int(status["code"])


class Line:
    """A connection on which bytes are sent as they are told."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode("utf-8") if isinstance(data, str) else data)

    def reply(self, *, head_only: bool = False) -> Reply:
        """Read one answer. EOFError if the line was closed instead."""
        first = self._file.readline()
        if not first:
            raise EOFError
        version, status, _ = first.decode("ascii").split(" ", 2)
        assert version == "HTTP/1.1"
        headers: dict[str, str] = {}
        while (line := self._file.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if int(status) == 100 or head_only or int(status) == 304:
            return Reply(int(status), headers, b"")
        return Reply(int(status), headers, self._file.read(int(headers["content-length"])))

    def is_closed(self) -> bool:
        """Whether the server has closed; waits for that or for a byte."""
        try:
            return self._file.read(1) == b""
        except OSError:
            return True


def request(
    method: str,
    target: str,
    body: bytes | str | None = None,
    *,
    host: str = "127.0.0.1",
    **headers: str,
) -> bytes:
    """A request as bytes; header names with `_` for `-`."""
    data = body.encode("utf-8") if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if data is not None and "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + (data or b"")


def ask(
    port: int, method: str, target: str, body: Any = None, *, host: str = "", **headers: str
) -> Reply:
    """One request on a line of its own; a body that is no text or bytes is sent as JSON."""
    data = body if isinstance(body, bytes | str | None) else json.dumps(body)
    with Line(port) as line:
        line.send(request(method, target, data, host=host or f"127.0.0.1:{port}", **headers))
        return line.reply(head_only=method == "HEAD")
