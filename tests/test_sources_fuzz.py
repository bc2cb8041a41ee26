"""Mutated files: a Picture or a PictureError comes out, never another exception."""

from __future__ import annotations

import random

import pytest

from localsearch.errors import PictureError
from localsearch.records import STATES
from localsearch.sources.limits import Limits
from localsearch.sources.picture import decoded_pixels, open_picture
from tests.make_pictures import PICTURES

SMALL = Limits(max_pixels=2_000_000)
SEEDS = [
    "plain.jpg", "progressive.jpg", "cmyk.jpg", "profile.jpg", "rotated.jpg", "stereo.mpo",
    "plain.png", "palette_alpha.png", "grey16.png", "animated.png", "animated.gif",
    "animated.webp", "rotated.webp", "rotated.avif", "plain.tif", "lzw.tif", "float.tif",
    "rotated.tif", "plain.bmp", "plain.ppm", "plain.jp2", "plain.ico", "plain.tga", "plain.pcx",
    "plain.sgi", "plain.dds", "plain.qoi", "plain.xbm", "plain.msp", "upright.heic", "alpha.heic",
]  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Cut, flip bits, overwrite or drop a piece; headers are hit as often as the rest."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        reach = min(len(changed), 200) if rng.random() < 0.5 else len(changed)
        if reach < 2:
            break
        at, kind = rng.randrange(reach), rng.randrange(5)
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            del changed[at : at + rng.randrange(1, 9)]
        elif kind == 2:
            changed[at : at + 4] = rng.randbytes(4)
        else:
            changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def fuzz(name: str, rounds: int, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    data = PICTURES[name]()
    for _ in range(rounds):
        changed = mutated(data, rng)
        assert decoded_pixels(changed, 32) >= 0
        try:
            picture = open_picture(changed, short_side=rng.choice((0, 32)), limits=SMALL)
        except PictureError as refusal:
            assert refusal.state in STATES
            assert refusal.reason
        else:
            assert picture.pixels.ndim == 3
            assert picture.pixels.size > 0


@pytest.mark.parametrize("name", SEEDS)
def test_mutations(name: str) -> None:
    fuzz(name, 15, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("name", SEEDS)
def test_many_mutations(name: str) -> None:
    fuzz(name, 600, seed=2)
