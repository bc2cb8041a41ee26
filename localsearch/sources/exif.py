"""What a picture says of itself: orientation, date, place, camera.

Tolerates any garbage: what cannot be read is None, never an error. Reads EXIF only; XMP and IPTC
are not looked at (Pillow falls back to XMP for the orientation, browsers and libvips do not).
"""

from __future__ import annotations

import re
import struct
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from localsearch.records import Facts

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATION, _MAKE, _MODEL, _DATE_TIME = 0x0112, 0x010F, 0x0110, 0x0132
_EXIF_PART, _GPS_PART = 0x8769, 0x8825
_ORIGINAL, _DIGITIZED = 0x9003, 0x9004
_GARBAGE = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
    struct.error, RuntimeError,
)  # fmt: skip
"""What Pillow's parser was seen to raise on damaged EXIF."""

_DATE = re.compile(
    r"\s*(\d{4})[:\-/.](\d{1,2})[:\-/.](\d{1,2})[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?"
)
_OLDEST_YEAR = 1990  # no digital camera wrote EXIF before; such dates are reset clocks
_COMPANY = re.compile(
    r"[\s,]*\b(corporation|corp|company|co|ltd|inc|gmbh|ag|imaging|optical|electronics|technologies)"
    r"\b[.,]*",
    re.IGNORECASE,
)


def parsed_exif(block: bytes) -> Image.Exif:
    """EXIF from its bytes; empty if they cannot be parsed."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(block)
        len(exif)
    except _GARBAGE:
        return Image.Exif()
    return exif


def exif_of(image: Image.Image) -> Image.Exif:
    """EXIF of a loaded Pillow image (PNG may hold it behind the pixels), without XMP's say."""
    info = image.info
    block = info.get("exif")
    if isinstance(block, bytes):
        return parsed_exif(block)
    if "Raw profile type exif" in info:  # ImageMagick's way in PNG: hexadecimal text
        try:
            text = str(info["Raw profile type exif"])
            return parsed_exif(bytes.fromhex("".join(text.split("\n")[3:])))
        except ValueError:
            return parsed_exif(b"")
    return _tiff_exif(image) if image.format == "TIFF" else parsed_exif(b"")


def _tiff_exif(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except _GARBAGE:
        return parsed_exif(b"")


def orientation_of(exif: Image.Exif) -> int:
    """1 to 8; anything else counts as 1, upright."""
    value = _tag(exif, _ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_facts(
    exif: Image.Exif, *, width: int, height: int, form: str, now: datetime | None = None
) -> Facts:
    """The facts of a picture of `width` x `height` upright pixels and format name `form`.

    `now` bounds dates; a day is granted, since cameras tell local time.
    """
    details, place = _part(exif, _EXIF_PART), _part(exif, _GPS_PART)
    raw = _date_text(details.get(_ORIGINAL), details.get(_DIGITIZED), _tag(exif, _DATE_TIME))
    latitude, longitude = _place(place)
    return Facts(
        width=width,
        height=height,
        format=form,
        taken_at=_date(raw, now or datetime.now()) if raw else None,
        taken_raw=raw,
        lat=latitude,
        lon=longitude,
        camera=_camera(_text(_tag(exif, _MAKE)), _text(_tag(exif, _MODEL))),
    )


def _tag(exif: Image.Exif, tag: int) -> Any:
    try:
        return exif.get(tag)
    except _GARBAGE:
        return None


def _part(exif: Image.Exif, tag: int) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(tag))
    except _GARBAGE:
        return {}


def _text(value: Any, limit: int = 100) -> str:
    """A tag as one clean line of at most `limit` characters."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    value = value.split("\0")[0]
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:limit]


def _date_text(*values: Any) -> str | None:
    """The first that says anything; blanks and zeros mean "unknown" in EXIF."""
    for value in values:
        text = _text(value, 40)
        if re.search(r"[1-9]", text):
            return text
    return None


def _date(text: str, now: datetime) -> str | None:
    found = _DATE.match(text)
    if found is None:
        return None
    try:
        moment = datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    if moment.year < _OLDEST_YEAR or moment > now + timedelta(days=1):
        return None
    return moment.isoformat(timespec="seconds")


def _place(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    latitude = _degrees(gps.get(2), _text(gps.get(1)), "N", "S", 90.0)
    longitude = _degrees(gps.get(4), _text(gps.get(3)), "E", "W", 180.0)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None, None  # 0, 0 is what receivers write that had no fix
    return latitude, longitude


def _degrees(value: Any, side: str, plus: str, minus: str, most: float) -> float | None:
    """Degrees from (degrees, minutes, seconds); None without a hemisphere: it would be a guess."""
    side = side[:1].upper()
    if side not in (plus, minus):
        return None
    try:
        parts = [float(part) for part in (value if isinstance(value, tuple) else (value,))]
    except _GARBAGE:
        return None
    degrees = sum((part / 60.0**power for power, part in enumerate(parts[:3])), 0.0)
    if not 0 <= degrees <= most or any(part < 0 for part in parts):  # NaN fails the first too
        return None
    return round(degrees if side == plus else -degrees, 7)  # 7 places are a centimetre


def _camera(make: str, model: str) -> str | None:
    """ "Make Model" without the company's legal form, and with the make told once."""
    make = _COMPANY.sub("", make).strip(" ,.") or make
    if not make or not model:
        return model or make or None
    brand = make.split()[0].casefold()
    return model if model.casefold().startswith(brand) else f"{make} {model}"
