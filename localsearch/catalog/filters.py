"""Rows by what is kept of a photo beside its picture: metadata, date, place, camera.

Never writes. Each filter has a `rows_of_...`, which gives ascending rows of inputs in any state
(the search intersects them with its universe), and a `size_of_...`, a guess that costs at most
about a millisecond however many match. Invariant: an index proposes at least what matches; what
it proposes is compared in full.
"""

from __future__ import annotations

import json
import math
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from localsearch.catalog import metadata_terms
from localsearch.catalog.input_reads import last_row, rows_from, rows_of_text
from localsearch.catalog.lists import select_in
from localsearch.errors import InputError
from localsearch.rows import from_array, to_array

if TYPE_CHECKING:
    import numpy.typing as npt

RowArray: TypeAlias = "npt.NDArray[np.uint32]"

EARTH_KM: Final = 6371.0088
"""Mean radius (IUGG). A sphere is wrong by up to 0.6 %, as every photo's place is by more."""

COUNTED: Final = 4096
"""A guess counts so far; from there on it asks a sample."""

_SAMPLE: Final = 64
_DECODER: Final = json.JSONDecoder()  # `json.loads` looks for blanks first: half as slow again
_SLACK: Final = 1e-9  # of bounds that are computed: more than any rounding, far below a metre


def rows_of_metadata(conn: sqlite3.Connection, document: str) -> RowArray:
    """Rows whose metadata contain a document (JSON text); see `metadata_terms.contains`."""
    asked = _asked(document)
    keys = metadata_terms.candidates(conn, asked)
    if keys is None:
        return _without_all_of(conn, asked)
    sql = "SELECT row, metadata FROM inputs WHERE key IN (...)"
    return _sorted(_containing(select_in(conn, sql, keys.tolist()), asked))


def size_of_metadata(conn: sqlite3.Connection, document: str) -> int | None:
    """A guess at how many contain a document; None where nothing is known."""
    found = metadata_terms.size_of(conn, _asked(document))
    return None if found is None or found >= metadata_terms.COUNTED else found


def rows_of_taken(conn: sqlite3.Connection, after: str | None, before: str | None) -> RowArray:
    """Rows taken from `after` on and before `before` (local "YYYY-MM-DDTHH:MM:SS", or None).

    Parts of a second or a zone behind what is stored are after its second and before the next.
    """
    test, values = _taken(after, before)
    return _rows_where(conn, test, values)


def size_of_taken(conn: sqlite3.Connection, after: str | None, before: str | None) -> int:
    """A guess at how many were taken then."""
    return _guess(conn, *_taken(after, before))


def rows_of_box(
    conn: sqlite3.Connection, south: float, west: float, north: float, east: float
) -> RowArray:
    """Rows between two parallels and two meridians, these too; west > east: over the date line."""
    return _rows_where(conn, *_box(south, north, _spans(west, east)))


def size_of_box(
    conn: sqlite3.Connection, south: float, west: float, north: float, east: float
) -> int:
    """A guess at how many lie in a box."""
    return _guess(conn, *_box(south, north, _spans(west, east)), band=(south, north))


def rows_of_near(conn: sqlite3.Connection, lat: float, lon: float, km: float) -> RowArray:
    """Rows at most `km` from a place, over ground: haversine on a sphere of `EARTH_KM`."""
    test, values = _box(*_around(lat, lon, km))
    sql = f"SELECT row, lat, lon FROM inputs WHERE {test}"
    flat = np.fromiter(chain.from_iterable(conn.execute(sql, values)), dtype=np.float64)
    rows, lats, lons = flat.reshape(-1, 3).T
    near = rows[distances_km(lat, lon, lats, lons) <= km].astype(np.uint32)
    near.sort()
    return near


def size_of_near(conn: sqlite3.Connection, lat: float, lon: float, km: float) -> int:
    """A guess at how many lie near a place: those of the box around it."""
    south, north, spans = _around(lat, lon, km)
    return _guess(conn, *_box(south, north, spans), band=(south, north))


