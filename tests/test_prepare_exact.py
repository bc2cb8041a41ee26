"""Prepared pictures are those of open_clip's pipeline: by a golden file, and live where it is.

The pipeline is compared from upright sRGB pixels on: what comes before (orientation, colour
profiles, transparency, palettes) open_clip leaves to its caller, or does after resizing.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from PIL import Image

from localsearch.encoders.prepare import batch_of, crop_box, fitted
from localsearch.pack import ImageSpec
from tests.exact.pictures import GOLDEN, SHAPES, picture

# The golden levels were made with Pillow 13. Up to 12 its bicubic gives other levels for upright
# pictures, to open_clip's pipeline as to ours.
LEVELS = 1 if int(PIL.__version__.partition(".")[0]) >= 13 else 20

EXACT = Path(__file__).parent / "exact" / "prepared.npz"
DEMO = Path(__file__).parents[1] / "localsearch" / "_demo" / "photos"
MEAN = (0.48145466, 0.4578275, 0.40821073)  # CLIP's, of values 0..1
STD = (0.26862954, 0.26130258, 0.27577711)


def spec(size: int, mode: str, interpolation: str) -> ImageSpec:
    return ImageSpec(
        network="image.onnx",
        input="pixels",
        size=size,
        resize=size,
        interpolation=interpolation,
        mean=tuple(255 * x for x in MEAN),  # type: ignore[arg-type]
        std=tuple(255 * x for x in STD),  # type: ignore[arg-type]
        logits=None,
        vector="vector",
        classes=0,
        dimensions=8,
        fit="squash" if mode == "squash" else "crop",
        long_side="floor",
    )


def cases() -> list[tuple[str, str, int, int, int]]:
    with np.load(EXACT) as arrays:
        return [_case(name) for name in arrays]


def _case(name: str) -> tuple[str, str, int, int, int]:
    mode, method, size, shape = name.split()
    width, height = map(int, shape.split("x"))
    return mode, method, int(size), width, height


def test_levels_are_those_that_open_clip_gave() -> None:
    assert len(cases()) == 6 * len(GOLDEN)
    with np.load(EXACT) as arrays:
        for case in cases():
            mode, method, size, width, height = case
            found = fitted(picture(width, height), spec(size, mode, method))
            expected = arrays[f"{mode} {method} {size} {width}x{height}"]
            assert np.abs(found.astype(int) - expected).max() <= LEVELS, case


open_clip = pytest.mark.skipif(
    importlib.util.find_spec("open_clip") is None, reason="open_clip is not installed"
)


def theirs(pixels: np.ndarray, size: int, mode: str, method: str) -> np.ndarray:
    from open_clip.transform import image_transform

    made: Any = image_transform(size, False, MEAN, STD, resize_mode=mode, interpolation=method)
    return np.asarray(made(Image.fromarray(pixels)).numpy())


def worst(pixels: np.ndarray, size: int, mode: str, method: str) -> float:
    """The largest difference of a value, in levels of 0..255."""
    image = spec(size, mode, method)
    ours = batch_of([fitted(pixels, image)], image)[0]
    apart = np.abs(ours - theirs(pixels, size, mode, method)) * np.reshape(STD, (3, 1, 1))
    return float(apart.max() * 255)


@open_clip
@pytest.mark.parametrize("mode", ["shortest", "squash"])
@pytest.mark.parametrize(
    ("size", "method"), [(224, "bicubic"), (256, "bilinear"), (384, "bicubic")]
)
def test_tensors_are_those_of_open_clip_here(mode: str, method: str, size: int) -> None:
    apart = {shape: worst(picture(*shape), size, mode, method) for shape in SHAPES}
    assert max(apart.values()) <= 1.001, apart


@open_clip
@pytest.mark.parametrize("mode", ["shortest", "squash"])
def test_tensors_of_photos_are_those_of_open_clip_here(mode: str) -> None:
    files = sorted(DEMO.glob("*.jpg"))
    assert len(files) > 10
    for file in files:
        with Image.open(file) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        for cut in (pixels, pixels[:, : len(pixels[0]) // 5], pixels[: len(pixels) // 5]):
            assert worst(cut, 224, mode, "bicubic") <= 1.001, file.name


@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (2, 30_001), (400, 12)])
def test_strips_stay_small_and_see_their_middle(shape: tuple[int, int]) -> None:
    """Longer than 32 times their width: the same place of the picture, a crop resampled alone."""
    image = spec(224, "shortest", "bicubic")
    pixels = np.full((*shape, 3), 77, dtype=np.uint8)
    assert (fitted(pixels, image) == 77).all()
    height, width = shape
    left, top, right, bottom = crop_box(width, height, image)
    short = min(shape)
    assert (right - left, bottom - top) == pytest.approx((short, short), rel=0.01)
    assert (left + right, top + bottom) == pytest.approx((width, height), rel=0.01)


def test_all_of_it_is_seen_where_it_is_squashed() -> None:
    image = spec(32, "squash", "bicubic")
    assert crop_box(300, 50, image) == (0, 0, 300, 50)
    pixels = np.zeros((50, 300, 3), np.uint8)
    pixels[:, -20:] = 255
    assert fitted(pixels, image)[:, -1].min() == 255 and fitted(pixels, image)[:, :-4].max() == 0


def test_floor_and_round_differ_by_a_pixel_of_the_long_side() -> None:
    """500 x 375 at 224: torchvision makes 298 of 298.67 pixels, ours 299."""
    floor = spec(224, "shortest", "bicubic")
    rounded = floor._replace(long_side="round")
    assert crop_box(500, 375, floor)[0] == pytest.approx(37 * 500 / 298)
    assert crop_box(500, 375, rounded)[0] == pytest.approx(37 * 500 / 299)
