"""Who must be told of a fork, and what must not be under way while it happens.

SQLite forbids to carry a connection over a fork, and a thread that is inside SQLite, or imports a
module, may hold a lock that nobody in the child would ever free. So a fork waits for what is
`inside`, a little while. Never forks. Invariant: the ones that are watched are held still from
before the fork to after it, in the parent and in the child. Systems without fork have nothing to
tell.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

PATIENCE_SECONDS: Final = 2.0
"""A fork waits no longer: most who hold a transaction for so long are not inside SQLite."""


class Forking(Protocol):
    """What can be told of a fork."""

    def before_fork(self) -> None: ...
    def after_fork_in_parent(self) -> None: ...
    def after_fork_in_child(self) -> None: ...


class _Gate:
    """Counts the threads that are inside; while a fork is prepared, no other one comes in."""

    def __init__(self) -> None:
        self._local = threading.local()
        self.begin_anew(0)

    def begin_anew(self, inside: int) -> None:
        self._changed = threading.Condition()
        self._inside = inside
        self._forking: int | None = None  # the thread that forks

    def mine(self) -> int:
        """Whether this thread is inside, as a number."""
        return 1 if getattr(self._local, "depth", 0) else 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        local, me = self._local, threading.get_ident()
        outermost = not self.mine()
        if outermost:
            with self._changed:
                while self._forking not in (None, me):
                    self._changed.wait()
                self._inside += 1
        local.depth = getattr(local, "depth", 0) + 1
        try:
            yield
        finally:
            # A forgotten generator may be closed by another thread than the one that began it.
            if threading.get_ident() == me:
                local.depth -= 1
            if outermost:
                with self._changed:
                    self._inside -= 1
                    self._changed.notify_all()

    def shut(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        with self._changed:
            self._forking = threading.get_ident()
            while self._inside > self.mine() and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def open(self) -> None:
        with self._changed:
            self._forking = None
            self._changed.notify_all()


_GATE = _Gate()


@contextmanager
def inside() -> Iterator[None]:
    """For the block, a fork waits (for two seconds at most); it begins after a fork under way."""
    with _GATE.inside():
        yield


_WATCHED: weakref.WeakSet[Forking] = weakref.WeakSet()
_HELD_STILL: list[Forking] = []


def watch(one: Forking) -> None:
    """Tell `one` of every fork for as long as it lives."""
    _WATCHED.add(one)


def _before() -> None:
    _GATE.shut()
    _HELD_STILL[:] = [*_WATCHED]
    for one in _HELD_STILL:
        one.before_fork()


def _after_in_parent() -> None:
    for one in _HELD_STILL:
        one.after_fork_in_parent()
    _HELD_STILL.clear()
    _GATE.open()


def _after_in_child() -> None:
    _GATE.begin_anew(_GATE.mine())
    for one in _HELD_STILL:
        one.after_fork_in_child()
    _HELD_STILL.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
