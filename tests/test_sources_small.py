"""Thumbnails and fingerprints."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from localsearch.sources.fingerprint import distance, fingerprint
from localsearch.sources.picture import open_picture
from localsearch.sources.thumbnail import make
from tests.make_pictures import encoded, scene


@pytest.mark.parametrize(
    ("width", "height", "wanted"),
    [
        (400, 300, (133, 100)),
        (300, 400, (100, 133)),
        (90, 60, (90, 60)),
        (1, 5000, (1, 2000)),
        (5000, 1, (2000, 1)),
        (4000, 101, (2000, 50)),
        (1, 1, (1, 1)),
    ],
)
def test_thumbnail_size(width: int, height: int, wanted: tuple[int, int]) -> None:
    image = Image.open(io.BytesIO(make(scene(width, height), 100)))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", wanted)


def test_thumbnail_shows_the_picture() -> None:
    pixels = scene(400, 300)
    small = np.asarray(Image.open(io.BytesIO(make(pixels, 100)))).astype(int)
    wanted = np.asarray(Image.fromarray(pixels).resize((133, 100))).astype(int)
    assert np.abs(small - wanted).mean() < 4


def test_fingerprints_of_copies_are_near_and_of_others_far() -> None:
    pictures = [scene(400, 300, seed) for seed in range(12)]
    prints = [fingerprint(pixels) for pixels in pictures]
    for pixels, whole in zip(pictures, prints, strict=True):
        assert 0 <= whole < 2**64
        small = open_picture(
            encoded(Image.fromarray(pixels).resize((211, 160)), "JPEG", quality=60)
        )
        assert distance(fingerprint(small.pixels), whole) <= 8
    apart = [distance(a, b) for n, a in enumerate(prints) for b in prints[:n]]
    assert np.median(apart) > 12


def test_fingerprints_are_the_same_everywhere() -> None:
    assert fingerprint(np.zeros((9, 7, 3), np.uint8)) == 0
    assert fingerprint(scene(200, 100)) == fingerprint(scene(200, 100))
