"""Threads on which the library is asked, in two lanes: what takes long never delays what does not.

Knows nothing of HTTP. What is at work is finished when the lanes close.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from localsearch.machine import lower_thread_priority

T = TypeVar("T")

_QUICK: Final = 4
_SLOW: Final = 4
"""Adds wait for the network of a pack, or for a host far away, and give way to what is quick."""
_PATIENCE: Final = 0.025
"""Seconds after which a piece of work counts as one that takes long after all."""

Piece = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Lanes:
    """Threads for both lanes; close it when nothing is asked any more."""

    def __init__(self) -> None:
        self._quick = _QuickLane()
        self._slow = ThreadPoolExecutor(_SLOW, "localsearch-slow", lower_thread_priority)

    async def quick(self, work: Callable[[], T]) -> T:
        """Run what takes milliseconds."""
        return await self._quick.run(work)

    async def slow(self, work: Callable[[], T]) -> T:
        """Run what may take seconds."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, work)

    def close(self) -> None:
        """Wait for what is at work; nothing new is taken."""
        self._quick.close()
        self._slow.shutdown()


class _QuickLane:
    """One thread works off what comes; others help while that takes long.

    Searches hold the interpreter's lock most of their time. Three threads that want it take half as
    much again for the same work: they wait for each other at every statement of SQLite, and each
    warms the cache of a connection of its own. So the others rest, until a piece of work has taken
    `_PATIENCE`, and go to rest again when the work goes on in small pieces.
    """

    def __init__(self) -> None:
        self._threads = [ThreadPoolExecutor(1, f"localsearch-quick-{n}") for n in range(_QUICK)]
        self._lock = threading.Lock()  # of the fields below
        self._waiting = deque[Piece]()
        self._since: dict[int, float] = {}  # of each thread at work, when its piece began
        self._timer: asyncio.TimerHandle | None = None  # of the loop's thread alone

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, or what it raises."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append((work, done))
        self._look()
        return await done

    def _look(self) -> None:
        """Have one more thread at work if it is time for it; else look again when it may be."""
        with self._lock:
            free = next((n for n in range(_QUICK) if n not in self._since), None)
            if not self._waiting or free is None:
                return
            left = self._youngest() + _PATIENCE - time.monotonic()
            if left <= 0:
                left = _PATIENCE
                self._since[free] = time.monotonic()
                self._threads[free].submit(self._work_off, free)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(left, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._look()

    def _youngest(self) -> float:
        """When the last piece of work began; long ago where there is none."""
        return max(self._since.values(), default=-_PATIENCE)

    def _work_off(self, thread: int) -> None:
        """What a thread does, until nothing waits or another one gets along without it."""
        while (piece := self._next(thread)) is not None:
            work, done = piece
            if done.cancelled():
                continue
            try:
                found, fault = work(), None
            except BaseException as error:  # noqa: BLE001  (told to who waits for it)
                found, fault = None, error
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
                done.get_loop().call_soon_threadsafe(self._deliver, done, found, fault)

    def _next(self, thread: int) -> Piece | None:
        with self._lock:
            del self._since[thread]
            now = time.monotonic()
            if not self._waiting or now < self._youngest() + _PATIENCE:
                return None
            self._since[thread] = now
            return self._waiting.popleft()

    def _deliver(
        self, done: asyncio.Future[Any], found: object, fault: BaseException | None
    ) -> None:
        if not done.cancelled():
            if fault is None:
                done.set_result(found)
            else:
                done.set_exception(fault)
        self._look()

    def close(self) -> None:
        """Wait for what is at work."""
        for thread in self._threads:
            thread.shutdown()
