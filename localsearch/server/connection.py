"""One client's connection: requests in, answers out, one after the other, all within time limits.

HTTP/1.1 by h11, the bytes by asyncio. Every answer that leaves here is what `Answering` made, also
for what is no HTTP, too large, or too slow. Invariant: nothing of a body is read before its request
was admitted, and never more than the admission allows. Knows no route and no library.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

import h11

from localsearch.server.messages import FilePart, Head, Response
from localsearch.server.targets import head_of, quoted_line

_CHUNK = 1 << 18
_LARGE = 1 << 20  # a body of more bytes needs room
_CLOSE = ("Connection", "close")
_HEAD_BYTES = 64 << 10
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_EMPTY_LINES = re.compile(rb"(?:\r?\n)+")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a client may take.

    `first`: a new connection, until its first byte. `idle`: between two requests. `head`: for one
    request's head. `stall`: without a byte of a body, or without one of an answer being taken.
    `least_rate` bytes a second a body must have on the whole, after `stall` seconds. `room`: for
    room in memory, while other large bodies have it. `linger`: what a refused client still sends is
    read and dropped for so long, so that it sees the answer.
    """

    first: float = 15.0
    idle: float = 75.0
    head: float = 10.0
    stall: float = 20.0
    least_rate: int = 32 << 10
    room: float = 60.0
    linger: float = 10.0


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to send a body of at most so many bytes. `ticket` is handed back with the body."""

    max_bytes: int
    ticket: object


class Refused(Exception):
    """What is not read any further: `status` 408 too slow, 413 or 431 too large, 400 broken, 503
    no room for it now."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Answering(Protocol):
    """What a connection asks for its answers. Nothing of it raises."""

    def admit(self, head: Head) -> Admission | Response:
        """Before the body is read: leave to send it, or the answer."""
        ...

    async def answer(self, head: Head, body: bytes, admission: Admission) -> Response:
        """The answer to a whole request."""
        ...

    def refusal(self, status: int, reason: str, head: Head | None) -> Response:
        """The answer to what is no request, too large or too slow."""
        ...


