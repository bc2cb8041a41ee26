"""The blocks of a postings file, from rows and their probabilities.

Pure: gives bytes and arrays, writes nothing. Invariant: a concept lists exactly the rows whose
probability reaches its floor, and its values stand in the order of its rows.

Blocks (frozen; C concepts, P postings in all; little-endian):

    bitmaps  the C sets of rows, each in Roaring's portable form, one after the other
    offsets  uint64 [C + 1]  where the set of a concept begins in `bitmaps`
    starts   uint64 [C + 1]  where the values of a concept begin in `values`
    values   uint16 [P]      probability * 65535
    lowest   uint16 [C]      the smallest value of a concept; 65535 where it has none
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from localsearch.postings.listing import listing
from localsearch.rows import Rows, from_array
from localsearch.scores import Quantised

if TYPE_CHECKING:
    import numpy.typing as npt


def postings_blocks(
    rows: Rows, probabilities: Quantised, floors: Quantised
) -> tuple[dict[str, Any], dict[str, bytes | npt.NDArray[Any]]]:
    """Meta and blocks of a postings file.

    `rows` uint32 [n] ascending, `probabilities` uint16 [n, C], `floors` uint16 [C].
    """
    made = listing(rows, probabilities, floors)
    count, values = made.concepts, made.values
    sets = [serialised(made.values_of(concept)[0]) for concept in range(count)]
    offsets = np.zeros(count + 1, "<u8")
    np.cumsum([len(one) for one in sets], out=offsets[1:])
    lowest = np.full(count, 65535, "<u2")
    some = made.starts[1:] > made.starts[:-1]
    if some.any():
        lowest[some] = np.minimum.reduceat(values, made.starts[:-1][some])
    blocks: dict[str, bytes | npt.NDArray[Any]] = {
        "bitmaps": b"".join(sets),
        "offsets": offsets,
        "starts": made.starts.astype("<u8"),
        "values": values.astype("<u2"),
        "lowest": lowest,
    }
    return {"concepts": count, "postings": len(values)}, blocks


def serialised(rows: Rows) -> bytes:
    """A set of rows in Roaring's portable form, as small as it gets; the same for the same rows."""
    made = from_array(rows)
    made.run_optimize()
    return bytes(made.serialize())
