"""Every odd picture comes out as the golden table says: upright sRGB, or refused plainly."""

from __future__ import annotations

import io
import logging
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageFile

from localsearch.errors import PictureError
from localsearch.records import STATES, Picture
from localsearch.sources.limits import Limits
from localsearch.sources.picture import decoded_pixels, open_picture
from localsearch.sources.quiet import quiet
from tests import make_pictures as make
from tests.make_pictures import PICTURES, encoded, golden, scene

GOLDEN = golden()
CORNERS = ((2, 2), (2, -3), (-3, 2), (-3, -3))
COLOURED = [
    name
    for name, outcome in GOLDEN.items()
    if outcome.endswith(" 96x64")
    and not name.startswith(("grey", "one_bit", "float", "profile", "plain.xbm", "plain.msp"))
    and "alpha" not in name
]


def outcome_of(data: bytes, **options: object) -> str:
    try:
        picture = open_picture(data, **options)  # type: ignore[arg-type]
    except PictureError as refusal:
        assert refusal.state in STATES
        assert refusal.reason
        return refusal.state
    check(picture)
    facts = picture.facts
    return f"{facts.format} {facts.width}x{facts.height}" + " recovered" * picture.recovered


def check(picture: Picture) -> None:
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.ndim == 3
    assert picture.pixels.shape[2] == 3


