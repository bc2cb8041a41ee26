"""The terms of a query: frozen leaves, `&`, `|`, `~`, and the text that parses back to them.

Pure and light: imports neither numpy nor anything that searches. A term says what is meant, never
how it is found. Invariant: `And` and `Or` are flat and hold at least two terms; no `like` without
a `min_score` stands under a `Not`; `localsearch.parse(str(term)) == term` for every term that can
be written down (a `like` of bytes, base64 or a live object cannot, nor can an empty `ids`).

Meaning (sets within the universe, scores in [0, 1]): `And` intersects and multiplies, `Or` unites
and takes the larger score of the branches that match, `Not` is the rest of the universe and only
filters. Terms that only filter (tag, ids, path, state) score 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real

from localsearch.errors import InputError, QueryError
from localsearch.records import STATES
from localsearch.search.words import number_text, quoted
from localsearch.sources import forms


class Term:
    """Base of all terms. Combine with `&`, `|` and `~`; `str(term)` is its text."""

    __slots__ = ()

    def __and__(self, other: Term) -> Term:
        return And((self, other)) if isinstance(other, Term) else NotImplemented

    def __or__(self, other: Term) -> Term:
        return Or((self, other)) if isinstance(other, Term) else NotImplemented

    def __invert__(self) -> Term:
        return Not(self)

    def __bool__(self) -> bool:
        # `a and b` would silently drop a: the mistake is common, so it is told.
        raise InputError("a term has no truth value", hint="combine terms with &, | and ~")


@dataclass(frozen=True, slots=True)
class Concept(Term):
    """Photos whose probability of a concept reaches its floor and `at_least`."""

    name: str
    at_least: float = 0.0

    def __post_init__(self) -> None:
        _text(self.name, "a concept's name")
        object.__setattr__(self, "at_least", _fraction(self.at_least, "at_least"))

    def __str__(self) -> str:
        return f"concept:{quoted(self.name)}{_floor_text(self.at_least or None)}"


@dataclass(frozen=True, slots=True)
class Tag(Term):
    """Photos tagged with `name`, or (value False) tagged as not being it."""

    name: str
    value: bool = True

    def __post_init__(self) -> None:
        _text(self.name, "a tag's name")
        object.__setattr__(self, "name", " ".join(self.name.split()))  # as tags are kept
        if not isinstance(self.value, bool):
            raise InputError(f"a tag's value is True or False, not {self.value!r}")

    def __str__(self) -> str:
        return f"tag:{quoted(self.name)}{'' if self.value else '=false'}"


@dataclass(frozen=True, slots=True, eq=False)
class Like(Term):
    """Photos by visual likeness to one picture: exactly one of the four sources is set.

    A path is compared as text; any other `source` (PIL image, array, file object) by identity.
    """

    source: object = None
    id: str | None = None
    base64: str | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    min_score: float | None = None

    def __post_init__(self) -> None:
        given = (self.source, self.id, self.base64, self.data)
        if sum(each is not None for each in given) != 1:
            raise InputError("like() takes exactly one of: a source, id=, base64=, data=")
        _like_types(self)
        if isinstance(self.source, os.PathLike):
            object.__setattr__(self, "source", os.fsdecode(self.source))
        if self.min_score is not None:
            object.__setattr__(self, "min_score", _fraction(self.min_score, "min_score"))

    def picture_key(self) -> tuple[object, ...]:
        """What tells this picture from others, whatever the `min_score`; can be hashed."""
        source = self.source
        same = source if source is None or isinstance(source, str) else id(source)
        return (type(same), same, self.id, self.base64, self.data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Like):
            return NotImplemented
        return self.picture_key() == other.picture_key() and self.min_score == other.min_score

    def __hash__(self) -> int:
        return hash((self.picture_key(), self.min_score))

    def __str__(self) -> str:
        if isinstance(self.source, str):
            what = f"like:{quoted(self.source)}"
        elif self.id is not None:
            what = f"like-id:{quoted(self.id)}"
        else:
            what = f"like:<{_unwritable(self)}>"  # reads as an error, on purpose
        return what + _floor_text(self.min_score)


@dataclass(frozen=True, slots=True)
class Ids(Term):
    """The inputs of these ids; unknown ones match nothing."""

    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.ids, Iterable):
            raise InputError(f"ids are a text or several texts, not {self.ids!r}")
        object.__setattr__(self, "ids", tuple(self.ids))
        for each in self.ids:
            _text(each, "an id")

    def __str__(self) -> str:
        return "id:" + ",".join(quoted(each) for each in self.ids)


@dataclass(frozen=True, slots=True)
class PathTerm(Term):
    """Photos whose path below their root matches a glob: `*` within a folder, `**` across."""

    pattern: str
    root: str | None = None

    def __post_init__(self) -> None:
        _text(self.pattern, "a path pattern")
        if self.root is not None:
            _text(self.root, "a root's name")

    def __str__(self) -> str:
        root = "" if self.root is None else f",root={quoted(self.root)}"
        return f"path:{quoted(self.pattern)}{root}"


@dataclass(frozen=True, slots=True)
class State(Term):
    """Inputs in one state, a word of `records.STATES`. Widens the universe to all inputs."""

    word: str

    def __post_init__(self) -> None:
        if self.word not in STATES:
            raise InputError(f"no state {self.word!r}", hint=f"the states are {', '.join(STATES)}")

    def __str__(self) -> str:
        return f"state:{self.word}"


@dataclass(frozen=True, slots=True)
class And(Term):
    """All of the terms; nested ones are taken apart."""

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(_flat(self.terms, And)))

    def __str__(self) -> str:
        return " ".join(f"({each})" if isinstance(each, Or) else str(each) for each in self.terms)


@dataclass(frozen=True, slots=True)
class Or(Term):
    """Any of the terms; nested ones are taken apart."""

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(_flat(self.terms, Or)))

    def __str__(self) -> str:
        return " or ".join(str(each) for each in self.terms)


@dataclass(frozen=True, slots=True)
class Not(Term):
    """The rest of the universe. Every `like` below needs a `min_score`, else QueryError."""

    term: Term

    def __post_init__(self) -> None:
        if not isinstance(self.term, Term):
            raise InputError(f"not a term: {self.term!r}")
        for leaf in leaves_of(self.term):
            if isinstance(leaf, Like) and leaf.min_score is None:
                raise QueryError(
                    f"NOT of {leaf} needs a min_score: every photo is like it to some degree",
                    hint='say how alike is too alike: min_score=0.8, or like:"file.jpg">=0.8',
                )

    def __str__(self) -> str:
        inner = str(self.term)
        return f"-({inner})" if isinstance(self.term, And | Or) else f"-{inner}"


def concept(name: str, *, at_least: float = 0.0) -> Term:
    """Photos of a concept, by name, synonym or id; ranked by its probability.

    `at_least` in [0, 1] asks for more than the pack's own floor. Raises InputError here and, when
    it is searched, QueryUnknownConcept with the nearest names.
    """
    return Concept(name, at_least)


def tag(name: str, value: bool = True) -> Term:
    """Photos with a tag of the user (or, with `value=False`, tagged as not being it)."""
    return Tag(name, value)


def like(
    source: object = None,
    *,
    id: str | None = None,
    base64: str | None = None,
    data: bytes | bytearray | memoryview | None = None,
    min_score: float | None = None,
) -> Term:
    """Photos ranked by visual likeness to one picture.

    `source`: a `str` or `Path` (always a file path), a file object, a PIL image, or an array
    HxWx3 uint8 RGB. Or one of `id=` (an input of the library: its stored features are used),
    `base64=`, `data=` (an encoded picture). `min_score` in [0, 1] cuts photos that are less alike.
    A file object is read here, once, so that the term can be searched again; all else when it is
    searched. Raises InputError; PictureError when the picture is read and cannot be.
    """
    if isinstance(source, bytes | bytearray | memoryview) and data is None:
        source, data = None, source
    elif _is_stream(source) and id is None and base64 is None and data is None:
        source, data = None, forms.encoded_of(source).data
    if isinstance(data, bytearray | memoryview):
        data = bytes(data)
    return Like(source, id, base64, data, min_score)


def ids(ids: str | Iterable[str]) -> Term:
    """The inputs of these ids. Unknown ids match nothing; an empty list matches nothing."""
    return Ids((ids,) if isinstance(ids, str) else ids)  # type: ignore[arg-type]  # made a tuple


def path(pattern: str, *, root: str | None = None) -> Term:
    """Photos by path below their root, as `2024/**/*.jpg`; in all roots, or in one."""
    return PathTerm(pattern, root)


def state(word: str) -> Term:
    """Inputs in one state, as `undecodable` or `missing`; searches all inputs, not photos only."""
    return State(word)


def all_of(terms: Iterable[Term]) -> Term:
    """`And` of one or more terms; one is itself. InputError if there is none."""
    found = tuple(terms)
    return found[0] if len(found) == 1 else And(found)


def any_of(terms: Iterable[Term]) -> Term:
    """`Or` of one or more terms; one is itself. InputError if there is none."""
    found = tuple(terms)
    return found[0] if len(found) == 1 else Or(found)


def leaves_of(term: Term) -> Iterator[Term]:
    """All leaves of a tree, from left to right, those under a `Not` too."""
    if isinstance(term, And | Or):
        for each in term.terms:
            yield from leaves_of(each)
    elif isinstance(term, Not):
        yield from leaves_of(term.term)
    else:
        yield term


def _flat(terms: Iterable[Term], kind: type[And] | type[Or]) -> list[Term]:
    flat: list[Term] = []
    for each in terms:
        if not isinstance(each, Term):
            raise InputError(f"not a term: {each!r}", hint="a text becomes one by parse(text)")
        flat.extend(each.terms if isinstance(each, kind) else (each,))
    if len(flat) < 2:
        raise InputError(f"{kind.__name__} needs at least two terms")
    return flat


def _is_stream(source: object) -> bool:
    return hasattr(source, "read") and not isinstance(source, str | os.PathLike)


def _like_types(term: Like) -> None:
    for name, value, kind in (
        ("id", term.id, str),
        ("base64", term.base64, str),
        ("data", term.data, bytes),
    ):
        if value is not None and not isinstance(value, kind):
            raise InputError(f"like({name}=) takes {kind.__name__}, not {type(value).__name__}")


def _unwritable(term: Like) -> str:
    if term.data is not None:
        return f"{len(term.data)} bytes"
    if term.base64 is not None:
        return f"base64 of {len(term.base64)} characters"
    return type(term.source).__name__


def _floor_text(floor: float | None) -> str:
    return "" if floor is None else f">={number_text(floor)}"


def _text(value: object, what: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{what} is a text that is not empty, not {value!r}")


def _fraction(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{what} is a number from 0 to 1, not {value!r}")
    if not 0.0 <= float(value) <= 1.0:  # false for NaN as well
        raise InputError(f"{what} is a number from 0 to 1, not {value!r}")
    return float(value) + 0.0  # -0.0 becomes 0.0, so that equal terms print alike
