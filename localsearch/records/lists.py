"""What lists of a library hold: roots, concepts, changes; and what became of what was added."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsearch.deferred import NamedTuple, dataclass

if TYPE_CHECKING:
    from localsearch.records.inputs import Input


@dataclass(frozen=True, slots=True)
class Root:
    """A photo folder of a library. `path` is where it was last seen; `online` whether it is now."""

    name: str
    path: Path
    online: bool
    ignore: tuple[str, ...]
    inputs: int


class Note(NamedTuple):
    """A small document that a program keeps with a library; `made_at` is RFC 3339 in UTC."""

    id: str
    document: Mapping[str, Any]
    made_at: str


class ConceptInfo(NamedTuple):
    """A concept: `kind` is "class", "ancestor" or "probe" of the pack, or "taught" by the user;
    `parents` are ids.
    """

    id: str
    name: str
    synonyms: tuple[str, ...]
    parents: tuple[str, ...]
    kind: str
    definition: str


@dataclass(frozen=True, slots=True)
class Change:
    """The newest change of one input. `input` is what it is now; None where it is `gone`: purged.

    An input that was removed or whose file is missing is not gone: `input` says so.
    """

    sequence: int
    id: str
    gone: bool
    input: Input | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in the order in which they were made, each id once. `sequence` is what to ask with
    next time; with `more` there are more of them already. `anew`: the library came back from a
    backup, so that what was told before holds no longer; empty your copy first, for these begin
    with the first change of all.
    """

    sequence: int
    items: tuple[Change, ...]
    more: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one source that was added: `state` "ok", or the state and reason of refusal.

    `duplicate_of` is the id of an input with the same content, if there was one before.
    """

    id: str
    state: str
    reason: str = ""
    duplicate_of: str | None = None
