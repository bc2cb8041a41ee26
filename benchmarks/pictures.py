"""Photos for the benchmarks: seeded pictures that look to a decoder like photos, and copies.

Invariant: a seed gives the same pixels again, whatever else was made before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

OLD_NS = 1_600_000_000 * 10**9  # long ago: files of the last two seconds are looked at twice
_OCTAVES = (3, 8, 24, 80, 250)  # cells along the long side; each weighs half of what there is
_GRAIN = 512  # side of the tile of sensor noise
_SPOTS = 9


def photo_like(seed: int, size: tuple[int, int], grain: float = 5.0) -> Image.Image:
    """Coarse to fine blotches of colour, edges, and grain: no photo, but it costs like one."""
    rng = np.random.default_rng(seed)
    picture = _noise(rng, _OCTAVES[0], size)
    for cells in _OCTAVES[1:]:
        if cells < max(size):
            picture = Image.blend(picture, _noise(rng, cells, size), 0.35)
    for _ in range(_SPOTS):
        width, height = (int(rng.integers(side // 12, side // 3 + 1)) for side in size)
        spot = _noise(rng, 2, (width, height))
        left, top = (int(rng.integers(0, side)) for side in size)
        picture.paste(spot, (left, top))
    return with_grain(picture, rng, grain)


def enlarged(file: Path, seed: int, size: tuple[int, int], grain: float = 5.0) -> Image.Image:
    """A real photo at another size, with the grain that enlarging takes away."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    return with_grain(picture, np.random.default_rng(seed), grain)


def with_grain(picture: Image.Image, rng: np.random.Generator, deviation: float) -> Image.Image:
    """Add grey noise of that standard deviation, from one tile, each time from another corner."""
    tile = rng.normal(0.0, deviation, (_GRAIN, _GRAIN, 1)).round().astype(np.int16)
    pixels = np.array(picture, dtype=np.uint8)
    for top in range(0, pixels.shape[0], _GRAIN):
        for left in range(0, pixels.shape[1], _GRAIN):
            cut = pixels[top : top + _GRAIN, left : left + _GRAIN]
            shifted = np.roll(tile, tuple(rng.integers(0, _GRAIN, 2)), (0, 1))
            cut[:] = np.clip(cut + shifted[: cut.shape[0], : cut.shape[1]], 0, 255)
    return Image.fromarray(pixels)


def _noise(rng: np.random.Generator, cells: int, size: tuple[int, int]) -> Image.Image:
    rows = max(2, cells * size[1] // max(size))
    coarse = rng.integers(0, 256, (rows, max(2, cells), 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def save(picture: Image.Image, path: Path, quality: int = 90) -> None:
    """As JPEG with an old time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "JPEG", quality=quality)
    settle(path)


def settle(path: Path) -> None:
    """Give a file an old time, as photos have."""
    os.utime(path, ns=(OLD_NS, OLD_NS))


def copy_evenly(files: Sequence[Path], count: int, target: Path) -> int:
    """Copy `count` of the files (all if fewer), spread over their order; gives how many."""
    target.mkdir(parents=True, exist_ok=True)
    count = min(count, len(files))
    for number in range(count):
        file = files[number * len(files) // count]
        shutil.copyfile(file, target / file.name)
        settle(target / file.name)
    return count


def copy_tree(contents: Sequence[bytes], count: int, target: Path) -> None:
    """`count` files of the contents in turn: a hundred to a folder, ten folders to a folder."""
    for number in range(count):
        folder = target / f"{number // 1000:03d}" / f"{number // 100 % 10}"
        if number % 100 == 0:
            folder.mkdir(parents=True, exist_ok=True)
        # Shuffled, so that a folder does not hold the contents in the order of the last one.
        content = contents[number * 7919 % len(contents)]
        path = folder / f"IMG_{number:06d}.jpg"
        path.write_bytes(content)
        settle(path)
