"""The blocks of a matrix file made of several others, a mebibyte at a time.

Writes nothing, decides nothing and computes nothing anew: codes, scales and errors of a row are
copied with it. Invariant: the blocks are, byte for byte, those that `write.matrix_blocks` makes
of the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from localsearch.durable.writing import Pieces
from localsearch.matrix.read import Matrix
from localsearch.rows import RowSet, from_array, positions_in, to_array

if TYPE_CHECKING:
    import numpy.typing as npt

Block: TypeAlias = "npt.NDArray[Any] | Pieces"
Kept: TypeAlias = "npt.NDArray[np.bool_]"

_CHUNK: Final = 1 << 20


def merged_blocks(
    sources: Sequence[Matrix], dropped: RowSet
) -> tuple[dict[str, Any], dict[str, Block]]:
    """Meta and blocks of the rows of `sources`, by first row, without the `dropped` ones.

    The sources share no row and ascend. Reading them may raise LibrarySegmentDamaged.
    """
    dimensions = sources[0].dimensions
    # Of older segments it is not known; a page of hits computes it then.
    shown = min(source.shown for source in sources)
    kept = [_kept(source, dropped) for source in sources]
    count = sum(int(mask.sum()) for mask in kept)

    def block(name: str, width: int) -> Pieces:
        return Pieces(count * width, _parts(name, width, sources, kept))

    blocks: dict[str, Block] = {
        "rows": block("rows", 4),
        "halves": block("halves", 2 * dimensions),
        "codes": block("codes", dimensions),
        "scales": block("scales", 4),
        "errors": block("errors", 4),
    }
    if shown:
        blocks["shown"] = block("shown", 4 * shown)
    return {"dimensions": dimensions, "count": count, "shown": shown}, blocks


def _kept(source: Matrix, dropped: RowSet) -> Kept:
    kept = np.ones(len(source), np.bool_)
    gone = to_array(from_array(source.rows) & dropped)
    kept[positions_in(source.rows, gone)[0]] = False
    return kept


def _parts(
    name: str, width: int, sources: Sequence[Matrix], kept: Sequence[Kept]
) -> Iterator[memoryview | npt.NDArray[np.uint8]]:
    """The numbers of all kept rows in one block, `width` bytes a row."""
    step = max(1, _CHUNK // max(width, 1))
    for source, mask in zip(sources, kept, strict=True):
        for start in range(0, len(source), step):
            some = mask[start : start + step]
            stop = start + len(some)
            part = source.file.part(name, start * width, stop * width)
            if some.all():
                yield part
            elif some.any():
                yield np.frombuffer(part, np.uint8).reshape(len(some), width)[some]
