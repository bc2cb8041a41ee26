"""What a library is made of: truth, pack, and what its handles share; handed as one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass
from localsearch.library.held import KnownState, NotesState
from localsearch.library.live import LiveState
from localsearch.library.models import Models
from localsearch.library.opened_with import Options
from localsearch.library.upkeep import Upkeep
from localsearch.pack import Pack

if TYPE_CHECKING:
    from localsearch.library.graph_state import GraphState


class GraphSeat:
    """Where the graph of some handles is held once it is asked for: a concept search never asks,
    and what knows graphs takes a while to import."""

    def __init__(self, make: Callable[[], GraphState]) -> None:
        self._make = make
        self._state: GraphState | None = None
        self._lock = threading.Lock()

    def state(self) -> GraphState:
        """The graph state; made at the first call."""
        with self._lock:
            if self._state is None:
                self._state = self._make()
            return self._state

    def damaged(self) -> bool:
        """Whether one was found damaged; asking makes no state."""
        return self._state is not None and bool(self._state.damaged())

    def begin_anew(self) -> None:
        """In a child after a fork: see `GraphState.begin_anew`."""
        self._lock = threading.Lock()
        if self._state is not None:
            self._state.begin_anew()

    def close(self) -> None:
        """Drop what is in memory; who still asks is told that there is no graph."""
        with self._lock:
            if self._state is not None:
                self._state.close()


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False, repr=False)
class Parts:
    """The open parts of one handle. All but `truth` and `options` may be others' too."""

    truth: Truth
    pack: Pack
    options: Options
    live: LiveState
    known: KnownState
    notes: NotesState
    models: Models
    seat: GraphSeat
    upkeep: Upkeep[Parts]

    @property
    def graph(self) -> GraphState:
        """The graph that this process holds, or why it holds none."""
        return self.seat.state()
