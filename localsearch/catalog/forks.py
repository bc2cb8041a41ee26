"""Who must be told of a fork: SQLite forbids to carry a connection over one.

Never forks. Invariant: the ones that are watched are held still from before the fork to after it,
in the parent and in the child. Systems without fork have nothing to tell.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forking(Protocol):
    """What can be told of a fork."""

    def before_fork(self) -> None: ...
    def after_fork_in_parent(self) -> None: ...
    def after_fork_in_child(self) -> None: ...


_WATCHED: weakref.WeakSet[Forking] = weakref.WeakSet()
_HELD_STILL: list[Forking] = []


def watch(one: Forking) -> None:
    """Tell `one` of every fork for as long as it lives."""
    _WATCHED.add(one)


def _before() -> None:
    _HELD_STILL[:] = [*_WATCHED]
    for one in _HELD_STILL:
        one.before_fork()


def _after_in_parent() -> None:
    for one in _HELD_STILL:
        one.after_fork_in_parent()
    _HELD_STILL.clear()


def _after_in_child() -> None:
    for one in _HELD_STILL:
        one.after_fork_in_child()
    _HELD_STILL.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
