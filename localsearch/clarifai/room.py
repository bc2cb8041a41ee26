"""What all operations stand on: the library, the options, the old names, the request at hand.

Holds no logic. Invariant: what writes holds `writing`, so that looking an id up and taking it is
one step, whichever threads call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import localsearch as ls
from localsearch.clarifai.answer import NO_SCOPE, Fault, Json
from localsearch.clarifai.old_names import OldNames
from localsearch.clarifai.pending import Pending
from localsearch.clarifai.reading import Paging, paging_of
from localsearch.deferred import NamedTuple, dataclass


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """How a library shows itself.

    `url_map`: a URL below a prefix is a file below its folder. `concepts`: a table of the user's
    own old names. `fetch` gets the bytes of a URL and raises errors of the house; None: never.
    """

    url_map: tuple[tuple[str, Path], ...] = ()
    concepts: Path | None = None
    fetch: Callable[[str], bytes] | None = None
    read_only: bool = False


class Room(NamedTuple):
    """What lasts as long as a `Face`."""

    library: ls.Library
    options: FaceOptions
    old_names: OldNames
    pending: Pending
    writing: threading.RLock
    told: set[str]  # unknown names that the log has seen: one line each


class Request(NamedTuple):
    """One call. `parts` are what the path's variables stand for, decoded."""

    room: Room
    method: str
    parts: tuple[str, ...]
    query: str
    body: Json
    picture_url: Callable[[ls.Input], str]
    may_write: bool

    @property
    def library(self) -> ls.Library:
        """The library that is asked."""
        return self.room.library

    @property
    def paging(self) -> Paging:
        """Which page is wanted."""
        return paging_of(self.query, self.body)

    def get(self, name: str) -> Any:
        """A field of the body."""
        return self.body.get(name)

    def check_may_write(self) -> None:
        """Fault 11007 where this caller, or this server, only reads."""
        room = self.room
        if room.options.read_only or room.library.read_only:
            raise Fault(NO_SCOPE, "this server only reads: nothing can be added or changed")
        if not self.may_write:
            raise Fault(NO_SCOPE, "this key only reads: nothing can be added or changed with it")
