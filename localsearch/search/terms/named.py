"""Leaves by a name: of a pack's concept, a user's tag, an input's id, a path, a state.

Says what is meant; whether a concept or an id exists is the search's to find out.
"""

from __future__ import annotations

from collections.abc import Iterable

from localsearch.deferred import dataclass
from localsearch.errors import InputError
from localsearch.records import STATES
from localsearch.search.terms.checks import floor_text, fraction, path_of, text_of
from localsearch.search.terms.tree import Term, Unweighted
from localsearch.search.words import quoted


@dataclass(frozen=True, slots=True)
class Concept(Unweighted):
    """Photos whose probability of a concept reaches its floor and `at_least`."""

    name: str
    at_least: float = 0.0

    def __post_init__(self) -> None:
        text_of(self.name, "a concept's name")
        object.__setattr__(self, "at_least", fraction(self.at_least, "at_least"))

    def __str__(self) -> str:
        return f"concept:{quoted(self.name)}{floor_text(self.at_least or None)}"


@dataclass(frozen=True, slots=True)
class Tag(Unweighted):
    """Photos tagged with `name`, or (value False) tagged as not being it."""

    name: str
    value: bool = True

    def __post_init__(self) -> None:
        text_of(self.name, "a tag's name")
        object.__setattr__(self, "name", " ".join(self.name.split()))  # as tags are kept
        if not isinstance(self.value, bool):
            raise InputError(f"a tag's value is True or False, not {self.value!r}")

    def __str__(self) -> str:
        return f"tag:{quoted(self.name)}{'' if self.value else '=false'}"


@dataclass(frozen=True, slots=True)
class Ids(Unweighted):
    """The inputs of these ids; unknown ones match nothing."""

    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.ids, Iterable):
            raise InputError(f"ids are a text or several texts, not {self.ids!r}")
        object.__setattr__(self, "ids", tuple(self.ids))
        for each in self.ids:
            text_of(each, "an id")

    def __str__(self) -> str:
        return "id:" + ",".join(quoted(each) for each in self.ids)


@dataclass(frozen=True, slots=True)
class PathTerm(Unweighted):
    """Photos whose path below their root matches a glob: `*` within a folder, `**` across."""

    pattern: str
    root: str | None = None

    def __post_init__(self) -> None:
        path_of(self.pattern, "a path pattern")
        if self.root is not None:
            text_of(self.root, "a root's name")

    def __str__(self) -> str:
        root = "" if self.root is None else f",root={quoted(self.root)}"
        return f"path:{quoted(self.pattern)}{root}"


@dataclass(frozen=True, slots=True)
class State(Unweighted):
    """Inputs in one state, a word of `records.STATES`. Widens the universe to all inputs."""

    word: str

    def __post_init__(self) -> None:
        if self.word not in STATES:
            raise InputError(f"no state {self.word!r}", hint=f"the states are {', '.join(STATES)}")

    def __str__(self) -> str:
        return f"state:{self.word}"


def concept(name: str, *, at_least: float = 0.0) -> Term:
    """Photos of a concept, by name, synonym or id; ranked by its probability.

    `at_least` in [0, 1] asks for more than the pack's own floor. Raises InputError here and, when
    it is searched, QueryUnknownConcept with the nearest names.
    """
    return Concept(name, at_least)


def tag(name: str, value: bool = True) -> Term:
    """Photos with a tag of the user (or, with `value=False`, tagged as not being it)."""
    return Tag(name, value)


def ids(ids: str | Iterable[str]) -> Term:
    """The inputs of these ids. Unknown ids match nothing; an empty list matches nothing."""
    return Ids((ids,) if isinstance(ids, str) else ids)  # type: ignore[arg-type]  # made a tuple


def path(pattern: str, *, root: str | None = None) -> Term:
    """Photos by path below their root, as `2024/**/*.jpg`; in all roots, or in one."""
    return PathTerm(pattern, root)


def state(word: str) -> Term:
    """Inputs in one state, as `undecodable` or `missing`; searches all inputs, not photos only."""
    return State(word)
