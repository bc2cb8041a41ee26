"""A library in an asyncio program: every call in a worker thread, and cancelling reaches it.

    python asyncio_worker.py PHOTOS --query dog

The library's calls block, so an event loop hands them to threads (`asyncio.to_thread`). A task
that is cancelled does not end its thread: `stop` does.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

import localsearch as ls

T = TypeVar("T")


async def in_thread(call: Callable[[threading.Event], T]) -> T:
    """Run `call(stop)` in a thread; if this task is cancelled, `stop` is set and waited for."""
    stop = threading.Event()
    thread = asyncio.create_task(asyncio.to_thread(call, stop))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        stop.set()
        # A search raises Cancelled, a sync returns a report of what it has done so far.
        await asyncio.gather(thread, return_exceptions=True)
        raise


async def synced(library: ls.Library) -> ls.SyncReport:
    """Sync; progress comes back into the event loop."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[ls.Progress] = asyncio.Queue()

    def tell(progress: ls.Progress) -> None:  # called in the thread
        loop.call_soon_threadsafe(events.put_nowait, progress)

    work = asyncio.create_task(
        in_thread(lambda stop: library.sync(progress=tell, stop=stop)), name="sync"
    )
    while not work.done() or not events.empty():
        try:
            progress = await asyncio.wait_for(events.get(), 0.1)
        except TimeoutError:
            continue
        print(f"{progress.stage}: {progress.done}/{progress.total}")
    return await work


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("photos")
    arguments.add_argument("--query", default="dog")
    asked = arguments.parse_args()

    library = await asyncio.to_thread(ls.open, asked.photos)
    try:
        report = await synced(library)
        print(f"{report.added + report.unchanged} photos")

        # Two searches at once: any number of threads may ask one library.
        pages = await asyncio.gather(
            in_thread(lambda stop: library.search(asked.query, limit=3, stop=stop)),
            in_thread(lambda stop: library.search(~ls.concept("animal"), limit=3, stop=stop)),
        )
        for page in pages:
            print(page.total, [hit.path.name for hit in page if hit.path is not None])

        # The user types on: the search before is not wanted any more.
        first = asyncio.create_task(
            in_thread(lambda stop: library.search(asked.query, stop=stop)), name="search"
        )
        await asyncio.sleep(0)
        first.cancel()
        try:
            await first
        except asyncio.CancelledError:
            print("the first search was called off")
    finally:
        await asyncio.to_thread(library.close)


if __name__ == "__main__":
    asyncio.run(main())
