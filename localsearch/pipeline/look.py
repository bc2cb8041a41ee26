"""One decode of one photo, and all that is taken from it: pixels for the network, facts, thumbnail.

Never runs a network, never reads a file. Invariant: whatever a decoder does, what leaves is a Look
or a PictureError.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from localsearch.encoders.prepare import prepare
from localsearch.errors import PictureError
from localsearch.pack.manifest import ImageSpec
from localsearch.records import Facts, Refusal
from localsearch.sources.fingerprint import fingerprint
from localsearch.sources.limits import Limits
from localsearch.sources.picture import open_picture
from localsearch.sources.thumbnail import make

# Pixels of the short side: enough for a thumbnail from which another pack can be computed.
_DECODED_SIDE = 320


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a photo. `thumbnail` and `fingerprint` are None where none was wanted."""

    prepared: npt.NDArray[np.uint8]
    facts: Facts
    thumbnail: bytes | None
    fingerprint: int | None


def look_at(data: bytes, image: ImageSpec, limits: Limits, thumbnail_side: int) -> Look:
    """Decode `data` once. Raises PictureError and nothing else.

    `thumbnail_side` is the short side in pixels, up to 320; 0 for none.
    """
    try:
        picture = open_picture(data, short_side=short_side(image), limits=limits)
        prepared = prepare(picture.pixels, image)
        if not thumbnail_side:
            return Look(prepared, picture.facts, None, None)
        thumbnail = make(picture.pixels, thumbnail_side)
        return Look(prepared, picture.facts, thumbnail, fingerprint(picture.pixels))
    except PictureError:
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
    return max(image.resize, _DECODED_SIDE)


def refusal_of(fault: PictureError) -> Refusal:
    """A PictureError as a result."""
    return Refusal(fault.state, fault.reason)
