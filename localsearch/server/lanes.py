"""Threads on which the library is asked, in two lanes: what takes long never delays what does not.

Knows nothing of HTTP. What is at work is finished when the lanes close.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# Searches hold the interpreter's lock most of their time: more threads than this make each wait
# for all. Adds wait for the network of a pack, or for a host far away.
_QUICK = min(max(os.cpu_count() or 1, 2) + 1, 8)
_SLOW = 4


class Lanes:
    """Two pools of threads; close it when nothing is asked any more."""

    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(_QUICK, "localsearch-quick")
        self._slow = ThreadPoolExecutor(_SLOW, "localsearch-slow")

    async def quick(self, work: Callable[[], T]) -> T:
        """Run what takes milliseconds."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def slow(self, work: Callable[[], T]) -> T:
        """Run what may take seconds."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, work)

    def close(self) -> None:
        """Wait for what is at work; nothing new is taken."""
        self._quick.shutdown()
        self._slow.shutdown()
