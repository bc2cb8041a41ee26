"""What decoding a picture gives, or why it could not be decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsearch.deferred import dataclass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture says of itself. Sizes are of the upright picture, in pixels."""

    width: int
    height: int
    format: str
    taken_at: str | None = None  # camera's local time, "YYYY-MM-DDTHH:MM:SS"
    taken_raw: str | None = None  # the EXIF text it was read from
    lat: float | None = None  # degrees, south negative
    lon: float | None = None  # degrees, west negative
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: upright sRGB, HxWx3 uint8; perhaps smaller than `facts` tells (DCT)."""

    pixels: npt.NDArray[np.uint8]
    facts: Facts
    recovered: bool = False  # decoded leniently: part of the data was missing


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a picture has no features: a word of `STATES` and a sentence."""

    state: str
    reason: str
