"""Rows by metadata, date, place, camera, path: against one look at each photo after another."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from localsearch.catalog import (
    Catalog,
    create_catalog,
    filters,
    inputs,
    metadata_terms,
    path_filter,
    roots,
)
from localsearch.catalog.places import glob_matcher
from localsearch.errors import InputError
from localsearch.records import Facts
from tests.catalog_model import NOW_MS, put

# One catalog for all examples: making one costs more than what is tried in it.
TRIED = settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])
EARTH_KM = 6371.0088


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    made = create_catalog(tmp_path_factory.mktemp("filters"))
    yield made
    assert made.complaints() == []
    made.close()


def rows_after(
    catalog: Catalog, photos: Sequence[dict[str, Any]], ask: Callable[[sqlite3.Connection], Any]
) -> tuple[list[int], Any]:
    """The rows of these photos alone, in their order, and what is asked of them."""
    with catalog.writing("test") as conn:
        inputs.purge(conn, [key for (key,) in conn.execute("SELECT key FROM inputs")])
        rows = [put(conn, number, **photo).row for number, photo in enumerate(photos)]
        return rows, ask(conn)


def facts(**known: Any) -> Facts:
    return Facts(4, 3, "jpeg", **known)


# --- metadata ---

SCALARS = st.sampled_from(
    (None, True, False, 0, 1, -1, 1.0, -0.0, 0.5, 2**53, 2**53 + 1, float(2**53), 1e300)
) | st.sampled_from(("", "1", "true", "null", "a", "\ud800", "a.b"))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "a.b", "", "ka"]), inner, max_size=3)
    ),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c", "a.b"]), VALUES, max_size=3)


def same(stored: Any, asked: Any) -> bool:
    """Equal scalars: true and 1 are two things, 1 and 1.0 are one."""
    if isinstance(stored, bool) or isinstance(asked, bool):
        return stored is asked
    return bool(stored == asked)


def holds(stored: Any, asked: Any) -> bool:
    """Containment, said as plainly as it can be said."""
    if isinstance(asked, dict):
        if not isinstance(stored, dict):
            return False
        for key in asked:
            if asked[key] is None:
                if key in stored and stored[key] is not None:
                    return False
            elif key not in stored or not holds(stored[key], asked[key]):
                return False
        return True
    if isinstance(asked, list):
        return isinstance(stored, list) and all(any(holds(s, a) for s in stored) for a in asked)
    return not isinstance(stored, dict | list) and same(stored, asked)


def parts_of(draw: st.DrawFn, value: Any) -> Any:
    """Something that a document contains: keys and elements left out at random."""
    keep = st.booleans()
    if isinstance(value, dict):
        return {key: parts_of(draw, inner) for key, inner in value.items() if draw(keep)}
    if isinstance(value, list):
        return [parts_of(draw, inner) for inner in value if draw(keep)][::-1]
    return float(value) if isinstance(value, int) and abs(value) < 9 and draw(keep) else value


@st.composite
def stored_and_asked(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    documents = draw(st.lists(DOCUMENTS, min_size=1, max_size=6))
    if draw(st.booleans()):
        return documents, draw(DOCUMENTS)
    return documents, parts_of(draw, draw(st.sampled_from(documents)))


@TRIED
@given(stored_and_asked())
@example(([{}, {"a": None}, {"a": 1}], {"a": None}))
@example(([{"a": [None]}, {"a": []}, {"a": [{}]}], {"a": [None]}))
@example(([{"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}, {"c": 2}]}], {"a": [{"b": 1, "c": 2}]}))
@example(([{"a": True}, {"a": 1}, {"a": 1.0}, {"a": "1"}], {"a": 1}))
@example(([{"a": {"b": 1}}, {"a.b": 1}, {"a": {"b": [1]}}], {"a.b": 1}))
@example(([{"a": []}, {"a": {}}, {"a": None}, {}], {"a": {}}))
def test_metadata(catalog: Catalog, tried: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    documents, asked = tried
    rows, found = rows_after(
        catalog,
        [{"metadata": each} for each in documents],
        lambda conn: filters.rows_of_metadata(conn, json.dumps(asked)).tolist(),
    )
    assert found == [r for r, each in zip(rows, documents, strict=True) if holds(each, asked)]


def test_metadata_that_changes_is_found_by_what_it_is_now(catalog: Catalog) -> None:
    with catalog.writing("test") as conn:
        placed = put(conn, 900, metadata={"album": "home"})
        inputs.set_metadata(conn, placed.key, {"album": "away", "n": [1, {"b": (2,)}]}, NOW_MS)
        assert filters.rows_of_metadata(conn, '{"album":"home"}').tolist() == []
        for asked in ({"album": "away"}, {"n": [1.0]}, {"n": [{"b": [2]}]}):
            assert filters.rows_of_metadata(conn, json.dumps(asked)).tolist() == [placed.row]
        assert filters.size_of_metadata(conn, '{"album":"away"}') == 1
        assert filters.size_of_metadata(conn, '{"album":null}') is None
        inputs.purge(conn, [key for (key,) in conn.execute("SELECT key FROM inputs")])
        assert conn.execute("SELECT count(*) FROM metadata_terms").fetchone() == (0,)


def test_terms_that_differ_are_noticed_and_made_anew(catalog: Catalog) -> None:
    documents: Sequence[dict[str, Any]] = ({"a": 1}, {}, {"b": [1, {"c": None}]}, {"a": 1}, {})

    def ask(conn: sqlite3.Connection) -> None:
        keys = [key for (key,) in conn.execute("SELECT key FROM inputs ORDER BY key")]
        assert metadata_terms.check(conn) == []
        conn.execute("DELETE FROM metadata_terms WHERE input = ?", (keys[0],))
        conn.execute("INSERT INTO metadata_terms VALUES (7, ?)", (keys[1],))
        conn.execute("UPDATE inputs SET metadata = '{}' WHERE key = ?", (keys[3],))
        conn.execute("INSERT INTO metadata_terms VALUES (7, ?)", (keys[4],))
        wrong = [keys[0], keys[1], keys[3], keys[4]]
        assert metadata_terms.check(conn) == wrong
        metadata_terms.renew(conn, wrong)
        assert metadata_terms.check(conn) == []
        assert len(filters.rows_of_metadata(conn, '{"a":1}')) == 1

    rows_after(catalog, [{"metadata": each} for each in documents], ask)


def test_a_document_of_many_keys_is_found_by_each(catalog: Catalog) -> None:
    large = {f"k{n}": n for n in range(3000)}
    _, found = rows_after(
        catalog,
        [{"metadata": large}, {"metadata": {"k1": 1}}],
        lambda conn: [
            len(filters.rows_of_metadata(conn, json.dumps(asked)))
            for asked in ({"k1": 1}, {"k2999": 2999}, {"k2999": 0}, large, {"zz": None})
        ],
    )
    assert found == [2, 1, 0, 1, 2]


def test_metadata_too_deep_is_refused_before_it_is_kept(catalog: Catalog) -> None:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(200):
        deep = {"a": [deep]}
    with catalog.writing("test") as conn:
        with pytest.raises(InputError, match="100 levels"):
            put(conn, 901, metadata=deep)
        key = put(conn, 902).key
        with pytest.raises(InputError, match="100 levels"):
            inputs.set_metadata(conn, key, deep, NOW_MS)
        with pytest.raises(InputError, match="100 levels"):
            filters.rows_of_metadata(conn, json.dumps(deep))


# --- dates ---

MOMENTS = st.datetimes(datetime(1999, 12, 30), datetime(2000, 1, 2)).map(
    lambda one: one.replace(microsecond=0)
)
TAILS = st.sampled_from(["", "", "", ".5", ".999999", "Z", "+02:00", ".25-11:30"])


@TRIED
@given(
    st.lists(st.none() | st.tuples(MOMENTS, TAILS), max_size=8),
    st.none() | MOMENTS,
    st.none() | MOMENTS,
    st.booleans(),
)
def test_taken(
    catalog: Catalog,
    stored: list[tuple[datetime, str] | None],
    after: datetime | None,
    before: datetime | None,
    near_a_stored_one: bool,
) -> None:
    known = [moment for moment, _ in filter(None, stored)]
    if near_a_stored_one and known:
        after, before = known[0], known[-1] + timedelta(seconds=1)
    texts = [None if one is None else one[0].isoformat() + one[1] for one in stored]
    rows, found = rows_after(
        catalog,
        [{"facts": facts(taken_at=text)} for text in texts],
        lambda conn: filters.rows_of_taken(
            conn, after.isoformat() if after else None, before.isoformat() if before else None
        ).tolist(),
    )
    wanted = [
        row
        for row, one in zip(rows, stored, strict=True)
        if one is not None
        and (after is None or one[0] >= after)  # local time, whatever zone stands behind it
        and (before is None or one[0] < before)
    ]
    assert found == wanted


# --- places ---

EDGES = [-180.0, -179.9999999, -90.0, -1e-7, 0.0, 1e-7, 89.9999, 90.0, 179.9999999, 180.0]
LATITUDES = st.sampled_from([one for one in EDGES if abs(one) <= 90]) | st.floats(-90, 90)
LONGITUDES = st.sampled_from(EDGES) | st.floats(-180, 180)
PLACES = st.tuples(LATITUDES, LONGITUDES)
LENGTHS = st.floats(1e-4, 21_000) | st.sampled_from([0.001, 5.0, 111.3, 10_007.6, 20_015.2])


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """By the chord between two directions from the middle of the Earth, not by haversine."""
    ends = []
    for lat, lon in (one, other):
        phi, theta = math.radians(lat), math.radians(lon)
        ends.append((math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta)))
        ends[-1] += (math.sin(phi),)  # type: ignore[assignment]
    return 2 * EARTH_KM * math.asin(min(1.0, math.dist(*ends) / 2))


@st.composite
def places_near(draw: st.DrawFn) -> tuple[tuple[float, float], float, list[tuple[float, float]]]:
    """A place, a length, and places at about that length from it: where boxes are cut wrongly."""
    lat, lon = draw(PLACES)
    km = draw(LENGTHS)
    reach = km / EARTH_KM
    found = draw(st.lists(PLACES, max_size=4))
    for _ in range(draw(st.integers(0, 6))):
        bearing, share = draw(st.floats(0, 2 * math.pi)), draw(st.floats(0.9, 1.1))
        phi, far = math.radians(lat), reach * share
        sine = math.sin(phi) * math.cos(far) + math.cos(phi) * math.sin(far) * math.cos(bearing)
        there = math.asin(max(-1.0, min(1.0, sine)))
        across = math.sin(bearing) * math.sin(far) * math.cos(phi)
        turn = math.atan2(across, math.cos(far) - math.sin(phi) * math.sin(there))
        degrees = (lon + math.degrees(turn) + 540) % 360 - 180
        found.append((math.degrees(there), degrees))
    return (lat, lon), km, found


@TRIED
@given(places_near())
@example(((90.0, 0.0), 100.0, [(89.5, 170.0), (89.0, -170.0), (90.0, -180.0)]))
@example(((89.9, 10.0), 50.0, [(89.9, -170.0), (89.6, -170.0)]))
@example(((0.0, 179.99), 10.0, [(0.0, -179.99), (0.0, 180.0), (0.0, -180.0), (0.0, 179.0)]))
@example(((0.0, 0.0), 0.001, [(0.0, 0.0), (-0.0, -0.0), (0.0, 1e-9)]))
@example(((10.0, 20.0), 20_020.0, [(-10.0, -160.0), (-90.0, 0.0)]))
def test_near(
    catalog: Catalog, tried: tuple[tuple[float, float], float, list[tuple[float, float]]]
) -> None:
    (lat, lon), km, stored = tried
    photos = [{"facts": facts(lat=a, lon=o)} for a, o in stored] + [{"facts": facts()}]
    rows, found = rows_after(
        catalog, photos, lambda conn: filters.rows_of_near(conn, lat, lon, km).tolist()
    )
    far = [kilometres((lat, lon), each) for each in stored]
    # On the line itself rounding decides: haversine near the antipode is good to some metres.
    slack = [1e-7 + (0.01 if each > 19_000 else 0) for each in far]
    sure = {r for r, each, s in zip(rows, far, slack, strict=False) if each <= km - s}
    perhaps = {r for r, each, s in zip(rows, far, slack, strict=False) if each <= km + s}
    assert sure <= set(found) <= perhaps
    assert found == sorted(found)


@TRIED
@given(
    st.lists(PLACES, max_size=8),
    st.tuples(LATITUDES, LATITUDES).map(sorted),
    st.tuples(LONGITUDES, LONGITUDES),
)
@example([(0.0, 180.0), (0.0, -180.0), (0.0, 179.0)], [0.0, 0.0], (-180.0, -179.0))
@example([(0.0, 180.0), (0.0, -180.0), (0.0, 0.0)], [-1.0, 1.0], (170.0, -170.0))
@example([(90.0, 12.0), (-90.0, 12.0)], [-90.0, 90.0], (12.0, 12.0))
def test_box(
    catalog: Catalog,
    stored: list[tuple[float, float]],
    lats: list[float],
    lons: tuple[float, float],
) -> None:
    south, north = lats
    west, east = lons
    rows, found = rows_after(
        catalog,
        [*({"facts": facts(lat=a, lon=o)} for a, o in stored), {"facts": facts()}],
        lambda conn: filters.rows_of_box(conn, south, west, north, east).tolist(),
    )

    def inside(lat: float, lon: float) -> bool:
        around = (180.0, -180.0) if abs(lon) == 180 else (lon,)  # one meridian, two numbers
        if west <= east:
            return south <= lat <= north and any(west <= one <= east for one in around)
        return south <= lat <= north and any(one >= west or one <= east for one in around)

    assert found == [r for r, each in zip(rows, stored, strict=False) if inside(*each)]


def test_distances_of_known_places() -> None:
    munich, places = (48.137, 11.575), [(52.520, 13.405), (48.137, 11.575), (-48.137, -168.425)]
    lats, lons = np.array(places).T
    found = filters.distances_km(*munich, lats, lons)
    assert found.round(0).tolist() == [504.0, 0.0, 20_015.0]
    quarter = filters.distances_km(0.0, 10.0, np.array([90.0, 0.0]), np.array([77.0, 100.0]))
    assert np.allclose(quarter, math.pi / 2 * EARTH_KM, rtol=1e-12)


# --- cameras ---


@TRIED
@given(
    st.lists(
        st.none() | st.text(st.sampled_from("aAüu\u0308ßSs \ud800%_"), max_size=5), max_size=6
    ),
    st.text(st.sampled_from("aAüUu\u0308ßSs%_"), min_size=1, max_size=3),
)
def test_camera(catalog: Catalog, stored: list[str | None], name: str) -> None:
    rows, found = rows_after(
        catalog,
        [{"facts": facts(camera=each)} for each in stored],
        lambda conn: filters.rows_of_camera(conn, name).tolist(),
    )
    wanted = filters._folded(name)
    kept = [each and each.encode("utf-8", "replace").decode() for each in stored]
    assert found == [
        row
        for row, each in zip(rows, kept, strict=True)
        if each is not None and wanted in filters._folded(each)
    ]


def test_camera_by_make_or_model(catalog: Catalog) -> None:
    stored = ["Apple iPhone 12", "Apple iPhone 12 Pro", "Canon EOS 5D", None, "Apple iPhone 12"]
    rows, found = rows_after(
        catalog,
        [{"facts": facts(camera=each)} for each in stored],
        lambda conn: [
            filters.rows_of_camera(conn, name).tolist()
            for name in ("IPHONE 12", "pro", "12 p", "x")
        ],
    )
    assert found == [[rows[0], rows[1], rows[4]], [rows[1]], [rows[1]], []]


# --- paths ---

SIGNS = "ab.K\u212a/é*?[]!-;\n"
NAMES = st.text(st.sampled_from("ab.K\u212aé\u0301e\udcff;\n"), min_size=1, max_size=4)
FOLDERS = st.lists(NAMES, max_size=3).map("/".join)
GLOBS = st.lists(
    st.sampled_from(["*", "**", "?", "/", "**/", "[ab]", "[!a]", ".", "a", "b", "K", "é", "e"]),
    max_size=6,
).map("".join) | st.text(st.sampled_from(SIGNS), max_size=6)


@settings(TRIED, max_examples=400)
@given(st.lists(st.tuples(FOLDERS, NAMES), max_size=12, unique=True), GLOBS, st.booleans())
@example([("", "a"), ("a", "b"), ("a/b", "a.b")], "**", True)
@example([("a", "K"), ("a", "\u212a"), ("\u212a", "a")], "**/K", True)
@example([("\u212a", "a"), ("K", "a")], "K/*", True)
@example([("a", "e\u0301"), ("a", "\u00e9")], "a/\u00e9", False)
@example([("a", "ba"), ("a", "a"), ("a", "aba")], "**/a*ba", False)
@example([("a/b", "a"), ("ab", "a"), ("a", "ba")], "a**a", True)
@example([("a", ".b"), ("a/b", "b.b")], "a**.b", True)
@example([("\udcff" * 70, "a")], "**/a", True)
def test_path(catalog: Catalog, stored: list[tuple[str, str]], glob: str, rooted: bool) -> None:
    try:
        matches = glob_matcher(glob)
    except InputError:
        with pytest.raises(InputError):
            rows_after(catalog, [], lambda conn: path_filter.rows_of_path(conn, glob))
        return
    places = [(os.fsencode(folder), os.fsencode(name)) for folder, name in stored]
    if not rooted:
        places = [(b"/" + folder, name) for folder, name in places]

    def ask(conn: sqlite3.Connection) -> list[int]:
        root = roots.by_name(conn, "home")
        key = roots.put(conn, name="home", path=b"/p") if root is None else root.key
        if rooted:
            conn.execute("UPDATE inputs SET root = ?", (key,))
        size = path_filter.size_of_path(conn, glob)
        found = [*map(int, path_filter.rows_of_path(conn, glob, "home" if rooted else None))]
        assert size is None or size >= len(found)
        conn.execute("UPDATE inputs SET root = NULL")
        return found

    photos = [{"folder": folder, "name": name} for folder, name in places]
    rows, found = rows_after(catalog, photos, ask)
    assert found == [r for r, each in zip(rows, places, strict=True) if matches(*each)]


# --- sizes ---


def test_sizes_are_counted_where_few_match_and_guessed_where_many_do(catalog: Catalog) -> None:
    count = 6000

    def ask(conn: sqlite3.Connection) -> dict[str, int | None]:
        conn.execute("UPDATE counters SET value = 0 WHERE name = 'row'")
        for n in range(count):
            known = facts(
                taken_at=f"{2000 + n % 20}-01-01T00:00:00",
                lat=float(n % 90),
                lon=float(n % 180),
                camera="many" if n % 3 else "few",
            )
            put(conn, n, facts=known, metadata={"all": 1, "n": n})
        return {
            "year": filters.size_of_taken(conn, "2003", "2004"),
            "half": filters.size_of_taken(conn, "2010", None),
            "all": filters.size_of_taken(conn, "2000", None),
            "never": filters.size_of_taken(conn, "2030", None),
            "box": filters.size_of_box(conn, 10, 10, 11, 11),
            "world": filters.size_of_box(conn, -90, -180, 90, 180),
            "empty": filters.size_of_box(conn, -90, -180, 90, -170),
            "near": filters.size_of_near(conn, 10, 10, 1),
            "few": filters.size_of_camera(conn, "FEW"),
            "cameras": filters.size_of_camera(conn, "m"),
            "none": filters.size_of_camera(conn, "x"),
            "document": filters.size_of_metadata(conn, '{"all":1,"n":7}'),
            "documents": filters.size_of_metadata(conn, '{"all":1}'),
            "ok": filters.size_of_state(conn, "ok"),
            "missing": filters.size_of_state(conn, "missing"),
        }

    _, found = rows_after(catalog, [], ask)
    assert found["year"] == 300 and found["half"] == 3000 and found["few"] == 2000
    assert 4096 <= found["all"] <= count and 4096 <= found["ok"] <= count
    assert (found["never"], found["none"], found["missing"], found["empty"]) == (0, 0, 0, 0)
    assert found["box"] <= 600 and found["near"] <= 600
    assert 4096 <= found["world"] <= count + 100
    assert found["cameras"] == 4000
    assert found["document"] == 1 and found["documents"] is None