def test_the_golden_table_names_every_picture() -> None:
    assert list(GOLDEN) == list(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_golden(name: str) -> None:
    assert outcome_of(PICTURES[name]()) == GOLDEN[name]


@pytest.mark.parametrize("name", COLOURED)
def test_corners_have_their_colours(name: str) -> None:
    """So the picture is upright, in sRGB, and no frame but the first."""
    pixels = open_picture(PICTURES[name]()).pixels.astype(int)
    wanted = scene().astype(int)
    tolerance = 22 if "palette" in name else 12
    for place in CORNERS:
        assert np.abs(pixels[place] - wanted[place]).max() <= tolerance, (name, place)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(form: str, orientation: int) -> None:
    options = {} if form in ("PNG", "TIFF") else {"quality": 95}
    picture = open_picture(make.turned(orientation, form, **options))
    assert (picture.facts.width, picture.facts.height) == (96, 64)
    assert np.abs(picture.pixels.astype(int) - scene().astype(int)).mean() < 4


def test_an_orientation_that_does_not_exist_is_upright() -> None:
    for value in (0, 9, 99):
        data = encoded(scene(), "JPEG", exif=make.exif_block(value))
        assert open_picture(data).pixels.shape == (64, 96, 3)


def test_heic_is_turned_once() -> None:
    """The file has `irot` and the same orientation in EXIF."""
    upright = open_picture(PICTURES["upright.heic"]()).pixels.astype(int)
    rotated = open_picture(PICTURES["rotated.heic"]()).pixels.astype(int)
    assert upright.shape == rotated.shape
    assert np.abs(upright - rotated).mean() < 4


def test_heic_without_its_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(PictureError) as caught:
        open_picture(PICTURES["upright.heic"]())
    assert caught.value.state == "no-decoder"
    assert "pip install" in caught.value.hint


def test_profile_is_applied() -> None:
    """Red and green have changed places in the profile, so they do in the pixels."""
    pixels = open_picture(PICTURES["profile.jpg"]()).pixels
    assert pixels[2, 2, 1] > 180 > pixels[2, 2, 0]


@pytest.mark.parametrize("name", ["alpha.png", "grey_alpha.png", "palette_alpha.png", "alpha.webp"])
def test_transparent_is_white(name: str) -> None:
    pixels = open_picture(PICTURES[name]()).pixels
    assert (pixels[:, :44] == 255).all()
    assert (pixels[2, -3] != 255).any()


def test_half_transparent_is_blended_with_white() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    pixel = open_picture(encoded(image, "PNG")).pixels[4, 4].astype(int)
    assert np.abs(pixel - (255, 127, 127)).max() <= 1


@pytest.mark.parametrize("name", ["grey16.png", "grey16.tif", "float.tif"])
def test_deep_grey_uses_the_whole_range(name: str) -> None:
    pixels = open_picture(PICTURES[name]()).pixels
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert np.abs(np.diff(pixels[0, :, 0].astype(int)) - 255 / 95).max() <= 1.5


def test_a_dark_16_bit_png_stays_dark() -> None:
    pixels = open_picture(encoded(make.grey16(4095), "PNG")).pixels
    assert pixels.max() == round(4095 / 257)


@cache
def _large(form: str) -> bytes:
    return encoded(scene(1201, 801), form, exif=make.exif_block(6))


@pytest.mark.parametrize("short_side", [1, 64, 100, 260, 900])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_scaled_decoding_keeps_the_short_side(form: str, short_side: int) -> None:
    data = _large(form)
    picture = open_picture(data, short_side=short_side)
    assert (picture.facts.width, picture.facts.height) == (801, 1201)
    assert min(picture.pixels.shape[:2]) >= min(short_side, 801)
    assert picture.pixels.shape[0] > picture.pixels.shape[1]
    if short_side <= 100:
        assert picture.pixels.shape[1] < 801


def test_scaled_and_whole_are_the_same_picture() -> None:
    data = encoded(scene(1200, 800), "JPEG", quality=92)
    whole, scaled = open_picture(data).pixels, open_picture(data, short_side=100).pixels
    small = np.asarray(Image.fromarray(whole).resize(scaled.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(small.astype(int) - scaled.astype(int)).mean() < 3


def test_limits_are_ours_whatever_pillow_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(scene(300, 200), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert open_picture(data).pixels.shape == (200, 300, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    for form in ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP"):
        with pytest.raises(PictureError, match="megapixels") as caught:
            open_picture(encoded(scene(300, 200), form), limits=Limits(max_pixels=59_999))
        assert caught.value.state == "too-large"
    with pytest.raises(PictureError, match="bytes"):
        open_picture(data, limits=Limits(max_bytes=len(data) - 1))


def test_heic_limits() -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(PICTURES["upright.heic"](), limits=Limits(max_pixels=6000))
    assert caught.value.state == "too-large"


def test_recovered_rows_are_the_pictures_own() -> None:
    whole = encoded(make._noise(), "PNG")
    wanted = open_picture(whole).pixels
    picture = open_picture(whole[: len(whole) // 2])
    assert picture.recovered
    assert (picture.pixels[:60] == wanted[:60]).all()
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_nothing_decoded_is_no_picture() -> None:
    data = encoded(make._noise(), "JPEG")
    start = data.index(b"\xff\xda")
    assert outcome_of(data[: start + 14]) == "undecodable"


def test_warnings_are_neither_shown_nor_raised_nor_lost_for_others(
    capfd: pytest.CaptureFixture[str],
) -> None:
    noisy = encoded(
        scene(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + b"\x01\x0f\0\x02\0\0" * 3
    )
    palette = PICTURES["palette_alpha.png"]()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for data in (noisy, palette, PICTURES["broken_exif.jpg"]()):
            open_picture(data)
        with quiet():
            warnings.warn("inside", stacklevel=1)
            other = threading.Thread(target=lambda: warnings.warn("other", stacklevel=1))
            other.start()
            other.join()
        warnings.warn("outside", stacklevel=1)
    assert [str(one.message) for one in seen] == ["other", "outside"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_picture(noisy)
    assert capfd.readouterr() == ("", "")


def test_chatty_logger_is_quiet_inside_only(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("PIL.TiffImagePlugin")
    with quiet():
        log.error("inside")
    log.error("outside")
    assert [record.message for record in caplog.records] == ["outside"]


def test_many_threads_give_the_same_pixels() -> None:
    names = ["plain.jpg", "profile.jpg", "cut.jpg", "cut.png", "rotated.avif", "cmyk.jpg"]
    sources = [PICTURES[name]() for name in names]
    alone = [open_picture(data).pixels for data in sources]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda data: open_picture(data).pixels, sources * 8))
    for n, pixels in enumerate(together):
        assert (pixels == alone[n % len(names)]).all()


def test_decoded_pixels_is_an_estimate_that_never_fails() -> None:
    data = encoded(scene(1200, 800), "JPEG")
    assert decoded_pixels(data) == 960_000
    assert decoded_pixels(data, 100) == 150 * 100
    assert decoded_pixels(PICTURES["upright.heic"]()) == 96 * 64
    for name in ("empty.jpg", "text.jpg", "cut_head.jpg", "zeros.jpg"):
        assert decoded_pixels(PICTURES[name]()) == 0


def test_first_frame_of_a_tiff_that_is_a_raw_photo_is_refused() -> None:
    tags = {254: 1, 271: "NIKON CORPORATION", 330: 8}
    file = io.BytesIO()
    info = __import__("PIL.TiffImagePlugin", fromlist=["x"]).ImageFileDirectory_v2()
    for tag, value in tags.items():
        info.tagtype[tag] = 2 if isinstance(value, str) else 4
        info[tag] = value
    Image.fromarray(scene()).save(file, "TIFF", tiffinfo=info)
    with pytest.raises(PictureError, match="RAW") as caught:
        open_picture(file.getvalue())
    assert caught.value.state == "unsupported"
