"""Keeps the derived files of a store in shape behind the callers: when, and on which thread.

One thread a store and process, alive only while something is due: commits wake it, it ends when
all is done, and `leave` or the end of the interpreter stops it. What it does is told it as `work`;
it never works for a handle that only reads, and what goes wrong in it is logged, never raised
into a search. Invariant: at any time at most one thread of this process changes the segments of a
store, this one or a caller, whoever has the `turn`; `publish.lock` keeps other processes out.
"""

from __future__ import annotations

import atexit
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, Protocol, TypeVar

from localsearch.errors import LibraryBusy, LibraryClosed, LibraryFull, LibraryPackChanged
from localsearch.log import logger
from localsearch.machine import lower_thread_priority

GRACE_SECONDS: Final = 0.7
"""A publish under way goes on so long after the last handle was closed: a program that adds one
photo and closes would else never come to the end of one."""

PATIENCE_SECONDS: Final = 10.0
"""`leave` waits no longer for work that does not heed its stop; the files are closed under it."""

Stop = Callable[[], bool]
Handle = TypeVar("Handle")
"""The open parts of a library that may write."""


class Pace(Protocol):
    """What the work asks between two pieces of it."""

    def gone(self) -> bool:
        """The handle is being closed, or the interpreter ends: stop at once."""

    def late(self) -> bool:
        """The same, but a publish may come to its end."""

    def give_way(self) -> bool:
        """`gone`, or a caller waits for its turn."""

    def more(self) -> bool:
        """Woken again meanwhile; asking takes note of it."""


class Upkeep(Generic[Handle]):
    """Runs `work` when it is woken, on a thread of its own, for the handles that may write."""

    def __init__(self, work: Callable[[Handle, Pace], None]) -> None:
        self._work = work
        self._served: list[Handle] = []
        self.begin_anew()
        _ALL.add(self)

    def begin_anew(self) -> None:
        """After a fork, in the child: the thread and whoever held the locks are not here."""
        self._changed = threading.Condition()  # for the fields; held for moments only
        self._turn = threading.Lock()  # held by who changes the segments
        self._thread: threading.Thread | None = None
        self._at_work: Handle | None = None
        self._left: dict[int, float] = {}  # id of a handle -> when it was closed
        self._wanted = self._ending = False
        self._waiting = 0  # who would like the turn
        self._held_back = 0

    def serve(self, handle: Handle) -> None:
        """Work for this store through `handle`, which is open and may write."""
        with self._changed:
            self._served.append(handle)

    def wake(self) -> None:
        """Something may be due. Returns at once."""
        with self._changed:
            if self._ending or not self._served:
                return
            self._wanted = True
            if self._thread is not None:
                return
            self._thread = threading.Thread(
                target=self._run, name="localsearch-upkeep", daemon=True
            )
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter ends; the next process does it
                self._thread = None

    def leave(self, handle: Handle) -> None:
        """Work no longer through `handle`, which is about to be closed; stops what is under way."""
        with self._changed:
            if handle not in self._served:
                return
            self._served.remove(handle)
            self._left[id(handle)] = time.monotonic()
            cut_off = self._at_work is handle
            self._changed.wait_for(lambda: self._at_work is not handle, PATIENCE_SECONDS)
            del self._left[id(handle)]
        if cut_off:
            self.wake()  # through a handle that is still open, if there is one

    def busy(self) -> bool:
        """Whether something is done or waits to be done."""
        with self._changed:
            return self._thread is not None

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is done; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, seconds)

    @contextmanager
    def turn(self, stop: Stop) -> Iterator[bool]:
        """For the block, this thread alone changes the segments.

        The thread of the upkeep gives way within a second. False if `stop` told to wait no longer:
        then nothing may be changed.
        """
        with self._changed:
            self._waiting += 1
        mine = False
        try:
            while not (stop() or mine):
                mine = self._turn.acquire(timeout=0.05)
        finally:
            with self._changed:
                self._waiting -= 1
        try:
            yield mine
        finally:
            if mine:
                self._turn.release()

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """For the block, nothing is begun that takes minutes: a sync needs the cores."""
        with self._changed:
            self._held_back += 1
        try:
            yield
        finally:
            with self._changed:
                self._held_back -= 1

    @property
    def held_back(self) -> bool:
        """Whether nothing that takes minutes should be begun now."""
        return self._held_back > 0

    def end(self) -> None:
        """Stop for good: the interpreter is about to end."""
        with self._changed:
            self._ending = True
            self._changed.wait_for(lambda: self._at_work is None, PATIENCE_SECONDS)

    def _run(self) -> None:
        lower_thread_priority()
        while True:
            with self._changed:
                if not self._wanted or not self._served or self._ending:
                    self._thread = None
                    self._changed.notify_all()
                    return
                self._wanted = False
                handle = self._at_work = self._served[-1]
            try:
                self._work(handle, _PaceOf(self, handle))
            except (LibraryBusy, LibraryFull, LibraryClosed, LibraryPackChanged) as fault:
                logger().info("%s", f"left for later: {type(fault).__name__}")
            except Exception as fault:  # noqa: BLE001  (a search must never see it)
                logger().warning(
                    "%s", f"keeping the segments in shape failed: {type(fault).__name__}"
                )
                logger().debug("the fault", exc_info=True)
            finally:
                with self._changed:
                    self._at_work = None
                    self._changed.notify_all()


class _PaceOf:
    """The pace of one piece of work; see `Pace`."""

    def __init__(self, upkeep: Upkeep[Any], handle: object) -> None:
        self._upkeep, self._handle = upkeep, id(handle)

    def _left_since(self) -> float:
        """Seconds since the handle was closed; negative while it is open."""
        if self._upkeep._ending:
            return math.inf
        return time.monotonic() - self._upkeep._left.get(self._handle, math.inf)

    def gone(self) -> bool:
        return self._left_since() >= 0

    def late(self) -> bool:
        return self._left_since() >= GRACE_SECONDS

    def give_way(self) -> bool:
        return self._upkeep._waiting > 0 or self.gone()

    def more(self) -> bool:
        with self._upkeep._changed:
            wanted, self._upkeep._wanted = self._upkeep._wanted, False
        return wanted


_ALL: weakref.WeakSet[Upkeep[Any]] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Before the interpreter tears down what the threads stand on."""
    for upkeep in [*_ALL]:
        upkeep.end()
