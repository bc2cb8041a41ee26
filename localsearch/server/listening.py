"""Opens the port, keeps the connections, and ends them: a server at work.

At most `max_connections` are open; beyond, the one that has waited longest without a request gives
way, so that clients which only hold a line keep nobody out. Invariant: `run` returns when every
request that had begun is answered, or `seconds_to_finish` are over; threads are waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import sys
from collections.abc import Callable
from functools import partial

import localsearch as ls
from localsearch.clarifai import FaceOptions
from localsearch.log import logger
from localsearch.server.application import Application
from localsearch.server.connection import Connection
from localsearch.server.lanes import Lanes
from localsearch.server.preparing import prepare
from localsearch.server.settings import Settings, check, tls_of

_BACKLOG = 1024
_READ_AHEAD = 1 << 18
_LARGE_BODIES = 4  # at a time: each may take a few times its size while it is read
_SPARE_FILES = 256  # for the library: segments, thumbnails, SQLite
_HANDSHAKE_SECONDS = 10.0
_TICK_SECONDS = 0.5 if os.name == "nt" else 3600.0  # Windows: a signal wakes nobody who waits


class Server:
    """A server over an open library. `run` blocks; `stop` may be called by any thread."""

    def __init__(
        self, library: ls.Library, settings: Settings, options: FaceOptions | None = None
    ) -> None:
        check(settings)
        self._settings = settings
        self._tls: ssl.SSLContext | None = tls_of(settings)
        self._library, self._lanes = library, Lanes()
        self._application = Application(library, settings, options or FaceOptions(), self._lanes)
        self._open: dict[Connection, asyncio.Task[None]] = {}
        self._most = _file_limit(settings.max_connections)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._stop_early = False

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Serve until `stop`. `on_ready` is told the URL once it listens.

        Raises InputError if the port cannot be had.
        """
        try:
            asyncio.run(self._serve(on_ready))
        finally:
            self._lanes.close()

    def stop(self) -> None:
        """End: what was asked is answered, nothing new is taken."""
        self._stop_early = True
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self, on_ready: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_quietly)
        self._large = asyncio.Semaphore(_LARGE_BODIES)
        listening = await self._listening()
        host, port = listening.sockets[0].getsockname()[:2]
        self._application.own_url = url = self._url(host, port)
        on_ready(url)
        warming = asyncio.create_task(self._lanes.slow(partial(prepare, self._library)))
        warming.add_done_callback(lambda done: done.exception())  # nobody waits for it
        while not (self._stopping.is_set() or self._stop_early):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._stopping.wait()
        listening.close()
        await self._finish()

    async def _listening(self) -> asyncio.Server:
        settings = self._settings
        try:
            return await asyncio.start_server(
                self._connected,
                "127.0.0.1" if settings.host == "localhost" else settings.host,
                settings.port,
                limit=_READ_AHEAD,
                backlog=_BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._tls is not None else None,
            )
        except OSError as fault:
            raise ls.InputError(
                f"cannot listen on {settings.host}, port {settings.port}: {fault.strerror}",
                hint="another program may have it: --port 0 takes a free one",
            ) from fault

    def _url(self, host: str, port: int) -> str:
        """Where this computer reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        scheme = "https" if self._tls is not None else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(
            reader, writer, self._application, self._settings.patience, self._large
        )
        task = asyncio.current_task()
        assert task is not None
        self._open[connection] = task
        if len(self._open) > self._most:
            self._drop_one(connection)
        try:
            await connection.serve()
        finally:
            del self._open[connection]

    def _drop_one(self, newest: Connection) -> None:
        """Cut the line that was idle longest; of those that never asked anything, if there is one.

        If all are at work, the newest has to go.
        """
        idle = [one for one in self._open if one.waiting_since is not None and one is not newest]
        if not idle:
            newest.abort()
            return
        min(idle, key=lambda one: (one.answered > 0, one.waiting_since or 0.0)).abort()

    async def _finish(self) -> None:
        """End idle connections, wait for the others, then cut them."""
        for one in list(self._open):
            one.end()
        tasks = list(self._open.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._settings.seconds_to_finish)
            for task in late:
                task.cancel()


def _file_limit(wanted: int) -> int:
    """Raise this process's limit of open files if it is small; gives how many connections fit."""
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        best = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
            soft = best
    fits = wanted if soft == resource.RLIM_INFINITY else max(soft - _SPARE_FILES, 16)
    return min(wanted, fits)


def _quietly(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Clients that vanish are no news; what else goes wrong in the loop is."""
    fault = context.get("exception")
    if isinstance(fault, OSError | ssl.SSLError | EOFError):
        logger().debug("connection: %s", context.get("message"))
        return
    logger().error(
        "in the server: %s",
        context.get("message"),
        exc_info=fault if fault else None,  # type: ignore[arg-type]
    )
