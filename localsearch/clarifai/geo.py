"""Places in a query: within a distance of a point, or in a box. Pure."""

from __future__ import annotations

import math
from typing import Any, Final

import localsearch as ls
from localsearch.catalog.filters import EARTH_KM
from localsearch.clarifai.answer import BAD_SEARCH, Fault, Json
from localsearch.clarifai.reading import list_of, number_of, object_of, text_of
from localsearch.clarifai.wanted import axes_of

MILE_KM: Final = 1.609344
RADIUS_KM: Final = 6371.0
"""The wire's earth; the library's is a little larger, which is made up for here."""

DEFAULT_MILES: Final = 10.0
_NOWHERE: Final = ls.ids([])
"""Off the globe, as where a program swaps the axes: nothing lies there, and that is no error."""

_HERE_KM: Final = 1e-6  # a distance of 0 holds the point itself
_SLACK: Final = 1 + 1e-9  # borders are inside, whatever the last bit of a sum says

_TO_RADIANS: Final = {
    "mile": MILE_KM / RADIUS_KM,
    "kilometer": 1 / RADIUS_KM,
    "kilometre": 1 / RADIUS_KM,
    "km": 1 / RADIUS_KM,
    "degree": math.pi / 180,
    "radian": 1.0,
}


def place_term(geo: Json) -> ls.Term:
    """The filter that a `geo` object means."""
    if geo.get("geo_box"):
        return _box(list_of(geo["geo_box"], "geo_box", BAD_SEARCH))
    if geo.get("geo_point") is None:
        raise Fault(BAD_SEARCH, "geo has a geo_point with a geo_limit, or a geo_box")
    lat, lon = axes_of(geo["geo_point"], BAD_SEARCH)
    if not _is_on_globe(lat, lon):
        return _NOWHERE
    km = max(_radians(geo.get("geo_limit")) * EARTH_KM * _SLACK, _HERE_KM)
    return ls.near(lat=lat, lon=lon, km=min(km, 4 * EARTH_KM))


def _radians(limit: Any) -> float:
    """A distance as the angle that it is, seen from the middle of the earth."""
    given = object_of(limit, "geo_limit", BAD_SEARCH)
    word = text_of(given.get("type"), "geo_limit.type", BAD_SEARCH) or "withinMiles"
    unit = word.strip().lower().removeprefix("within").rstrip("s")
    if unit not in _TO_RADIANS:
        raise Fault(
            BAD_SEARCH,
            "geo_limit.type is withinMiles, withinKilometers, withinDegrees or withinRadians,"
            f" not {word[:40]}",
        )
    value = number_of(given.get("value"), "geo_limit.value", BAD_SEARCH)
    if value is None:
        value = DEFAULT_MILES if not given else 0.0
    if value < 0:
        raise Fault(BAD_SEARCH, f"geo_limit.value is 0 or more, not {value:g}")
    return value * _TO_RADIANS[unit]


def _box(corners: list[Any]) -> ls.Term:
    if len(corners) != 2:
        raise Fault(BAD_SEARCH, f"geo_box has two corners, not {len(corners)}")
    points = []
    for each in corners:
        corner = object_of(each, "each of geo_box", BAD_SEARCH)
        points.append(axes_of(corner.get("geo_point", corner), BAD_SEARCH))
    lats, lons = zip(*points, strict=True)
    south, north = max(min(lats), -90.0), min(max(lats), 90.0)
    west, east = max(min(lons), -180.0), min(max(lons), 180.0)
    if south > north or west > east:
        return _NOWHERE
    return ls.box(south=south, west=west, north=north, east=east)


def _is_on_globe(lat: float, lon: float) -> bool:
    return abs(lat) <= 90 and abs(lon) <= 180
