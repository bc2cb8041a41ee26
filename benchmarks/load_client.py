"""Clients that ask a server: at given times, as fast as they can, or not at all.

Plain asyncio and as little work as possible for each answer: on a small machine the clients take
from the server what they use themselves.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import urlsplit

from benchmarks.pictures import photo_like

_SAMPLE = 64
_CONCEPTS = ("outdoors", "people", "dog", "water", "building", "food", "night", "car")


@dataclass(slots=True)
class Load:
    """What came of many requests."""

    seconds: float = 0.0
    failed: int = 0
    first_fault: str = ""
    seen: list[tuple[str, float]] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many were answered well."""
        return len(self.seen)

    @property
    def milliseconds(self) -> list[float]:
        """All latencies."""
        return [ms for _, ms in self.seen]

    def by_kind(self) -> dict[str, list[float]]:
        """Latencies of each kind of request."""
        kinds: dict[str, list[float]] = {}
        for kind, ms in self.seen:
            kinds.setdefault(kind, []).append(ms)
        return kinds

    def percentile(self, percent: float) -> float:
        """Milliseconds that so many per cent stay below; not a number if nothing was answered."""
        ordered = sorted(self.milliseconds)
        if not ordered:
            return float("nan")
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]

    def note(self, kind: str, seconds: float, status: int, code: int) -> None:
        """One answer."""
        if (status, code) == (200, 10000):
            self.seen.append((kind, seconds * 1e3))
        else:
            self.fault(f"{kind}: HTTP {status}, {code}")

    def fault(self, told: str) -> None:
        """One that failed."""
        self.failed += 1
        self.first_fault = self.first_fault or told


@dataclass(frozen=True, slots=True)
class Questions:
    """Requests by kind, as bytes."""

    by_kind: dict[str, list[bytes]]
    weights: tuple[int, ...] = (4, 3, 3)

    def pick(self) -> tuple[str, bytes]:
        """One at random: of ten, four concepts, three likenesses, three reads."""
        (kind,) = random.choices(list(self.by_kind), self.weights)
        return kind, random.choice(self.by_kind[kind])

    def __str__(self) -> str:
        parts = zip(self.weights, self.by_kind, strict=True)
        return "of ten requests: " + ", ".join(f"{weight} {kind}" for weight, kind in parts)


class Asker:
    """A line to the server that is kept."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname or "", urlsplit(url).port or 0

    async def __aenter__(self) -> Asker:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *fault: object) -> None:
        self._writer.close()

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """HTTP status and body."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return int(head[9:12]), await self._reader.readexactly(length)

    @staticmethod
    async def questions(url: str) -> Questions:
        """Requests about what the server has."""
        async with Asker(url) as asker:
            _, body = await asker.ask(as_bytes("GET", f"/v2/inputs?per_page={_SAMPLE}&page=40"))
        ids = [one["id"] for one in json.loads(body)["inputs"] if one["status"]["code"] == 30000]
        return Questions(
            {
                "concept": [searching({"data": {"concepts": [{"name": n}]}}) for n in _CONCEPTS],
                "likeness": [searching({"input": {"id": i, "data": {"image": {}}}}) for i in ids],
                "input": [as_bytes("GET", f"/v2/inputs/{i}") for i in ids],
            }
        )


def searching(output: object) -> bytes:
    """A search as clients send it."""
    return as_bytes("POST", "/v2/searches", {"query": {"ands": [{"output": output}]}})


def as_bytes(method: str, target: str, body: object = None) -> bytes:
    """A request."""
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Key any\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def _code(body: bytes) -> int:
    """The number in the status, which stands first."""
    return int(body[:64].partition(b'"code": ')[2].split(b",", 1)[0] or 0)


async def offered(
    url: str, questions: Questions, clients: int, rate: float, seconds: float
) -> Load:
    """So many requests a second in all, each at its time, whatever the answers do."""
    load = Load(seconds)
    began = time.perf_counter() + 0.1

    async def client(number: int) -> None:
        async with Asker(url) as asker:
            due = began + number / rate
            while due < began + seconds:
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                kind, request = questions.pick()
                status, body = await asker.ask(request)
                load.note(kind, time.perf_counter() - due, status, _code(body))
                due += clients / rate

    await _all(load, [client(number) for number in range(clients)])
    load.seconds = time.perf_counter() - began
    return load


async def closed_loop(url: str, questions: Questions, clients: int, seconds: float) -> Load:
    """All clients as fast as answers come."""
    load = Load(seconds)
    start = time.perf_counter()
    ending = start + seconds

    async def client() -> None:
        async with Asker(url) as asker:
            while (began := time.perf_counter()) < ending:
                kind, request = questions.pick()
                status, body = await asker.ask(request)
                load.note(kind, time.perf_counter() - began, status, _code(body))

    await _all(load, [client() for _ in range(clients)])
    load.seconds = time.perf_counter() - start
    return load


async def _all(load: Load, clients: Sequence[Coroutine[None, None, None]]) -> None:
    results = await asyncio.gather(*clients, return_exceptions=True)
    for one in results:
        if isinstance(one, BaseException):
            load.fault(repr(one))


async def adding(url: str, stop: asyncio.Event) -> Load:
    """Add a picture a second until told to stop."""
    load, number = Load(), 0
    file = BytesIO()
    photo_like(1, (1024, 768)).save(file, "JPEG", quality=88)
    async with Asker(url) as asker:
        while not stop.is_set():
            # What follows the end of a JPEG makes it another content, to be looked at anew.
            data = base64.b64encode(file.getvalue() + b"%d" % number).decode()
            body = {"inputs": [{"data": {"image": {"base64": data}}}]}
            began = time.perf_counter()
            status, answer = await asker.ask(as_bytes("POST", "/v2/inputs", body))
            load.note("add", time.perf_counter() - began, status, _code(answer))
            number += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
    return load


@asynccontextmanager
async def half_open(url: str, count: int) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Hold so many lines, each in the middle of a head; tells how many the server has ended."""
    parts = urlsplit(url)
    lines = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"POST /v2/searches HTTP/1.1\r\nHost: localh")
        lines.append((reader, writer))

    async def ended() -> int:
        return sum(await asyncio.gather(*(_has_ended(reader) for reader, _ in lines)))

    try:
        yield ended
    finally:
        for _, writer in lines:
            writer.close()


async def _has_ended(reader: asyncio.StreamReader) -> bool:
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(1.0):
            await reader.read()
            return True
    return False
