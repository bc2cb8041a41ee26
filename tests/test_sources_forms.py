"""Every form of source becomes encoded bytes; wrong ones are named."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from localsearch.errors import InputError, PictureError
from localsearch.sources.forms import encoded_of, from_base64, read_file
from localsearch.sources.limits import Limits
from localsearch.sources.picture import open_picture
from tests.make_pictures import PICTURES, exif_block, scene, swapped_profile, turned

JPEG = PICTURES["plain.jpg"]()


def test_paths_bytes_and_streams(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = photos / "a b.jpg"
    path.write_bytes(JPEG)
    monkeypatch.chdir(photos)
    for source in (path, str(path), "a b.jpg"):
        got = encoded_of(source)
        assert (got.data, got.path, got.name) == (JPEG, path, "a b.jpg")
    for source in (JPEG, bytearray(JPEG), memoryview(JPEG), io.BytesIO(JPEG)):
        got = encoded_of(source)
        assert (got.data, got.path) == (JPEG, None)
    with path.open("rb") as file:
        assert encoded_of(file).name == "a b.jpg"


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 1), (8, 9, 3), (8, 9, 4)])
def test_arrays_are_lossless(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    if shape[-1] == 4:
        array[..., 3] = 255
    pixels = open_picture(encoded_of(array).data).pixels
    wanted = array.reshape(8, 9, -1)[..., :3]
    assert (pixels == wanted).all()
    assert (open_picture(encoded_of(array[::-1, ::2]).data).pixels == wanted[::-1, ::2]).all()


@pytest.mark.parametrize(
    "mode", ["RGB", "L", "RGBA", "P", "1", "CMYK", "LA", "HSV", "YCbCr", "I;16"]
)
def test_pil_images(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.tile(np.arange(96, dtype=np.uint16) * 600, (64, 1)))
    else:
        image = Image.fromarray(scene()).convert(mode)
    picture = open_picture(encoded_of(image).data)
    assert (picture.facts.width, picture.facts.height) == (96, 64)
    if mode in ("RGB", "L", "RGBA", "CMYK"):
        assert (picture.pixels == np.asarray(image.convert("RGB"))).all()


def test_pil_image_keeps_orientation_profile_and_facts() -> None:
    image = Image.open(io.BytesIO(turned(6, "JPEG", quality=95)))
    assert open_picture(encoded_of(image).data).pixels.shape == (64, 96, 3)
    other = Image.open(io.BytesIO(JPEG))
    other.info["icc_profile"] = swapped_profile()
    other.info["exif"] = exif_block(make="A", model="B")
    picture = open_picture(encoded_of(other).data)
    assert picture.facts.camera == "A B"
    assert picture.pixels[2, 2, 1] > 180


@pytest.mark.parametrize(
    "source",
    [
        None,
        42,
        ["a.jpg"],
        io.StringIO("text"),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(9, np.uint8),
    ],
)
def test_wrong_sources(source: Any) -> None:
    with pytest.raises(InputError) as caught:
        encoded_of(source)
    assert caught.value.hint


def test_files_that_cannot_be_read(photos: Path) -> None:
    for source in (photos / "absent.jpg", photos, "nul\0byte.jpg", ""):
        with pytest.raises(PictureError) as caught:
            encoded_of(source)
        assert caught.value.state == "unreadable"
    if hasattr(os, "mkfifo"):
        os.mkfifo(photos / "pipe.jpg")
        with pytest.raises(PictureError, match="no regular file"):
            read_file(photos / "pipe.jpg")


def test_limits_hold_for_every_form(photos: Path) -> None:
    path = photos / "a.jpg"
    path.write_bytes(JPEG)
    for source in (path, JPEG, io.BytesIO(JPEG)):
        with pytest.raises(PictureError) as caught:
            encoded_of(source, limits=Limits(max_bytes=len(JPEG) - 1))
        assert caught.value.state == "too-large"


@given(some.binary(min_size=1, max_size=60))
def test_base64(data: bytes) -> None:
    plain = base64.b64encode(data).decode()
    wrapped = "\n ".join(plain[n : n + 5] for n in range(0, len(plain), 5))
    safe = base64.urlsafe_b64encode(data).decode()
    for text in (plain, wrapped, plain.rstrip("="), safe, f"data:image/png;base64,{plain}"):
        assert from_base64(text) == data
    assert from_base64(plain.encode()) == data
    escaped = plain.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert from_base64(f"DATA:;charset=x;base64,{escaped}") == data


@pytest.mark.parametrize("text", ["", "  ", "a", "%%%%", "data:image/png,abc", "äöü", "ab=cd"])
def test_no_base64(text: str) -> None:
    with pytest.raises(InputError):
        from_base64(text)
