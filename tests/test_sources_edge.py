"""The larger folder of odd pictures: each decodes or is refused with a state and a reason."""

from __future__ import annotations

import csv
from functools import cache

import numpy as np
import pytest

from localsearch.errors import PictureError
from localsearch.records import STATES
from localsearch.sources.picture import open_picture
from tests.shared import needs_shared, shared

pytestmark = needs_shared


@cache
def _manifest() -> list[dict[str, str]]:
    with shared("edge", "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_file_decodes_or_tells_why_not() -> None:
    refused = {}
    for row in _manifest():
        data = shared("edge", row["file"]).read_bytes()
        try:
            picture = open_picture(data, short_side=320)
        except PictureError as refusal:
            assert refusal.state in STATES
            assert len(refusal.reason) > 10
            refused[row["file"]] = refusal.state
            continue
        assert picture.pixels.ndim == 3
        assert min(picture.pixels.shape[:2]) >= min(320, picture.facts.width, picture.facts.height)
    decodable = [row["file"] for row in _manifest() if row["pillow_13_result"].startswith("ok")]
    assert not set(decodable) & set(refused)
    assert refused["synthetic/bomb_30000x30000.png"] == "too-large"
    assert refused["bomb/vips_17000x17000.avif"] == "too-large"
    assert refused["synthetic/text_named.jpg"] == "unsupported"
    assert len(refused) < 45


@pytest.mark.parametrize(
    ("pattern", "tolerance"),
    [
        ("pil_hopper_orientation_*.jpg", 5),
        ("pil_hopper_orientation_*.webp", 5),
        ("pil_rot?mir?.avif", 9),  # each has its own number drawn on it
        ("pil_g4_orientation_*.tif", 1),
        ("exif_landscape_*.jpg", 6),
    ],
)
def test_orientation_family_is_upright(pattern: str, tolerance: float) -> None:
    files = sorted(shared("edge", "orientation").glob(pattern))
    first, *others = [open_picture(file.read_bytes()).pixels.astype(int) for file in files]
    assert len(others) >= 6
    for file, pixels in zip(files[1:], others, strict=True):
        assert pixels.shape == first.shape, file.name
        assert np.abs(pixels - first).mean() <= tolerance, file.name


def test_xmp_orientation_does_not_turn_an_avif() -> None:
    data = shared("edge", "orientation", "pil_xmp_tags_orientation.avif").read_bytes()
    assert open_picture(data).facts.width == 326


def test_facts_of_real_cameras() -> None:
    facts = open_picture(shared("edge", "exif", "exif_DSCN0010.jpg").read_bytes()).facts
    assert facts.taken_at == "2008-10-22T16:28:39"
    assert facts.camera == "NIKON COOLPIX P6000"
    assert facts.lat == pytest.approx(43.46745, abs=1e-4)
    assert facts.lon == pytest.approx(11.88513, abs=1e-4)
