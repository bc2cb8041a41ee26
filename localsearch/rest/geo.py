"""Places: a point, a circle around one, a box between two. Longitude comes first, as it did."""

from __future__ import annotations

from typing import ClassVar

from localsearch.rest.errors import UserError
from localsearch.rest.wire import Json


class GeoPoint:
    """A point in degrees, longitude first."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude = float(longitude)
        self.latitude = float(latitude)

    def dict(self) -> Json:
        """As it travels."""
        return {"geo_point": {"longitude": self.longitude, "latitude": self.latitude}}


class GeoBox:
    """The box between two corners, in any order."""

    def __init__(self, point1: GeoPoint, point2: GeoPoint) -> None:
        self.point1 = point1
        self.point2 = point2

    def dict(self) -> Json:
        """As it travels."""
        return {"geo_box": [self.point1.dict(), self.point2.dict()]}


class GeoLimit:
    """A distance: `limit_type` is mile, kilometer, degree or radian (or its name on the wire)."""

    convert_table: ClassVar[dict[str, str]] = {
        "mile": "withinMiles",
        "kilometer": "withinKilometers",
        "degree": "withinDegrees",
        "radian": "withinRadians",
    }

    def __init__(self, limit_type: str = "mile", limit_range: float = 10) -> None:
        # The old documentation shows both spellings, though its client took the first only.
        known = {**self.convert_table, **{name: name for name in self.convert_table.values()}}
        if limit_type not in known:
            raise ValueError(f"limit_type is one of {', '.join(self.convert_table)}")
        self.limit_type = known[limit_type]
        self.limit_range = float(limit_range)

    def dict(self) -> Json:
        """As it travels."""
        return {"geo_limit": {"type": self.limit_type, "value": self.limit_range}}


class Geo:
    """A place: a point (of an input, or with a limit to search around) or a box."""

    def __init__(
        self,
        geo_point: GeoPoint | None = None,
        geo_limit: GeoLimit | None = None,
        geo_box: GeoBox | None = None,
    ) -> None:
        is_box = geo_box is not None and geo_point is None and geo_limit is None
        if not is_box and (geo_point is None or geo_box is not None):
            raise UserError(
                "Geo takes a point, a point with a limit, or a box alone",
                hint="Geo(geo_point=GeoPoint(longitude, latitude))",
            )
        self.geo_point = geo_point
        self.geo_limit = geo_limit
        self.geo_box = geo_box

    def dict(self) -> Json:
        """As it travels."""
        parts = (self.geo_point, self.geo_limit, self.geo_box)
        place: Json = {}
        for part in parts:
            if part is not None:
                place.update(part.dict())
        return {"geo": place}
