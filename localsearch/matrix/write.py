"""The blocks of a matrix file: what is known of rows, row by row; mostly their vectors.

Pure: gives arrays, writes nothing. Blocks (frozen; n rows, D numbers each; little-endian):

    rows    uint32 [n]      ascending
    halves  float16 [n, D]  the stored vectors: what scores are computed from
    codes   int8 [n, D]     the same, coded: what is scanned
    scales  float32 [n]     unit vector ~ scale * codes
    errors  float32 [n]     the length of what that leaves, rounded up
    shown   uint16 [n, 2, S]  the concepts that a row shows most, best first, and their values
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from localsearch.matrix.coding import coded
from localsearch.rows import Rows

if TYPE_CHECKING:
    import numpy.typing as npt

FINE: Final = {"halves": 16 << 10, "shown": 4 << 10}
"""Bytes of a page of `halves` and `shown` (the other blocks have pages of 1 MiB).

Re-scoring touches some hundreds of rows all over the block: with pages of 1 MiB the first query
compared nearly all of it, 35 ms for 100,000 rows. A page of hits touches some twenty rows.
"""


def matrix_blocks(
    rows: Rows, halves: npt.NDArray[np.float16], shown: npt.NDArray[np.uint16]
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Meta and blocks of a matrix file.

    `rows` uint32 [n] ascending, `halves` float16 [n, D], `shown` uint16 [n, 2, S].
    """
    made = coded(halves)
    blocks: dict[str, npt.NDArray[Any]] = {
        "rows": np.ascontiguousarray(rows, "<u4"),
        "halves": np.ascontiguousarray(halves, "<f2"),
        "codes": made.codes,
        "scales": made.scales.astype("<f4"),
        "errors": made.errors.astype("<f4"),
        "shown": np.ascontiguousarray(shown, "<u2"),
    }
    meta = {"dimensions": int(halves.shape[1]), "count": len(rows), "shown": int(shown.shape[2])}
    return meta, blocks
