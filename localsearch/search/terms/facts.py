"""Leaves by what is kept of a photo beside its picture: metadata, date, place, camera.

They only filter. Invariant: a term is kept in one canonical form (JSON with sorted keys and whole
numbers without a point, dates as local seconds), so that terms which mean the same are equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localsearch.deferred import dataclass
from localsearch.errors import InputError
from localsearch.search.terms.checks import number_in, short, text_of
from localsearch.search.terms.documents import canonical, pairs_text
from localsearch.search.terms.spans import Moment, span_of, start_of, written_range
from localsearch.search.terms.tree import Term, Unweighted
from localsearch.search.words import quoted


@dataclass(frozen=True, slots=True)
class Metadata(Unweighted):
    """Photos whose metadata contain `document`, a JSON object as canonical text."""

    document: str

    def __post_init__(self) -> None:
        text_of(self.document, "metadata")
        object.__setattr__(self, "document", canonical(self.document))

    def mapping(self) -> dict[str, Any]:
        """What must be contained, as a new mapping."""
        found: dict[str, Any] = json.loads(self.document)
        return found

    def __str__(self) -> str:
        return f"metadata:{pairs_text(self.mapping()) or quoted(self.document)}"


@dataclass(frozen=True, slots=True)
class Taken(Unweighted):
    """Photos taken from `after` on and before `before`: camera's local time, to the second.

    One of the two may be None. Photos without a date match neither way.
    """

    after: str | None
    before: str | None

    def __post_init__(self) -> None:
        if self.after is None and self.before is None:
            raise InputError("taken needs a date", hint="for instance taken('2024-05')")
        for name in ("after", "before"):
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else start_of(given, name))
        if self.after is not None and self.before is not None and self.after >= self.before:
            raise InputError(f"taken ends before it begins: {self.after} to {self.before}")

    def __str__(self) -> str:
        return f"taken:{written_range(self.after, self.before)}"


@dataclass(frozen=True, slots=True)
class Near(Unweighted):
    """Photos taken at most `km` kilometres from a place (degrees, WGS 84), along the ground."""

    lat: float
    lon: float
    km: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "lat", _latitude(self.lat, "lat"))
        object.__setattr__(self, "lon", _longitude(self.lon, "lon"))
        object.__setattr__(self, "km", number_in(self.km, "km", 0.0, float("inf")))
        if not self.km:
            raise InputError("km is more than 0", hint="a place that is known is known to metres")

    def __str__(self) -> str:
        return f"near:{short(self.lat)},{short(self.lon)},{short(self.km)}km"


@dataclass(frozen=True, slots=True)
class Box(Unweighted):
    """Photos taken between two parallels and two meridians (degrees), the borders too.

    With `west` greater than `east` the box crosses the date line.
    """

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        for name, check in zip(
            ("south", "west", "north", "east"),
            (_latitude, _longitude, _latitude, _longitude),
            strict=True,
        ):
            object.__setattr__(self, name, check(getattr(self, name), name))
        if self.south > self.north:
            raise InputError(
                f"a box has its south below its north, not {self.south} and {self.north}",
                hint="the order is south, west, north, east",
            )

    def __str__(self) -> str:
        return "box:" + ",".join(map(short, (self.south, self.west, self.north, self.east)))


@dataclass(frozen=True, slots=True)
class Camera(Unweighted):
    """Photos whose camera contains `name`, upper and lower case alike."""

    name: str

    def __post_init__(self) -> None:
        text_of(self.name, "a camera's name")

    def __str__(self) -> str:
        return f"camera:{quoted(self.name)}"


def metadata(mapping: Mapping[str, Any]) -> Term:
    """Photos whose metadata contain a mapping, as `{"album": "home"}`.

    Every key must be there, mappings inside likewise; each element of a list must be in the list
    that is stored. 1 equals 1.0, True is not 1. Raises InputError for what JSON cannot hold.
    """
    if not isinstance(mapping, Mapping):
        raise InputError(f"metadata is a mapping that JSON can hold, not {mapping!r}")
    return Metadata(canonical(mapping))


def taken(
    when: Moment | None = None, *, after: Moment | None = None, before: Moment | None = None
) -> Term:
    """Photos by the date of their camera, which is local time: `taken("2024-05")` is that month.

    `when` is a year, month, day, hour, minute or second as ISO text (or a `date`, a `datetime`
    without zone), or a range "2024-05-01..2024-06-15" that holds both its ends, either of which
    may be left out. Or `after=`, the first moment, and `before=`, the first moment too late.
    Photos without a date never match. Raises InputError.
    """
    if when is None:
        return Taken(after, before)  # type: ignore[arg-type]  # made texts there
    if after is not None or before is not None:
        raise InputError("taken() takes one text, or after= and before=, not both")
    return Taken(*span_of(when))


def near(*, lat: float, lon: float, km: float) -> Term:
    """Photos taken at most `km` kilometres from a place given in degrees."""
    return Near(lat, lon, km)


def box(*, south: float, west: float, north: float, east: float) -> Term:
    """Photos taken within a box given in degrees; `west` > `east` crosses the date line."""
    return Box(south, west, north, east)


def camera(name: str) -> Term:
    """Photos whose camera (make and model) contains a text, as "iphone 12"."""
    return Camera(name)


def _latitude(value: object, name: str) -> float:
    return number_in(value, name, -90.0, 90.0, hint="degrees; the latitude comes first")


def _longitude(value: object, name: str) -> float:
    return number_in(value, name, -180.0, 180.0, hint="degrees, west of Greenwich below 0")