def distances_km(
    lat: float, lon: float, lats: npt.NDArray[np.float64], lons: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Great-circle distances from one place to many, float64 [n]. Degrees; exact 0 for itself."""
    latitude, latitudes = math.radians(lat), np.radians(lats)
    half_lat = np.sin((latitudes - latitude) / 2) ** 2
    half_lon = np.sin(np.radians(lons - lon) / 2) ** 2
    chord = half_lat + math.cos(latitude) * np.cos(latitudes) * half_lon
    found: npt.NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return found


def rows_of_camera(conn: sqlite3.Connection, name: str) -> RowArray:
    """Rows whose camera contains a text, whatever its capitals."""
    sql = "SELECT group_concat(row) FROM inputs WHERE camera IN (...)"
    found = select_in(conn, sql, cameras_with(conn, name))
    return rows_of_text(text for (text,) in found)


def size_of_camera(conn: sqlite3.Connection, name: str) -> int:
    """A guess at how many have such a camera, from the first few that fit."""
    found = cameras_with(conn, name)[:_SAMPLE]
    if not found:
        return 0
    return _guess(conn, f"camera IN ({','.join('?' * len(found))})", found)


def cameras_with(conn: sqlite3.Connection, name: str) -> list[str]:
    """Cameras, as they are stored, whose text contains `name` when both are casefolded."""
    wanted = _folded(name)
    # One look at the index for each camera there is, not for each photo.
    found = conn.execute(
        "WITH RECURSIVE cameras (camera) AS ("
        " SELECT (SELECT min(camera) FROM inputs WHERE camera IS NOT NULL)"
        " UNION ALL SELECT (SELECT min(camera) FROM inputs WHERE camera > cameras.camera)"
        " FROM cameras WHERE cameras.camera IS NOT NULL)"
        " SELECT camera FROM cameras WHERE camera IS NOT NULL"
    )
    return [camera for (camera,) in found if wanted in _folded(camera)]


def size_of_state(conn: sqlite3.Connection, state: str) -> int:
    """A guess at how many inputs are in a state."""
    return _guess(conn, "removed = 0 AND state = ?", [state])


def _asked(document: str) -> dict[str, Any]:
    asked = json.loads(document)
    if not isinstance(asked, dict) or not metadata_terms.check_depth(asked):
        raise InputError(f"metadata are an object of at most {metadata_terms.DEEPEST} levels")
    return asked


def _containing(found: Iterable[tuple[int, str]], asked: dict[str, Any]) -> Iterable[int]:
    """Rows of (row, document) whose document contains what is asked; equal texts compared once."""
    known: dict[str, bool] = {}
    for row, text in found:
        answer = known.get(text)
        if answer is None:
            answer = known[text] = metadata_terms.contains(_DECODER.raw_decode(text)[0], asked)
        if answer:
            yield row


def _without_all_of(conn: sqlite3.Connection, asked: dict[str, Any]) -> RowArray:
    """Rows that contain nulls only: all but those with a document that holds something there."""
    keys = metadata_terms.keys_with_any(conn)
    sql = "SELECT row, metadata FROM inputs WHERE key IN (...)"
    documents = [*select_in(conn, sql, keys.tolist())]
    others = from_array(np.array([row for row, _ in documents], dtype=np.uint32))
    others -= from_array(_sorted(_containing(documents, asked)))
    return to_array(from_array(rows_from(conn, "SELECT row FROM inputs")) - others)


def _taken(after: str | None, before: str | None) -> tuple[str, list[str]]:
    ends = [("taken_at >= ?", after), ("taken_at < ?", before)]
    tests = [test for test, end in ends if end is not None]
    test = " AND ".join(tests) or "taken_at IS NOT NULL"
    return test, [end for _, end in ends if end is not None]


def _spans(west: float, east: float) -> list[tuple[float, float]]:
    """Longitudes from west to east as one or two spans; -180 and 180 are the same meridian."""
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    if any(one == -180.0 for one, _ in spans):
        spans.append((180.0, 180.0))
    if any(one == 180.0 for _, one in spans):
        spans.append((-180.0, -180.0))
    return spans


def _around(lat: float, lon: float, km: float) -> tuple[float, float, list[tuple[float, float]]]:
    """South, north and spans of longitude that hold every place at most `km` away."""
    reach = km / EARTH_KM
    degrees = math.degrees(reach) * (1 + _SLACK) + _SLACK
    south, north = lat - degrees, lat + degrees
    if south <= -90 or north >= 90:  # a pole is within reach, so every longitude is
        return max(south, -90.0), min(north, 90.0), [(-180.0, 180.0)]
    ratio = min(1.0, math.sin(reach) / math.cos(math.radians(lat)))
    width = math.degrees(math.asin(ratio)) * (1 + _SLACK) + _SLACK
    if ratio == 1.0 or width >= 180:
        return south, north, [(-180.0, 180.0)]
    west, east = lon - width, lon + width
    if west < -180:
        return south, north, [(-180.0, east), (west + 360, 180.0)]
    if east > 180:
        return south, north, [(west, 180.0), (-180.0, east - 360)]
    return south, north, _spans(west, east)


def _box(
    south: float, north: float, spans: Sequence[tuple[float, float]]
) -> tuple[str, list[float]]:
    lons = " OR ".join(["lon BETWEEN ? AND ?"] * len(spans))
    test = f"lat BETWEEN ? AND ? AND lon IS NOT NULL AND ({lons})"
    return test, [south, north, *chain.from_iterable(spans)]


def _rows_where(conn: sqlite3.Connection, test: str, values: Sequence[Any]) -> RowArray:
    return rows_from(conn, f"SELECT row FROM inputs WHERE {test}", values)


def _sorted(rows: Iterable[int]) -> RowArray:
    found = np.fromiter(rows, dtype=np.uint32)
    found.sort()
    return found


def _guess(
    conn: sqlite3.Connection,
    test: str,
    values: Sequence[Any],
    band: tuple[float, float] | None = None,
) -> int:
    """How many inputs pass a test: counted if they are few, else told from a sample.

    `band` of latitudes: an index finds these alone, and among many it may find few.
    """
    sql = "SELECT count(*) FROM (SELECT 1 FROM inputs WHERE {} LIMIT ?)"
    first = (test, values) if band is None else ("lat BETWEEN ? AND ? AND lon IS NOT NULL", band)
    counted = int(conn.execute(sql.format(first[0]), (*first[1], COUNTED)).fetchone()[0])
    if counted < COUNTED:
        if band is not None:
            return int(conn.execute(sql.format(test), (*values, COUNTED)).fetchone()[0])
        return counted
    rows = np.linspace(1, last_row(conn), _SAMPLE).astype(int).tolist()
    asked = f"SELECT {test} FROM inputs WHERE row IN (...)"
    found = [bool(fits) for (fits,) in select_in(conn, asked, rows, *values)]
    share = sum(found) / max(len(found), 1)
    most = round(share * last_row(conn) * len(found) / _SAMPLE)
    return most if band is not None else max(most, COUNTED)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
