"""What all handles of one store in one process have in common, so that a second `open` is cheap.

Opened segments, the upkeep, and, where the options agree, models and graph. Each handle has
connections of its own, so that closing one leaves the others working. Invariants: whatever is
shared is closed with the last handle that uses it, and a handle that was forgotten keeps nothing
open; two stores never share, not even when one was deleted and the other made in its place.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from localsearch.catalog.forks import inside, watch
from localsearch.catalog.truth import Truth
from localsearch.library.held import KnownState, NotesState
from localsearch.library.live import LiveState
from localsearch.library.models import Models
from localsearch.library.opened_with import Graph, Options
from localsearch.library.parts import GraphSeat, Parts
from localsearch.library.upkeep import Pace, Upkeep
from localsearch.pack import Pack

if TYPE_CHECKING:
    from localsearch.library.graph_state import GraphState

T = TypeVar("T")


class Shared:
    """The shared state of one store, for as long as a handle of it lives."""

    def __init__(self, truth: Truth, pack: Pack) -> None:
        self.live = LiveState(pack, truth.store)
        self.known = KnownState(pack)
        self.notes = NotesState()
        self.upkeep: Upkeep[Parts] = Upkeep(_keep)
        self._models: weakref.WeakValueDictionary[Hashable, Models] = weakref.WeakValueDictionary()
        self._graphs: weakref.WeakValueDictionary[Hashable, GraphSeat]
        self._graphs = weakref.WeakValueDictionary()
        self._handles: weakref.WeakSet[Parts] = weakref.WeakSet()
        watch(self)

    def handle(self, truth: Truth, pack: Pack, options: Options) -> Parts:
        """The parts of a new handle."""
        parts = Parts(
            truth,
            pack,
            options,
            self.live,
            self.known,
            self.notes,
            self._models_for(pack, options),
            self._seat_for(truth, pack, options),
            self.upkeep,
        )
        self._handles.add(parts)
        if not options.read_only:
            self.upkeep.serve(parts)
        return parts

    def _models_for(self, pack: Pack, options: Options) -> Models:
        asked = (options.provider, options.memory_asked, options.threads, options.one_shot)
        models = self._models.get(asked)
        if models is None:
            models = Models(pack, options)
            self._models[asked] = models
        return models

    def _seat_for(self, truth: Truth, pack: Pack, options: Options) -> GraphSeat:
        asked = (options.graph, options.memory_asked)
        seat = self._graphs.get(asked)
        if seat is None:
            seat = GraphSeat(partial(_graph, pack, truth.store, options.graph, options.memory))
            self._graphs[asked] = seat
        return seat

    def forget(self, parts: Parts) -> None:
        """A handle that stands on other parts now."""
        self._handles.discard(parts)

    def released(self, parts: Parts) -> list[Models | GraphSeat]:
        """Forget a handle; gives what no other one uses, to be closed."""
        self._handles.discard(parts)
        unused: list[Models | GraphSeat] = []
        if not any(other.models is parts.models for other in self._handles):
            _drop(self._models, parts.models)
            unused.append(parts.models)
        if not any(other.seat is parts.seat for other in self._handles):
            _drop(self._graphs, parts.seat)
            unused.append(parts.seat)
        if not self._handles:
            self.live.forget()
        return unused

    # --- forks ---

    def before_fork(self) -> None:
        """Nothing: waiting for locks here could wait for a thread that the fork holds still."""

    def after_fork_in_parent(self) -> None:
        """Nothing changed here."""

    def after_fork_in_child(self) -> None:
        """The child opens anew: threads and what they held are in the parent only."""
        global _lock
        _lock = threading.Lock()
        self.live.begin_anew()
        self.upkeep.begin_anew()
        for models in [*self._models.values()]:
            models.begin_anew()
        for seat in [*self._graphs.values()]:
            seat.begin_anew()


# Imported when they are first needed: a process that asks for concepts needs neither.


def _graph(pack: Pack, store: Path, mode: Graph, memory: int) -> GraphState:
    with inside():
        from localsearch.library.graph_state import GraphState

    return GraphState(pack, store, mode, memory)


def _keep(parts: Parts, pace: Pace) -> None:
    with inside():
        from localsearch.library import derived

    derived.keep(parts, pace)


def _drop(held: weakref.WeakValueDictionary[Hashable, T], one: T) -> None:
    for key in [key for key, other in held.items() if other is one]:
        del held[key]


_lock = threading.Lock()
_STORES: weakref.WeakValueDictionary[Hashable, Shared] = weakref.WeakValueDictionary()


def join(truth: Truth, pack: Pack, options: Options) -> tuple[Shared, Parts]:
    """The shared state of a store, and the parts of a new handle of it."""
    status = truth.catalog.path.stat()
    # The file's number: another catalog under the same path is another library.
    key = (truth.store.resolve(), status.st_dev, status.st_ino, truth.catalog.standing)
    with _lock:
        shared = _STORES.get(key)
        if shared is None:
            shared = _STORES[key] = Shared(truth, pack)
        return shared, shared.handle(truth, pack, options)


def part(shared: Shared, parts: Parts) -> None:
    """Let go of the parts of a handle that has others now, without closing them.

    Searches of other threads may stand on them still; whoever lets go last gives them back.
    """
    parts.upkeep.leave(parts)
    with _lock:
        shared.forget(parts)


def leave(shared: Shared, parts: Parts) -> None:
    """Close a handle. What others use stays open."""
    parts.upkeep.leave(parts)
    with _lock:
        unused = shared.released(parts)
    for one in unused:
        one.close()
    parts.truth.close()
