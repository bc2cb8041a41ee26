"""Makes the odd pictures of the tests: seeded, small, free; in memory, one function a kind.

`GOLDEN` in `tests/pictures/golden.tsv` holds what must come out of each. The three HEIC files in
`tests/pictures` were made by `make_heic` below with an encoder that is no dependency of ours.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

FOLDER = Path(__file__).parent / "pictures"
Array = np.ndarray[Any, np.dtype[np.uint8]]


def scene(width: int = 96, height: int = 64, seed: int = 7) -> Array:
    """A smooth picture whose four corners differ: red, green, blue, yellow; with some blobs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    corners = np.array([[220, 30, 30], [30, 200, 40], [40, 40, 220], [230, 220, 40]], float)
    weights = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=-1)
    picture = weights @ corners
    for _ in range(6):
        cx, cy, size = rng.random(3)
        blob = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.004 + 0.02 * size))
        picture += blob[..., None] * (rng.random(3) * 160 - 80)
    return np.clip(picture, 0, 255).astype(np.uint8)


def encoded(image: Image.Image | Array, form: str, **options: Any) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def exif_block(orientation: int = 1, **more: Any) -> bytes:
    """EXIF with an orientation; `more`: date, make, model, gps (dict of GPS tags), digitized."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name, tag in (("make", 0x010F), ("model", 0x0110), ("modified", 0x0132)):
        if name in more:
            exif[tag] = more[name]
    details = exif.get_ifd(0x8769)
    if "date" in more:
        details[0x9003] = more["date"]
    if "digitized" in more:
        details[0x9004] = more["digitized"]
    if "gps" in more:
        exif.get_ifd(0x8825).update(more["gps"])
    return exif.tobytes()


_TURNED = {  # what a camera stores, so that applying the orientation gives the scene
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def turned(orientation: int, form: str, **options: Any) -> bytes:
    """The scene as a camera held in that way stores it, with its EXIF."""
    image = Image.fromarray(scene())
    turn = _TURNED[orientation]
    stored = image if turn is None else image.transpose(turn)
    return encoded(stored, form, exif=exif_block(orientation), **options)


def swapped_profile() -> bytes:
    """A real ICC profile in which red and green have changed places: easy to see when ignored."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    places = {bytes(profile[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def half_transparent() -> Image.Image:
    """The scene, its left half wholly transparent."""
    image = Image.fromarray(scene()).convert("RGBA")
    alpha = np.full((64, 96), 255, np.uint8)
    alpha[:, :48] = 0
    image.putalpha(Image.fromarray(alpha))
    return image


def grey16(top: int = 65535) -> Image.Image:
    """A ramp from 0 to `top`."""
    return Image.fromarray(np.tile(np.linspace(0, top, 96).astype(np.uint16), (64, 1)))


def bomb_png(side: int = 30_000) -> bytes:
    """A header that claims side x side pixels, with hardly any data."""
    body = encoded(Image.new("1", (8, 8)), "PNG")
    header = bytearray(body)
    header[16:24] = struct.pack(">II", side, side)
    import zlib

    header[29:33] = struct.pack(">I", zlib.crc32(bytes(header[12:29])))
    return bytes(header)


def _noise(width: int = 200, height: int = 150) -> Array:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _jpeg(**options: Any) -> bytes:
    return encoded(scene(), "JPEG", quality=90, **options)


def _frames(form: str, **options: Any) -> bytes:
    second = Image.fromarray(scene(seed=8)).convert("L")
    return encoded(scene(), form, save_all=True, append_images=[second.convert("RGB")], **options)


