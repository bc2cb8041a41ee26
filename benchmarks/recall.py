"""What the int8 scan finds of the true best, with and without its second look."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import localsearch as ls
from benchmarks.bare import LIMIT, Bare, exact_products
from benchmarks.figures import Figure, Result, Target
from benchmarks.questions import Questions, share_of_best
from benchmarks.workspace import Workspace

_SCAN = Target(least=0.995)


def run(work: Workspace) -> Result:
    """At each size; the queries are photos of the store."""
    figures: list[Figure] = []
    for rows in work.sizes.synthetic:
        store = work.synthetic(rows).store
        asked = Questions(Bare(store))
        exact = exact_products(asked.bare, asked.vectors)
        with ls.open(store=store, read_only=True, graph="never") as library:
            found = asked.recall(library, exact)
        alone = _of_codes(asked, exact)
        figures += [
            Figure(f"{rows:,} rows: scan, recall@{LIMIT}", found, target=_SCAN),
            Figure("... the int8 products alone", alone, note="nothing scored again"),
        ]
    note = "against float32 products of all stored vectors; equal likeness counts as equal"
    return Result(tuple(figures), (note,))


def _of_codes(asked: Questions, exact: npt.NDArray[np.float32]) -> float:
    shares = []
    for vector, likeness in zip(asked.vectors, exact, strict=True):
        found = np.searchsorted(asked.bare.rows, asked.bare.scan(vector))
        shares.append(share_of_best(likeness, found))
    return float(np.mean(shares))
