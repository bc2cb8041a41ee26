"""Visual leaves: likeness to a picture, to a text, to a weighted sum of both.

Every photo that has a vector matches such a leaf to some degree; a `min_score` cuts those that
are less alike, and a text without one has a floor that the search finds out. Only these leaves
take weights. Reads no file but a stream that is handed over.
Invariant: the parts of a `Sum` have no `min_score` of their own, and no `Sum` holds another one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import field, replace
from typing import Final

from localsearch.deferred import dataclass
from localsearch.errors import InputError
from localsearch.search.terms.checks import floor_text, fraction, number_in, short, text_of
from localsearch.search.terms.tree import Term
from localsearch.search.words import quoted

Region = tuple[float, float, float, float]
_WHOLE: Final = (0.0, 0.0, 1.0, 1.0)


class Visual(Term):
    """Base of the visual leaves: `0.6 * a + 0.4 * b - 0.2 * c` is their weighted sum."""

    __slots__ = ()
    min_score: float | None

    @property
    def boundless(self) -> bool:
        """Whether every photo matches to some degree: without a `min_score`."""
        return self.min_score is None

    def vector_key(self) -> tuple[object, ...]:
        """What tells this leaf's query vector from others, whatever the `min_score`; hashable."""
        raise NotImplementedError

    def __mul__(self, weight: float) -> Sum:
        number = number_in(weight, "a weight", -math.inf, math.inf)
        return Sum(tuple((number * held, each) for held, each in _parts(self)))

    __rmul__ = __mul__

    def __add__(self, other: object) -> Sum:
        return Sum((*_parts(self), *_parts(other)))

    def __radd__(self, other: object) -> Sum:
        # The built-in sum() begins with 0.
        return Sum(_parts(self) if other == 0 else (*_parts(other), *_parts(self)))

    def __sub__(self, other: object) -> Sum:
        return self + (-other if isinstance(other, Visual) else other)

    def __neg__(self) -> Sum:
        return self * -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Like(Visual):
    """Photos by visual likeness to one picture: exactly one of the four sources is set.

    `region` (left, top, right, bottom: fractions of the upright picture) takes a part of it; the
    whole is None. A path is compared as text; any other `source` by identity.
    """

    source: object = None
    id: str | None = None
    base64: str | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    min_score: float | None = None
    region: Region | None = None

    def __post_init__(self) -> None:
        given = (self.source, self.id, self.base64, self.data)
        if sum(each is not None for each in given) != 1:
            raise InputError("like() takes exactly one of: a source, id=, base64=, data=")
        _like_types(self)
        if isinstance(self.source, os.PathLike):
            object.__setattr__(self, "source", os.fsdecode(self.source))
        if self.min_score is not None:
            object.__setattr__(self, "min_score", fraction(self.min_score, "min_score"))
        if self.region is not None:
            object.__setattr__(self, "region", _region(self.region))

    def picture_key(self) -> tuple[object, ...]:
        """What tells this picture, or part of one, from others; can be hashed."""
        source = self.source
        same = source if source is None or isinstance(source, str) else id(source)
        return (type(same), same, self.id, self.base64, self.data, self.region)

    vector_key = picture_key

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
        part = "" if self.region is None else ",region=" + ":".join(map(short, self.region))
        return f"{what}{part}{floor_text(self.min_score)}"


@dataclass(frozen=True, slots=True)
class Text(Visual):
    """Photos by likeness to a description in words, above the text's own floor or `min_score`.

    Needs a pack with a text part.
    """

    query: str
    min_score: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "query", " ".join(text_of(self.query, "a text").split()))
        if self.min_score is not None:
            object.__setattr__(self, "min_score", fraction(self.min_score, "min_score"))

    def vector_key(self) -> tuple[object, ...]:
        """What tells this leaf's query vector from others."""
        return (Text, self.query)

    def __str__(self) -> str:
        return f"text:{quoted(self.query)}{floor_text(self.min_score)}"


