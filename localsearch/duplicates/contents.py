"""The contents of a library as arrays: which inputs have them, how good they are, their prints.

Holds 110 bytes an input and nothing else: 110 MB for a million. Read a page at a time, with no
transaction open between two pages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.catalog import copies
from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.sources.turns import Prints

    Numbers: TypeAlias = npt.NDArray[np.int64]
    Places: TypeAlias = npt.NDArray[np.int32]

_PAGE: Final = 4096  # inputs, or digests, of one transaction
# Of the 63 terms that are compared 31 are above their median, and so is the mean: 32 bits. A
# picture of one colour has equal terms and hardly any bit: its print says nothing about it.
_FEWEST_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class Contents:
    """`keys` [n] of inputs and the place of each one's content, int32 [n]; then by content [m]:
    its digest, print and whether it has one that says something, and its rank (0 is the best copy).
    """

    keys: Numbers
    content: Places
    mtimes: Numbers
    digests: npt.NDArray[np.bytes_]
    prints: Prints
    printed: npt.NDArray[np.bool_]
    rank: Places

    def digest_of(self, place: int) -> bytes:
        """The digest of a content: numpy cuts off zeros at the end."""
        return bytes(self.digests[place]).ljust(32, b"\0")

    def inputs_by_content(self) -> tuple[Places, Numbers]:
        """Places of inputs ordered by content, the oldest first; and where each content begins."""
        order = np.lexsort((self.keys, self.mtimes, self.content)).astype(np.int32)
        counts = np.bincount(self.content, minlength=len(self.digests))
        return order, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def contents_of(truth: Truth, step: Callable[[int], None], *, prints: bool) -> Contents:
    """All live inputs that could be indexed, with their `prints` or without.

    `step` is told how many more inputs and prints were read.
    """
    columns: list[list[npt.NDArray[np.generic]]] = [[] for _ in copies.ContentOf._fields]
    row = 0
    while True:
        with truth.catalog.reading() as conn:
            page = copies.contents_after(conn, row, _PAGE)
        if not page:
            break
        row = page[-1].row
        for column, values in zip(columns, zip(*page, strict=True), strict=True):
            text = isinstance(values[0], bytes)
            column.append(np.array(values, dtype="S32" if text else np.int64))
        step(len(page))
    laid_out = _laid_out(columns)
    if prints:
        _read_prints(truth, laid_out, step)
    return laid_out


def _laid_out(columns: list[list[npt.NDArray[np.generic]]]) -> Contents:
    """The arrays, without any print yet."""
    if not columns[0]:
        nothing = np.zeros(0, np.int64)
        none = np.zeros(0, np.int32)
        return Contents(
            *(nothing, none, nothing, np.zeros(0, "S32")),
            *(np.zeros(0, np.uint64), np.zeros(0, np.bool_), none),
        )
    keys, _, digests, sizes, pixels, mtimes = (np.concatenate(one) for one in columns)
    columns.clear()
    # An input that changed while it was read stands twice; what it is now comes last.
    _, last = np.unique(keys[::-1], return_index=True)
    kept = len(keys) - 1 - last
    keys, digests, sizes, pixels, mtimes = (
        one[kept] for one in (keys, digests, sizes, pixels, mtimes)
    )
    found, first, content = np.unique(digests, return_index=True, return_inverse=True)
    oldest = np.full(len(found), np.iinfo(np.int64).max)
    np.minimum.at(oldest, content, mtimes)
    # Most pixels, then most bytes (less lossy at the same size), then the oldest file: what was
    # there first is the original more often than not.
    order = np.lexsort((oldest, -sizes[first].astype(np.int64), -pixels[first].astype(np.int64)))
    rank = np.empty(len(found), np.int32)
    rank[order] = np.arange(len(found), dtype=np.int32)
    prints, printed = np.zeros(len(found), np.uint64), np.zeros(len(found), np.bool_)
    return Contents(keys, content.astype(np.int32), mtimes, found, prints, printed, rank)


def _read_prints(truth: Truth, contents: Contents, step: Callable[[int], None]) -> None:
    """Fill in the prints, and which contents have one that says something."""
    for start in range(0, len(contents.digests), _PAGE):
        places = range(start, min(start + _PAGE, len(contents.digests)))
        page = [contents.digest_of(place) for place in places]
        found = truth.thumbnails.fingerprints(page)
        for place, digest in zip(places, page, strict=True):
            if digest in found:
                contents.prints[place] = found[digest]
                contents.printed[place] = found[digest].bit_count() >= _FEWEST_BITS
        step(len(page))
