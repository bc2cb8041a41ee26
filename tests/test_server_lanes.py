"""The lanes: what is quick is done in order by one thread, and never waits long for what is not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from localsearch.server.lanes import Lanes

SHORT = 0.001


def run(test: Callable[[Lanes], Coroutine[Any, Any, None]]) -> None:
    """Run a test in a loop of its own, with lanes that are closed after it."""

    async def whole() -> None:
        lanes = Lanes()
        try:
            async with asyncio.timeout(30):
                await test(lanes)
        finally:
            lanes.close()

    asyncio.run(whole())


def test_results_and_faults_reach_who_waits_for_them() -> None:
    async def test(lanes: Lanes) -> None:
        assert await lanes.quick(lambda: 7) == 7
        assert await lanes.slow(lambda: 8) == 8
        with pytest.raises(ZeroDivisionError):
            await lanes.quick(lambda: 1 // 0)
        found = await asyncio.gather(
            *(lanes.quick(lambda n=n: 1 // (n % 3)) for n in range(30)), return_exceptions=True
        )
        assert [one if isinstance(one, int) else "fault" for one in found] == [
            "fault",
            1,
            0,
        ] * 10

    run(test)


def test_short_pieces_are_worked_off_by_one_thread_in_order() -> None:
    async def test(lanes: Lanes) -> None:
        done: list[tuple[int, int]] = []

        def piece(number: int) -> None:
            time.sleep(SHORT)
            done.append((number, threading.get_ident()))

        await asyncio.gather(*(lanes.quick(lambda n=n: piece(n)) for n in range(50)))
        assert [number for number, _ in done] == [*range(50)]
        assert len({thread for _, thread in done}) == 1

    run(test)


def test_short_pieces_overtake_long_ones() -> None:
    async def test(lanes: Lanes) -> None:
        go_on = threading.Event()
        long = [asyncio.create_task(lanes.quick(go_on.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        short = [lanes.quick(lambda n=n: n) for n in range(100)]
        assert await asyncio.gather(*short) == [*range(100)]  # while both long ones are at work
        assert not any(one.done() for one in long)
        go_on.set()
        assert await asyncio.gather(*long) == [True, True]

    run(test)


def test_all_long_pieces_are_done_in_the_end() -> None:
    async def test(lanes: Lanes) -> None:
        began = time.perf_counter()
        pieces = [lanes.quick(lambda n=n: (time.sleep(0.1), n)[1]) for n in range(12)]
        assert await asyncio.gather(*pieces) == [*range(12)]
        assert time.perf_counter() - began < 12 * 0.1  # some of them at the same time

    run(test)


def test_who_does_not_wait_any_more_costs_nothing() -> None:
    async def test(lanes: Lanes) -> None:
        go_on, done = threading.Event(), list[int]()
        first = asyncio.create_task(lanes.quick(go_on.wait))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(lanes.quick(lambda n=n: done.append(n))) for n in range(5)]
        await asyncio.sleep(0)
        for one in others[:3]:
            one.cancel()
        go_on.set()
        assert await first
        await asyncio.gather(*others, return_exceptions=True)
        assert done == [3, 4]

    run(test)


def test_closing_waits_for_what_is_at_work() -> None:
    done = threading.Event()

    async def begin() -> Lanes:
        lanes = Lanes()
        asyncio.ensure_future(lanes.quick(lambda: (time.sleep(0.2), done.set())))  # noqa: RUF006
        await asyncio.sleep(0.05)
        return lanes

    loop = asyncio.new_event_loop()
    lanes = loop.run_until_complete(begin())
    lanes.close()
    assert done.is_set()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
