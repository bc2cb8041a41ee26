"""Writes the two files of a segment, from features or from other segments.

Never names a segment and never decides what goes into one. Nothing that reads imports this: a
command that searches should not wait for code that writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from localsearch.catalog.segment_names import SegmentRow
from localsearch.deferred import NamedTuple
from localsearch.durable import make_folder
from localsearch.durable.writing import write_blocks
from localsearch.errors import LibrarySegmentDamaged
from localsearch.matrix import merge as matrices
from localsearch.matrix.write import FINE, matrix_blocks
from localsearch.pack import leading
from localsearch.postings import merge as lists
from localsearch.postings.write import postings_blocks
from localsearch.rows import Rows, RowSet
from localsearch.scores import Quantised
from localsearch.segments.segment import FOLDER, MATRIX, POSTINGS, Segment

if TYPE_CHECKING:
    import numpy.typing as npt


class SegmentData(NamedTuple):
    """What a segment is written from: the features of its rows and their probabilities."""

    rows: Rows  # [n] ascending
    halves: npt.NDArray[np.float16]  # [n, D]
    probabilities: Quantised  # [n, C]
    floors: Quantised  # [C]
    without: tuple[int, ...] = ()


def write_segment_files(
    store: Path,
    row: SegmentRow,
    made: SegmentData,
    check: Callable[[], None] | None = None,
) -> None:
    """Make the folder of a segment with both files, all synced; `row` describes it.

    What `check` raises ends it. LibraryFull, LibraryReadOnly, LibraryError; what was written then
    stays unnamed.
    """
    folder = store / FOLDER / row.name
    make_folder(folder)
    about = _about(row)
    meta, blocks = postings_blocks(made.rows, made.probabilities, made.floors)
    write_blocks(folder / POSTINGS, {**about, **meta, "kind": "postings"}, blocks, check=check)
    meta, arrays = matrix_blocks(made.rows, made.halves, leading(made.probabilities))
    matrix_meta = {**about, **meta, "kind": "matrix", "without": list(made.without)}
    write_blocks(folder / MATRIX, matrix_meta, arrays, fine=FINE, check=check)


def write_merged_files(
    store: Path,
    row: SegmentRow,
    sources: Sequence[Segment],
    *,
    dropped: RowSet,
    without: Sequence[int],
    check: Callable[[], None],
) -> None:
    """As `write_segment_files`, from segments by first row instead of features.

    `dropped` rows of theirs are left out. Holds some 12 bytes a row and one list at a time. What
    `check` raises ends it. LibrarySegmentDamaged names the source that is damaged.
    """
    folder = store / FOLDER / row.name
    make_folder(folder)
    about = _about(row)
    try:
        meta, blocks = lists.merged_blocks([one.postings for one in sources], dropped, check)
        told = {**about, **meta, "kind": "postings"}
        write_blocks(folder / POSTINGS, told, blocks, check=check)
        meta, blocks = matrices.merged_blocks([one.matrix for one in sources], dropped)
        told = {**about, **meta, "kind": "matrix", "without": list(without)}
        write_blocks(folder / MATRIX, told, blocks, fine=FINE, check=check)
    except LibrarySegmentDamaged:
        for source in sources:
            source.check_all()  # raises with the name of the one that is damaged
        raise


def _about(row: SegmentRow) -> dict[str, Any]:
    return {"segment": row._asdict()}