PICTURES: dict[str, Callable[[], bytes]] = {
    "plain.jpg": _jpeg,
    "progressive.jpg": lambda: _jpeg(progressive=True),
    "grey.jpg": lambda: encoded(Image.fromarray(scene()).convert("L"), "JPEG"),
    "cmyk.jpg": lambda: encoded(Image.fromarray(scene()).convert("CMYK"), "JPEG", quality=95),
    "rotated.jpg": lambda: turned(6, "JPEG"),
    "profile.jpg": lambda: _jpeg(icc_profile=swapped_profile()),
    "broken_profile.jpg": lambda: _jpeg(icc_profile=b"no profile at all" * 20),
    "broken_exif.jpg": lambda: _jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xaa" * 40),
    "stereo.mpo": lambda: _frames("MPO"),
    "plain.png": lambda: encoded(scene(), "PNG"),
    "alpha.png": lambda: encoded(half_transparent(), "PNG"),
    "grey_alpha.png": lambda: encoded(half_transparent().convert("LA"), "PNG"),
    "palette.png": lambda: encoded(Image.fromarray(scene()).quantize(64), "PNG"),
    "palette_alpha.png": lambda: encoded(half_transparent().quantize(64), "PNG"),
    "grey16.png": lambda: encoded(grey16(), "PNG"),
    "one_bit.png": lambda: encoded(Image.fromarray(scene()).convert("1"), "PNG"),
    "one_pixel.png": lambda: encoded(scene(1, 1), "PNG"),
    "tall.png": lambda: encoded(scene(1, 20_000), "PNG"),
    "rotated.png": lambda: turned(6, "PNG"),
    "animated.png": lambda: _frames("PNG"),
    "animated.gif": lambda: _frames("GIF"),
    "animated.webp": lambda: _frames("WEBP", lossless=True),
    "plain.webp": lambda: encoded(scene(), "WEBP", quality=90),
    "alpha.webp": lambda: encoded(half_transparent(), "WEBP", lossless=True),
    "rotated.webp": lambda: turned(6, "WEBP"),
    "plain.avif": lambda: encoded(scene(), "AVIF", quality=90),
    "rotated.avif": lambda: turned(6, "AVIF", quality=90),
    "plain.tif": lambda: encoded(scene(), "TIFF"),
    "lzw.tif": lambda: encoded(scene(), "TIFF", compression="tiff_lzw"),
    "grey16.tif": lambda: encoded(grey16(4095), "TIFF"),
    "float.tif": lambda: encoded(
        Image.fromarray(np.tile(np.linspace(-3, 5, 96, dtype=np.float32), (64, 1))), "TIFF"
    ),
    "lab.tif": lambda: encoded(_lab(), "TIFF"),
    "rotated.tif": lambda: turned(6, "TIFF"),
    "plain.bmp": lambda: encoded(scene(), "BMP"),
    "plain.dib": lambda: encoded(scene(), "DIB"),
    "plain.ppm": lambda: encoded(scene(), "PPM"),
    "plain.jp2": lambda: encoded(scene(), "JPEG2000"),
    "plain.ico": lambda: encoded(scene(48, 48), "ICO", sizes=[(48, 48)]),
    "plain.icns": lambda: encoded(Image.fromarray(scene(128, 128)), "ICNS"),
    "plain.tga": lambda: encoded(scene(), "TGA"),
    "plain.pcx": lambda: encoded(scene(), "PCX"),
    "plain.sgi": lambda: encoded(scene(), "SGI"),
    "plain.dds": lambda: encoded(scene(), "DDS"),
    "plain.qoi": lambda: encoded(scene(), "QOI"),
    "plain.xbm": lambda: encoded(Image.fromarray(scene()).convert("1"), "XBM"),
    "plain.msp": lambda: encoded(Image.fromarray(scene()).convert("1"), "MSP"),
    "png_named.jpg": lambda: encoded(scene(), "PNG"),
    "jpeg_without_suffix": _jpeg,
    "trailing.jpg": lambda: _jpeg() + b"garbage" * 100,
    "cut.jpg": lambda: (data := encoded(_noise(), "JPEG"))[: len(data) // 2],
    "cut_progressive.jpg": lambda: (data := encoded(_noise(), "JPEG", progressive=True))[
        : len(data) // 2
    ],
    "cut.png": lambda: (data := encoded(_noise(), "PNG"))[: len(data) // 2],
    "cut.gif": lambda: (data := encoded(Image.fromarray(_noise()).convert("L"), "GIF"))[
        : len(data) // 2
    ],
    "cut.bmp": lambda: (data := encoded(_noise(), "BMP"))[: len(data) // 2],
    "cut_head.jpg": lambda: _jpeg()[:20],
    "cut_head.png": lambda: encoded(scene(), "PNG")[:30],
    "cut.webp": lambda: (data := encoded(_noise(), "WEBP"))[: len(data) // 2],
    "cut.avif": lambda: (data := encoded(_noise(), "AVIF"))[: len(data) // 2],
    "bad_checksum.png": lambda: _bad_checksum(),
    "bomb.png": bomb_png,
    "empty.jpg": lambda: b"",
    "text.jpg": lambda: b"this is no picture\n",
    "page.jpg": lambda: b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>",
    "drawing.jpg": lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "document.jpg": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(64),
    "clip.jpg": lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64),
    "raw.jpg": lambda: b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(64),
    "zeros.jpg": lambda: bytes(1000),
    "upright.heic": lambda: (FOLDER / "upright.heic").read_bytes(),
    "rotated.heic": lambda: (FOLDER / "rotated.heic").read_bytes(),
    "alpha.heic": lambda: (FOLDER / "alpha.heic").read_bytes(),
    "cut.heic": lambda: (FOLDER / "upright.heic").read_bytes()[:400],
}


def _lab() -> Image.Image:
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    image = ImageCms.applyTransform(Image.fromarray(scene()), transform)
    assert image is not None
    image.info.clear()
    return image


def _bad_checksum() -> bytes:
    """Browsers show it: only the checksum of the colour profile is wrong."""
    data = bytearray(encoded(scene(), "PNG", icc_profile=swapped_profile()))
    at = data.index(b"iCCP")
    length = struct.unpack(">I", data[at - 4 : at])[0]
    data[at + 4 + length] ^= 0xFF
    return bytes(data)


def golden() -> dict[str, str]:
    """Name of a picture -> what must come of it: "FORMAT WxH", with " recovered", or a state."""
    lines = (FOLDER / "golden.tsv").read_text("utf-8").splitlines()
    return dict(line.split("\t") for line in lines if line and not line.startswith("#"))


def make_all(folder: Path) -> None:
    """Write every picture, some under difficult names, into an existing folder."""
    for name, make in PICTURES.items():
        (folder / name).write_bytes(make())


def make_heic() -> None:
    """Writes the HEIC files anew; needs `pip install pillow-heif` (whose encoder is GPL)."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    image = Image.fromarray(scene())
    upright = exif_block(make="Test", model="Test One", date="2021:03:04 05:06:07")
    stored = image.transpose(Image.Transpose.ROTATE_90)
    image.save(FOLDER / "upright.heic", quality=70, exif=upright)
    stored.save(FOLDER / "rotated.heic", quality=70, exif=exif_block(6))
    half_transparent().save(FOLDER / "alpha.heic", quality=70)


if __name__ == "__main__":
    make_heic()
