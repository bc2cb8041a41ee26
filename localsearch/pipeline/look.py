"""One decode of one photo, and all that is taken from it: pixels for the network, facts, thumbnail.

Never runs a network, never reads a file. Invariant: whatever a decoder does, what leaves is a Look
or a PictureError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, floor

from localsearch.deferred import NamedTuple
from localsearch.encoders.prepare import Prepared, prepare
from localsearch.errors import InputError, PictureError
from localsearch.pack.manifest import ImageSpec
from localsearch.records import Facts, Refusal
from localsearch.sources.fingerprint import fingerprint
from localsearch.sources.limits import Limits
from localsearch.sources.picture import open_picture
from localsearch.sources.thumbnail import make

Region = tuple[float, float, float, float]

# Share of a picture below which no part of it has enough pixels: the largest side is 1e6 or so.
_SMALLEST = 1e-6
# Fewest pixels of a side of a part that is looked at; a picture may itself have fewer.
_FEWEST = 4
# Pixels of the short side: enough for a thumbnail from which another pack can be computed.
_DECODED_SIDE = 320


class Look(NamedTuple):
    """What was seen of a photo. `thumbnail` and `fingerprint` are None where none was wanted."""

    prepared: Prepared
    facts: Facts
    thumbnail: bytes | None
    fingerprint: int | None


def look_at(data: bytes, image: ImageSpec, limits: Limits, thumbnail_side: int) -> Look:
    """Decode `data` once. Raises PictureError and nothing else.

    `thumbnail_side` is the short side in pixels, up to 320; 0 for none.
    """
    with _refusing():
        picture = open_picture(data, short_side=short_side(image), limits=limits)
        prepared = prepare(picture.pixels, image)
        if not thumbnail_side:
            return Look(prepared, picture.facts, None, None)
        thumbnail = make(picture.pixels, thumbnail_side)
        return Look(prepared, picture.facts, thumbnail, fingerprint(picture.pixels))


def part_of(data: bytes, image: ImageSpec, limits: Limits, region: Region) -> Prepared:
    """What the networks take of a part of a picture, see `encoders.prepare`.

    `region` (left, top, right, bottom) in fractions of the upright picture, in order. Raises
    PictureError, and InputError for a part of hardly any pixels.
    """
    left, top, right, bottom = region
    # A decode may be scaled: of the whole so many pixels that the part has as many as a whole has.
    side = ceil(short_side(image) / max(min(right - left, bottom - top), _SMALLEST))
    with _refusing():
        pixels = open_picture(data, short_side=side, limits=limits).pixels
        height, width = pixels.shape[:2]
        columns = slice(floor(left * width), ceil(right * width))
        lines = slice(floor(top * height), ceil(bottom * height))
        part = pixels[lines, columns]
        if min(part.shape[:2]) < min(_FEWEST, height, width):
            raise InputError(
                f"the region takes {part.shape[1]} x {part.shape[0]} pixels of a picture of"
                f" {width} x {height}: nothing can be seen on so few",
                hint="take a larger part",
            )
        return prepare(part, image)


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever a decoder does is a PictureError."""
    try:
        yield
    except (PictureError, InputError):
        raise
    except MemoryError as fault:
        raise PictureError("too-large", "not enough memory to decode this picture") from fault
    except Exception as fault:
        reason = f"{type(fault).__name__}: {fault}"
        raise PictureError("undecodable", reason) from fault


def short_side(image: ImageSpec) -> int:
    """The fewest pixels of the short side that a decode should give, whatever it is for.

    The same with and without a thumbnail: a scaled decode gives slightly other pixels, and a query
    must see of a picture what the sync saw of it.
    """
    return max(*(each.resize for each in image.networks), _DECODED_SIDE)


def refusal_of(fault: PictureError) -> Refusal:
    """A PictureError as a result."""
    return Refusal(fault.state, fault.reason)
