"""The blocks of a postings file made of several others, whatever their size in bounded memory.

Writes nothing and decides nothing: which rows are dropped is told. The sources share no row and
ascend, so a merged list is its sources one after the other. Invariant: the blocks are, byte for
byte, those that `write.postings_blocks` makes of the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.durable.writing import Pieces
from localsearch.postings.read import Postings
from localsearch.postings.write import serialised
from localsearch.rows import Rows, RowSet, to_array
from localsearch.scores import Quantised

if TYPE_CHECKING:
    import numpy.typing as npt

Block: TypeAlias = "npt.NDArray[Any] | Pieces"
List: TypeAlias = tuple[bytes, Quantised]
"""The postings of one concept: its rows as they are written, and their values."""

KEPT_BYTES: Final = 16 << 20
"""Merged lists that are kept until they are written; larger ones are made a second time."""

_BATCH: Final = 1 << 19  # postings whose bytes are asked for at once: a call a list is slow


class _Merge(NamedTuple):
    sources: Sequence[Postings]
    dropped: RowSet
    check: Callable[[], None]

    def lists(self) -> Iterator[List]:
        """The merged lists of all concepts, in their order."""
        concepts = self.sources[0].concepts
        counts = np.sum([source.counts for source in self.sources], axis=0)
        first = 0
        while first < concepts:
            self.check()
            fit = int(np.searchsorted(np.cumsum(counts[first:]), _BATCH, "right"))
            stop = first + max(fit, 1)
            batches = [source.lists(first, stop) for source in self.sources]
            for parts in zip(*batches, strict=True):
                yield self._joined(parts)
            first = stop

    def _joined(self, parts: Sequence[tuple[RowSet, Quantised]]) -> List:
        kept = [self._without_dead(*part) for part in parts if part[0]]
        if not kept:
            return serialised(np.zeros(0, np.uint32)), np.zeros(0, np.uint16)
        rows, values = zip(*kept, strict=True)
        return serialised(np.concatenate(rows)), np.concatenate(values)

    def _without_dead(self, listed: RowSet, values: Quantised) -> tuple[Rows, Quantised]:
        rows = to_array(listed)
        if listed.isdisjoint(self.dropped):
            return rows, values
        kept = np.ones(len(rows), np.bool_)
        kept[np.searchsorted(rows, to_array(listed & self.dropped))] = False
        return rows[kept], values[kept]


def merged_blocks(
    sources: Sequence[Postings], dropped: RowSet, check: Callable[[], None]
) -> tuple[dict[str, Any], dict[str, Block]]:
    """Meta and blocks of the postings of `sources`, by first row, without the `dropped` rows.

    All list the same concepts. Goes through the lists once now, to know how long they will be, and
    once more for each block as it is written, unless they are few enough to be kept. `check` is
    called now and then. Reading may raise LibrarySegmentDamaged.
    """
    merge = _Merge(sources, dropped, check)
    count = sources[0].concepts
    sizes, lengths = np.zeros(count, "<u8"), np.zeros(count, "<u8")
    lowest = np.full(count, 65535, "<u2")
    kept: list[List] = []
    room = KEPT_BYTES
    for concept, (rows, values) in enumerate(merge.lists()):
        sizes[concept], lengths[concept] = len(rows), len(values)
        lowest[concept] = values.min(initial=65535)
        room -= len(rows) + values.nbytes
        kept.append((rows, values)) if room >= 0 else kept.clear()
    offsets, starts = _edges(sizes), _edges(lengths)
    blocks: dict[str, Block] = {
        "bitmaps": Pieces(int(offsets[-1]), _bitmaps(kept or merge.lists())),
        "offsets": offsets,
        "starts": starts,
        "values": Pieces(2 * int(starts[-1]), _values(kept or merge.lists())),
        "lowest": lowest,
    }
    return {"concepts": count, "postings": int(starts[-1])}, blocks


def _edges(lengths: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Where each of some lists begins, and where the last one ends."""
    edges = np.zeros(len(lengths) + 1, "<u8")
    np.cumsum(lengths, out=edges[1:])
    return edges


def _bitmaps(lists: Iterable[List]) -> Iterator[bytes]:
    for rows, _ in lists:
        yield rows


def _values(lists: Iterable[List]) -> Iterator[Quantised]:
    for _, values in lists:
        yield values.astype("<u2", copy=False)