@dataclass(frozen=True, slots=True)
class Sum(Visual):
    """Photos by likeness to a weighted sum of pictures and texts: one leaf, one query vector."""

    terms: tuple[tuple[float, Like | Text], ...]
    min_score: float | None = None

    def __post_init__(self) -> None:
        parts = tuple(
            (number_in(weight, "a weight", -math.inf, math.inf), each)
            for weight, each in self.terms
        )
        if not parts:
            raise InputError("a sum needs at least one term")
        for _, each in parts:
            if not isinstance(each, Like | Text):
                raise InputError(f"a sum is made of like() and text(), not of {each!r}")
            _without_score(each)
        object.__setattr__(self, "terms", parts)
        if self.min_score is not None:
            object.__setattr__(self, "min_score", fraction(self.min_score, "min_score"))

    def reaching(self, min_score: float | None) -> Sum:
        """The same sum, for photos that score `min_score` in [0, 1] or more (None: all)."""
        return replace(self, min_score=min_score)

    def vector_key(self) -> tuple[object, ...]:
        """What tells this leaf's query vector from others."""
        return (Sum, *((weight, each.vector_key()) for weight, each in self.terms))

    def __str__(self) -> str:
        written = ""
        for weight, each in self.terms:
            sign = "-" if weight < 0 else "+" if written else ""
            joint = f" {sign} " if written else sign
            written += f"{joint}{_weight_text(abs(weight))}{each}"
        return f"sum({written}){floor_text(self.min_score)}"


VISUAL: Final = (Like, Text, Sum)
"""The visual leaves: every row with a vector has a score, and `~` needs a `min_score`."""


def like(
    source: object = None,
    *,
    id: str | None = None,
    base64: str | None = None,
    data: bytes | bytearray | memoryview | None = None,
    min_score: float | None = None,
    region: Iterable[float] | None = None,
) -> Like:
    """Photos ranked by visual likeness to one picture, or to a part of it.

    `source`: a `str` or `Path` (always a file path), a file object, a PIL image, or an array
    HxWx3 uint8 RGB. Or one of `id=` (an input of the library: its stored features are used),
    `base64=`, `data=` (an encoded picture). `min_score` in [0, 1] cuts photos that are less alike.
    `region=(left, top, right, bottom)`, as fractions of the picture held upright, asks for what is
    in that part; of an `id=` the picture is then read again. Takes weights: see `text`.
    A file object is read here, once, so that the term can be searched again; all else when it is
    searched. Raises InputError; PictureError when the picture is read and cannot be.
    """
    if isinstance(source, bytes | bytearray | memoryview) and data is None:
        source, data = None, source
    elif _is_stream(source) and id is None and base64 is None and data is None:
        from localsearch.sources import forms

        source, data = None, forms.encoded_of(source).data
    if isinstance(data, bytearray | memoryview):
        data = bytes(data)
    return Like(source, id, base64, data, min_score, region)  # type: ignore[arg-type]  # checked


def text(query: str, *, min_score: float | None = None) -> Text:
    """Photos ranked by likeness to a description in English, as "a dog running through snow".

    Concepts that the words name raise a photo's likeness by their probabilities. Photos that are
    not clearly nearer to the text than the rest of the library are no hits: "nothing relevant" is
    an answer. `min_score` in [0, 1] takes the place of that floor; 0 turns it off.
    Takes weights, as `like` does: `0.6 * like("beach.jpg") + 0.4 * text("at night")` ranks by one
    sum of both, and `.reaching(0.8)` cuts it; a sum has no floor. Raises InputError here and, when
    it is searched, QueryNoText: the library's pack has no text part (with the nearest concepts), or
    knows no word of it that shows something.
    """
    return Text(query, min_score)


def _parts(term: object) -> tuple[tuple[float, Like | Text], ...]:
    """What a term brings into a sum."""
    if isinstance(term, Sum):
        _without_score(term)
        return term.terms
    if isinstance(term, Like | Text):
        return ((1.0, term),)
    raise InputError(
        f"{term} takes no weight and is no part of a sum",
        hint="only like() and text() can be weighted; combine other terms with &, | and ~",
    )


def _weight_text(weight: float) -> str:
    return "" if weight == 1.0 else f"{short(weight)}*"


def _without_score(term: Visual) -> None:
    if term.min_score is not None:
        raise InputError(
            f"a part of a sum has no min_score of its own: {term}",
            hint="ask it of the whole: (0.6 * a + 0.4 * b).reaching(0.8), or sum(...)>=0.8",
        )


def _region(given: Iterable[float]) -> Region | None:
    """Four fractions in order; None for the whole picture, so that both ask alike."""
    sides = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if len(sides) != 4:
        raise InputError(
            f"a region is (left, top, right, bottom), not {given!r}",
            hint="fractions of the picture held upright: the left half is (0, 0, 0.5, 1)",
        )
    names = ("left", "top", "right", "bottom")
    left, top, right, bottom = (
        fraction(side, f"region: {name}") for side, name in zip(sides, names, strict=True)
    )
    if not (left < right and top < bottom):
        raise InputError(
            f"a region ends right of and below its beginning, not {sides!r}",
            hint="it is (left, top, right, bottom)",
        )
    return None if (left, top, right, bottom) == _WHOLE else (left, top, right, bottom)


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
