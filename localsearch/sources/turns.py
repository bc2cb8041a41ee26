"""The eight ways to lay a picture down, and what each does to pixels and to fingerprints.

A fingerprint's turned print follows from its bits. Mirroring a picture changes the sign of its
odd cosine terms, and a transpose transposes them. A bit says whether a term is above the median
of all, not above zero: so transposed prints are exact (as far as the decoder is symmetric, 2 bits
in 1 of 10 photos), while mirrored ones are right but for terms that lie between zero and the
median. That is 3.8 to 4.3 bits on average, at most 10 for 98 to 100 of 100 photos and 14 at
worst (396 photos); decoding and turning every thumbnail would cost 1 ms a photo instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from localsearch.deferred import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Prints: TypeAlias = npt.NDArray[np.uint64]


class Turn(NamedTuple):
    """Mirror left and right, then top and bottom, then transpose: each if it is said."""

    name: str
    mirrored: bool
    flipped: bool
    transposed: bool


UPRIGHT: Final = Turn("none", False, False, False)
TURNS: Final = (
    UPRIGHT,
    Turn("mirrored", True, False, False),
    Turn("flipped", False, True, False),
    Turn("rotated-180", True, True, False),
    Turn("transposed", False, False, True),
    Turn("rotated-90", False, True, True),  # clockwise
    Turn("rotated-270", True, False, True),
    Turn("transversed", True, True, True),
)
"""All eight, upright first. Names are frozen: they stand in JSON."""

ODD_COLUMNS: Final = 0x5555555555555555  # the first bit is the highest; a row of terms is a byte
ODD_ROWS: Final = 0x00FF00FF00FF00FF


def flips_of(turn: Turn) -> int:
    """The bits of a print that a turn inverts, before it transposes them."""
    return (ODD_COLUMNS if turn.mirrored else 0) ^ (ODD_ROWS if turn.flipped else 0)


def turned_prints(prints: Prints, turn: Turn) -> Prints:
    """The prints, uint64 [n], that turned pictures have, nearly: see above."""
    import numpy as np

    found: Prints = prints ^ np.uint64(flips_of(turn))
    if not turn.transposed:
        return found
    # A transpose of 8x8 bits in three exchanges: of single bits, of pairs, of fours.
    for shift, mask in (
        (7, 0x00AA00AA00AA00AA),
        (14, 0x0000CCCC0000CCCC),
        (28, 0x00000000F0F0F0F0),
    ):
        moved = (found ^ (found >> np.uint64(shift))) & np.uint64(mask)
        found = found ^ moved ^ (moved << np.uint64(shift))
    return found


def turned_pixels(pixels: npt.NDArray[np.uint8], turn: Turn) -> npt.NDArray[np.uint8]:
    """A view of HxWx3 pixels, turned."""
    found = pixels[:, ::-1] if turn.mirrored else pixels
    found = found[::-1] if turn.flipped else found
    return found.transpose(1, 0, 2) if turn.transposed else found
