"""Date, place and camera, from every container that holds EXIF; garbage is tolerated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from localsearch.records import Facts
from localsearch.sources.exif import parsed_exif, read_facts
from localsearch.sources.picture import open_picture
from localsearch.sources.quiet import quiet
from tests.make_pictures import PICTURES, encoded, exif_block, scene

NOW = datetime(2024, 6, 1, 12, 0, 0)


def facts_of(**more: Any) -> Facts:
    return read_facts(parsed_exif(exif_block(**more)), width=3, height=2, form="JPEG", now=NOW)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_every_container(form: str) -> None:
    gps = {1: "S", 2: (33.0, 51.0, 30.0), 3: "W", 4: (70.0, 30.0, 0.0)}
    block = exif_block(date="2021:03:04 05:06:07", make="Canon", model="Canon EOS R5", gps=gps)
    facts = open_picture(encoded(scene(), form, exif=block)).facts
    assert (facts.taken_at, facts.taken_raw) == ("2021-03-04T05:06:07", "2021:03:04 05:06:07")
    assert facts.camera == "Canon EOS R5"
    assert facts.lat == pytest.approx(-33.858333, abs=1e-6)
    assert facts.lon == pytest.approx(-70.5, abs=1e-6)


def test_heic() -> None:
    facts = open_picture(PICTURES["upright.heic"]()).facts
    assert (facts.taken_at, facts.camera) == ("2021-03-04T05:06:07", "Test One")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2021:03:04 05:06:07", "2021-03-04T05:06:07"),
        ("2021-03-04 05:06:07.25", "2021-03-04T05:06:07"),
        ("2021:03:04 05:06", "2021-03-04T05:06:00"),
        ("2021:03:04T05:06:07+02:00", "2021-03-04T05:06:07"),
        ("1989:12:31 23:59:59", None),
        ("1990:01:01 00:00:00", "1990-01-01T00:00:00"),
        ("2024:06:02 11:00:00", "2024-06-02T11:00:00"),
        ("2024:06:03 00:00:00", None),
        ("2021:13:04 05:06:07", None),
        ("2021:02:30 05:06:07", None),
        ("last summer 1", None),
    ],
)
def test_dates(text: str, taken: str | None) -> None:
    facts = facts_of(date=text)
    assert facts.taken_at == taken
    assert facts.taken_raw == text


def test_blank_dates_say_nothing_and_the_original_comes_first() -> None:
    assert facts_of(date="    :  :     :  :  ").taken_raw is None
    assert facts_of(date="0000:00:00 00:00:00", digitized="2020:01:02 03:04:05").taken_at == (
        "2020-01-02T03:04:05"
    )
    both = facts_of(date="2019:01:01 00:00:00", modified="2023:01:01 00:00:00")
    assert both.taken_at == "2019-01-01T00:00:00"
    reset = facts_of(date="1980:01:01 00:00:00", modified="2023:01:01 00:00:00")
    assert (reset.taken_at, reset.taken_raw) == (None, "1980:01:01 00:00:00")


@pytest.mark.parametrize(
    "gps",
    [
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {2: (48.0, 0.0, 0.0), 4: (11.0, 0.0, 0.0)},
        {1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (11.0, 0.0, 0.0)},
        {1: "N", 2: (48.0, 0.0, 0.0)},
        {1: "X", 2: (48.0, 0.0, 0.0), 3: "E", 4: (11.0, 0.0, 0.0)},
    ],
)
def test_places_that_are_none(gps: dict[int, Any]) -> None:
    facts = facts_of(gps=gps)
    assert (facts.lat, facts.lon) == (None, None)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("Canon", "Canon EOS 40D", "Canon EOS 40D"),
        ("FUJIFILM", "FinePix E500  ", "FUJIFILM FinePix E500"),
        ("OLYMPUS IMAGING CORP.  ", "E-M10", "OLYMPUS E-M10"),
        ("CASIO COMPUTER CO.,LTD.", "EX-Z1", "CASIO COMPUTER EX-Z1"),
        ("Apple", "iPhone 12\0junk", "Apple iPhone 12"),
        ("", "Pixel 7", "Pixel 7"),
        ("Leica", "", "Leica"),
        ("  ", " ", None),
    ],
)
def test_cameras(make: str, model: str, camera: str | None) -> None:
    assert facts_of(make=make, model=model).camera == camera


@settings(max_examples=60, deadline=None)
@given(some.binary(max_size=120), some.integers(0, 2**32))
def test_garbage_never_fails(noise: bytes, seed: int) -> None:
    block = bytearray(exif_block(date="2021:03:04 05:06:07", gps={1: "N", 2: (1.0, 2.0, 3.0)}))
    at = seed % len(block)
    block[at : at + len(noise)] = noise
    with quiet():
        facts = read_facts(parsed_exif(bytes(block)), width=1, height=1, form="JPEG", now=NOW)
    assert facts.width == 1
