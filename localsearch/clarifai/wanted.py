"""One item of an add, read and checked: its picture, its id, and what the user says of it.

Asks the library nothing but names. Invariant: an item that is wrong takes only itself with it.
"""

from __future__ import annotations

from typing import Any

from localsearch.clarifai.annotations import Annotation, Names, annotations_of
from localsearch.clarifai.answer import BAD_INPUT, Fault, Json
from localsearch.clarifai.media import Media, image_of, media_of
from localsearch.clarifai.reading import number_of, object_of, text_of
from localsearch.clarifai.regions import regions_told
from localsearch.clarifai.room import Request
from localsearch.deferred import NamedTuple

_DEEPEST = 100  # levels of metadata, as the library keeps them

Place = tuple[float, float]


class Wanted(NamedTuple):
    """What is to be added; `id` is "" where one is to be made."""

    id: str
    media: Media
    image: Json
    said: tuple[Annotation, ...]
    metadata: dict[str, Any] | None
    place: Place | None
    regions: list[Json] | None

    @property
    def tags(self) -> dict[str, bool]:
        """Its concepts as tags."""
        return {one.id: one.value for one in self.said}


def wanted_of(request: Request, item: Json, names: Names) -> Wanted:
    """One item. Raises Fault."""
    data = object_of(item.get("data"), "data", BAD_INPUT)
    image = image_of(data)
    return Wanted(
        id_of(item),
        media_of(request, image),
        image,
        tuple(annotations_of(data.get("concepts"), names)),
        metadata_of(data.get("metadata")),
        place_of(data.get("geo")),
        regions_told(data.get("regions")),
    )


def id_of(item: Json) -> str:
    """The id that a client gives; null and blanks are none. Fault 30104 for what can be none."""
    id = text_of(item.get("id"), "id", BAD_INPUT)
    if id and (not id.isprintable() or len(id) > 255):
        raise Fault(BAD_INPUT, "an id is 1 to 255 printable characters")
    return id


def metadata_of(value: Any) -> dict[str, Any] | None:
    """The user's document without nulls, which mean "not there"; None where none was given."""
    if value is None:
        return None
    return without_nulls(object_of(value, "data.metadata", BAD_INPUT))


def without_nulls(document: dict[str, Any], levels: int = _DEEPEST) -> dict[str, Any]:
    """A document without the keys whose value is null, also inside."""
    if not levels:
        raise Fault(BAD_INPUT, f"metadata are at most {_DEEPEST} levels deep")
    kept = {key: value for key, value in document.items() if value is not None}
    return {
        key: without_nulls(value, levels - 1) if isinstance(value, dict) else value
        for key, value in kept.items()
    }


def place_of(geo: Any) -> Place | None:
    """Latitude and longitude of `geo.geo_point`; None where none was given."""
    if geo is None:
        return None
    point = object_of(geo, "data.geo", BAD_INPUT).get("geo_point")
    return None if point is None else point_of(point, BAD_INPUT)


def point_of(point: Any, code: int) -> Place:
    """Latitude and longitude on the globe; a half that is left out is 0, as in messages without
    defaults."""
    place = axes_of(point, code)
    for name, number, most in zip(("latitude", "longitude"), place, (90.0, 180.0), strict=True):
        if abs(number) > most:
            raise Fault(code, f"geo_point.{name} is from {-most:g} to {most:g}, not {number:g}")
    return place


def axes_of(point: Any, code: int) -> Place:
    """Two finite numbers, which may lie off the globe: the guide itself swaps them in a query."""
    given = object_of(point, "geo_point", code)
    latitude, longitude = (
        number_of(given.get(name), f"geo_point.{name}", code) or 0.0
        for name in ("latitude", "longitude")
    )
    return latitude, longitude
