"""Which rows the points of a graph stand for: equal vectors are one point, named by one row.

Many equal points would link to each other only and cut the graph apart, so each distinct
half-precision vector goes in once. Never holds a vector: two are equal if their digests are.
Invariant: each covered row belongs to exactly one label, and a label is a row of its own group
(the lowest, of those that were known when it came).

Blocks of the file (frozen; m labels, g of them shared, n covered rows; little-endian):

    covered  the n rows, in Roaring's portable form
    labels   uint32 [m]      ascending
    keys     16 bytes [m]    the digest of each label's vector, to know equal ones again
    shared   uint32 [g]      labels with more rows than their own, ascending
    starts   uint64 [g + 1]  where the others of a shared label begin in `others`
    others   uint32 [n - m]  the rows beside the label, ascending a label
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from localsearch.deferred import dataclass
from localsearch.durable import open_blocks
from localsearch.durable.writing import write_blocks
from localsearch.graph.files import damaged
from localsearch.rows import Rows, RowSet, empty, from_array, positions_in

Keys = npt.NDArray[np.uint64]
"""[n, 2]: the first 16 bytes of the blake3 of each vector."""

_KEY_BYTES: Final = 16  # frozen
_LABEL_TYPE: Final = "<u4"


@dataclass(frozen=True)
class Members:
    """The groups of one graph. `starts` has one entry more than `shared`."""

    labels: Rows
    keys: Keys
    shared: Rows
    starts: npt.NDArray[np.int64]
    others: Rows
    covered: RowSet

    def rows_of(self, labels: Rows) -> Rows:
        """All rows of some labels (any order, none twice); nobody else's."""
        positions, found = positions_in(self.shared, labels)
        if not found.any():
            return labels
        more = [self.others[self.starts[at] : self.starts[at + 1]] for at in positions[found]]
        return np.concatenate([labels, *more])


def keys_of(halves: npt.NDArray[np.float16]) -> Keys:
    """The keys of stored vectors [n, D]; equal vectors have equal ones, 0 and -0 are equal."""
    plain = np.ascontiguousarray(halves) + np.float16(0)  # -0 + 0 is 0
    digests = b"".join(blake3(row).digest(_KEY_BYTES) for row in plain.view(np.uint8))
    return np.frombuffer(digests, "<u8").reshape(len(plain), 2).astype(np.uint64)


def grouped(rows: Rows, keys: Keys) -> Members:
    """Group rows (any order, none twice) by their keys [n, 2]."""
    return joined(_none(), rows, keys)


def joined(members: Members, rows: Rows, keys: Keys) -> Members:
    """Members with more rows, none of them covered yet; a label stays what it is."""
    every = np.concatenate([members.labels, rows])
    every_key = np.concatenate([members.keys, keys])
    # Within equal keys a label that is known comes first, then the lowest row.
    late = np.arange(len(every)) >= len(members.labels)
    order = np.lexsort((every, late, every_key[:, 1], every_key[:, 0]))
    every, every_key = every[order], every_key[order]
    first = np.ones(len(every), np.bool_)
    first[1:] = (every_key[1:] != every_key[:-1]).any(axis=1)
    labels = every[first]
    theirs = labels[np.cumsum(first) - 1][~first]
    before = np.repeat(members.shared, np.diff(members.starts))
    return _members(
        labels,
        every_key[first],
        np.concatenate([every[~first], members.others]),
        np.concatenate([theirs, before]),
    )


def _none() -> Members:
    rows, starts = np.zeros(0, np.uint32), np.zeros(1, np.int64)
    return Members(rows, np.zeros((0, 2), np.uint64), rows, starts, rows, empty())


def _members(labels: Rows, keys: Keys, others: Rows, theirs: Rows) -> Members:
    """Members from labels in any order with their keys, and other rows with their labels."""
    order = np.argsort(labels)
    shared, counts = np.unique(theirs, return_counts=True)
    starts = np.zeros(len(shared) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return Members(
        labels[order],
        keys[order],
        shared,
        starts,
        others[np.lexsort((others, theirs))],
        from_array(np.concatenate([labels, others])),
    )


def write_members(path: Path, members: Members, about: Mapping[str, Any]) -> None:
    """Write the file, synced; `about` is kept in it. Raises as `durable.write_blocks`."""
    covered = members.covered.copy()
    covered.run_optimize()
    blocks: dict[str, bytes | npt.NDArray[Any]] = {
        "covered": bytes(covered.serialize()),
        "labels": members.labels.astype(_LABEL_TYPE),
        "keys": np.ascontiguousarray(members.keys.astype("<u8")),
        "shared": members.shared.astype(_LABEL_TYPE),
        "starts": members.starts.astype("<u8"),
        "others": members.others.astype(_LABEL_TYPE),
    }
    write_blocks(path, {**about, "kind": "members"}, blocks)


def read_members(path: Path, about: Mapping[str, Any]) -> Members:
    """Read a whole file, all of it checked. Raises LibrarySegmentDamaged, also if it is of
    another graph than `about` tells."""
    file = open_blocks(path)
    try:
        if file.meta != {**about, "kind": "members"}:
            raise damaged(path, f"expected members of {dict(about)}, found {file.meta}")
        file.check_all()
        members = Members(
            labels=np.frombuffer(file.block("labels"), _LABEL_TYPE).astype(np.uint32),
            keys=np.frombuffer(file.block("keys"), "<u8").astype(np.uint64).reshape(-1, 2),
            shared=np.frombuffer(file.block("shared"), _LABEL_TYPE).astype(np.uint32),
            starts=np.frombuffer(file.block("starts"), "<u8").astype(np.int64),
            others=np.frombuffer(file.block("others"), _LABEL_TYPE).astype(np.uint32),
            covered=RowSet.deserialize(bytes(file.block("covered"))),
        )
    finally:
        file.close()
    if len(members.covered) != len(members.labels) + len(members.others):
        raise damaged(path, "its blocks do not fit together")
    return members
