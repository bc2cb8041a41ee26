"""Answered images as objects of the old client; tolerant of what it does not know, or lacks."""

from __future__ import annotations

from typing import Any

from localsearch.rest.geo import Geo, GeoPoint
from localsearch.rest.image import Image
from localsearch.rest.regions import region_of
from localsearch.rest.status import ApiStatus
from localsearch.rest.wire import Json

POSITIVE = 0.5
"""From this value on an annotation says that it is so; the old client took 1 only."""


def image_of(item: Json) -> Image:
    """The image of an answer."""
    data = item.get("data") or {}
    media = data.get("image") or {}
    found = Image(
        image_id=item.get("id"),
        url=media.get("url"),
        base64=media.get("base64"),
        crop=media.get("crop"),
        metadata=data.get("metadata"),
        geo=_geo_of(data.get("geo")),
        regions=[region_of(one) for one in data.get("regions") or ()] or None,
        allow_dup_url=media.get("allow_duplicate_url", False),
    )
    _take_concepts(found, data.get("concepts") or [])
    if item.get("status"):
        found.status = ApiStatus(item["status"])
    return found


def hit_of(item: Json) -> Image:
    """The image of a hit, with its score."""
    found = image_of(item["input"])
    found.score = item.get("score", 0.0)
    return found


def _take_concepts(image: Image, concepts: list[Json]) -> None:
    named = [(one.get("name") or one["id"], one.get("value", 1)) for one in concepts]
    image.concepts = [name for name, value in named if value >= POSITIVE] or None
    image.not_concepts = [name for name, value in named if value < POSITIVE] or None
    image._concept_ids = {
        one.get("name") or one["id"]: one["id"] for one in concepts if "id" in one
    }


def _geo_of(item: Any) -> Geo | None:
    point = item.get("geo_point") if isinstance(item, dict) else None
    if not point:
        return None
    return Geo(GeoPoint(point.get("longitude", 0.0), point.get("latitude", 0.0)))
