"""A 64-bit fingerprint of what a picture looks like, for finding copies of it.

The signs of its 8x8 lowest cosine terms against their median (known as pHash). Integers only: the
same picture gives the same bits on every machine. Two prints are compared by counting the bits
that differ: re-encoded and resized copies differ by few, unrelated photos by some 32.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SIDE, _TERMS = 32, 8
_SCALE = 1 << 14  # cosines as integers; 2 * 14 bits + 8 of grey + 10 of sums fit 64 well


def fingerprint(pixels: npt.NDArray[np.uint8]) -> int:
    """The fingerprint of HxWx3 `pixels`, 0 <= value < 2**64."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(pixels)
    factor = min(image.size) // (2 * _SIDE)
    small = image.reduce(factor) if factor > 1 else image
    grey = small.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    basis = _basis()
    terms = (basis @ np.asarray(grey, dtype=np.int64) @ basis.T).ravel()
    ordered = np.sort(terms[1:])  # without the mean, which says how bright and not what
    bits = terms > ordered[len(ordered) // 2]
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def distance(first: int, second: int) -> int:
    """How many of the 64 bits differ."""
    return (first ^ second).bit_count()


@lru_cache(maxsize=1)
def _basis() -> npt.NDArray[np.int64]:
    import numpy as np

    angles = np.pi / _SIDE * np.outer(np.arange(_TERMS), np.arange(_SIDE) + 0.5)
    basis: npt.NDArray[np.int64] = np.rint(np.cos(angles) * _SCALE).astype(np.int64)
    return basis