class Connection:
    """A connection at work. `waiting_since` (monotonic) while it waits for a request, else None."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answering: Answering,
        patience: Patience,
        large: asyncio.Semaphore,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._answering, self._patience = answering, patience
        self._large, self._holds_large = large, False
        self._ahead = b""  # what came after the last request
        self._ending = False
        self._secure = writer.get_extra_info("ssl_object") is not None
        self.answered = 0
        self.waiting_since: float | None = time.monotonic()

    async def serve(self) -> None:
        """Answer until the client or its patience is at an end."""
        try:
            while not self._ending and await self._one_request():
                self.answered += 1
        except (OSError, EOFError, TimeoutError, h11.LocalProtocolError):
            self.abort()  # the client went away, or does not take its answer
        finally:
            self._writer.close()

    def end(self) -> None:
        """Close when the request at hand is answered; at once if there is none."""
        self._ending = True
        if self.waiting_since is not None:
            self.abort()

    def abort(self) -> None:
        """Cut the line; what was not sent is lost."""
        self._writer.transport.abort()

    async def _one_request(self) -> bool:
        """One request and its answer; False if the connection is at an end."""
        self.waiting_since = time.monotonic()
        try:
            raw = await self._raw_head()
        except Refused as refused:
            await self._send_last(refused.status, refused.reason)
            return False
        if raw is None:
            return False
        protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        try:
            protocol.receive_data(raw)
            event = protocol.next_event()
            assert isinstance(event, h11.Request)
            head = head_of(event, secure=self._secure)
        except (h11.RemoteProtocolError, ValueError) as fault:
            await self._send_last(400, f"this is no HTTP request: {fault}")
            return False
        self.waiting_since = None
        if self._ahead:
            protocol.receive_data(self._ahead)
            self._ahead = b""
        return await self._answered(protocol, head)

    async def _raw_head(self) -> bytes | None:
        """The bytes of a head, or None when the client has gone or was silent. Raises Refused."""
        patience = self._patience
        at = time.monotonic() + (patience.idle if self.answered else patience.first)
        begun = False
        while True:
            if self._ahead and (lines := _EMPTY_LINES.match(self._ahead)):
                self._ahead = self._ahead[lines.end() :]  # RFC 9112: empty lines may come first
            if self._ahead and not begun:
                begun, at = True, time.monotonic() + patience.head
            found = _HEAD_END.search(self._ahead)
            if (found.end() if found is not None else len(self._ahead)) > _HEAD_BYTES:
                raise Refused(431, "the head of the request is too large")
            if found is not None:
                raw, self._ahead = self._ahead[: found.end()], self._ahead[found.end() :]
                return quoted_line(raw)
            try:
                async with asyncio.timeout(max(at - time.monotonic(), 0)):
                    more = await self._reader.read(_CHUNK)
            except TimeoutError as fault:
                if not begun:
                    return None
                raise Refused(408, "the head of the request did not come in time") from fault
            if not more:
                return None
            self._ahead += more

    async def _answered(self, protocol: h11.Connection, head: Head) -> bool:
        admission = self._answering.admit(head)
        if isinstance(admission, Response):
            return await self._sent_early(protocol, head, admission)
        try:
            body = await self._body(protocol, admission.max_bytes)
            response = await self._answering.answer(head, body, admission)
        except Refused as refused:
            response = self._answering.refusal(refused.status, refused.reason, head)
            return await self._sent_early(protocol, head, response)
        finally:
            self._give_room_back()
        if self._ending:
            response = response.with_headers(_CLOSE)
        await self._send(protocol, head, response)
        return self._goes_on(protocol)

    def _goes_on(self, protocol: h11.Connection) -> bool:
        """Whether both sides are done with a request and want another."""
        if protocol.our_state is not h11.DONE or protocol.their_state is not h11.DONE:
            return False
        self._ahead = protocol.trailing_data[0]
        return True

    async def _sent_early(self, protocol: h11.Connection, head: Head, response: Response) -> bool:
        """Answer without waiting for the body; unless it is here, the connection ends."""
        if _is_whole(protocol):
            await self._send(protocol, head, response)
            return self._goes_on(protocol)
        await self._send(protocol, head, response.with_headers(_CLOSE))
        await self._linger()
        return False

    async def _make_room(self) -> None:
        """Few large bodies at a time are in memory; the next one waits. Raises Refused."""
        try:
            async with asyncio.timeout(self._patience.room):
                await self._large.acquire()
        except TimeoutError as fault:
            raise Refused(503, "too many large requests at a time") from fault
        self._holds_large = True

    def _give_room_back(self) -> None:
        if self._holds_large:
            self._holds_large = False
            self._large.release()

    async def _body(self, protocol: h11.Connection, max_bytes: int) -> bytes:
        """The whole body. Raises Refused."""
        patience, parts, size = self._patience, list[bytes](), 0
        began = time.monotonic()
        while True:
            try:
                event = protocol.next_event()
            except h11.RemoteProtocolError as fault:
                raise Refused(400, f"the body is broken: {fault}") from fault
            if isinstance(event, h11.EndOfMessage):
                return b"".join(parts)
            if isinstance(event, h11.Data):
                size += len(event.data)
                if size > max_bytes:
                    raise Refused(413, f"the body has more than {max_bytes:,} bytes")
                parts.append(bytes(event.data))
                if size > _LARGE and not self._holds_large:
                    waited = time.monotonic()
                    await self._make_room()
                    began += time.monotonic() - waited
                continue
            if protocol.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
                self._writer.write(protocol.send(go_on) or b"")
            allowed = patience.stall + size / patience.least_rate - (time.monotonic() - began)
            try:
                async with asyncio.timeout(max(min(allowed, patience.stall), 0)):
                    protocol.receive_data(await self._reader.read(_CHUNK))
            except TimeoutError as fault:
                raise Refused(408, "the body did not come in time") from fault

    async def _send(self, protocol: h11.Connection, head: Head, response: Response) -> None:
        begin = h11.Response(
            status_code=response.status,
            reason=HTTPStatus(response.status).phrase.encode("ascii"),
            headers=[
                ("Content-Type", response.content_type),
                ("Content-Length", str(response.length)),
                *response.headers,
            ],
        )
        parts = [protocol.send(begin) or b""]
        if head.method == "HEAD":
            pass
        elif isinstance(response.body, bytes):
            # One write for head and body: two would wait for each other (Nagle).
            parts.append(protocol.send(h11.Data(data=response.body)) or b"")
        else:
            async for chunk in _chunks_of(response.body):
                parts.append(protocol.send(h11.Data(data=chunk)) or b"")
                await self._write(b"".join(parts))
                parts.clear()
        parts.append(protocol.send(h11.EndOfMessage()) or b"")
        await self._write(b"".join(parts))

    async def _write(self, data: bytes) -> None:
        """Send in pieces, each of which the client must take in time."""
        view = memoryview(data)
        for start in range(0, len(view), _CHUNK):
            self._writer.write(view[start : start + _CHUNK])
            async with asyncio.timeout(self._patience.stall):
                await self._writer.drain()

    async def _send_last(self, status: int, reason: str) -> None:
        """Answer what could not be read as a request, then no more."""
        response = self._answering.refusal(status, reason, None)
        nothing = Head("GET", "/", "", "", {})
        await self._send(h11.Connection(h11.SERVER), nothing, response.with_headers(_CLOSE))
        await self._linger()

    async def _linger(self) -> None:
        """Closing on bytes that nobody read makes the system throw away the answer as well."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._patience.linger):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(_CHUNK):
                    pass


def _is_whole(protocol: h11.Connection) -> bool:
    """Whether all of the request has come already; its body is dropped."""
    if protocol.they_are_waiting_for_100_continue:
        return False
    try:
        while isinstance(event := protocol.next_event(), h11.Data):
            pass
    except h11.RemoteProtocolError:
        return False
    return isinstance(event, h11.EndOfMessage)


async def _chunks_of(part: FilePart) -> AsyncIterator[bytes]:
    """The bytes of a part of a file, read on a thread: a disk may have to wake up first."""
    file = await asyncio.to_thread(part.path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, part.start)
        left = part.length
        while left:
            chunk = await asyncio.to_thread(file.read, min(left, _CHUNK))
            if not chunk:
                raise EOFError("the file became shorter")
            left -= len(chunk)
            yield chunk
    finally:
        file.close()
