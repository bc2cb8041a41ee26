"""Which of many scored rows come first: score descending, then row ascending. Pure arrays.

It never asks where rows or scores come from. Invariant: the cut [start:stop] is what a full sort
would give, so that pages concatenate to the whole list.
"""

from __future__ import annotations

import numpy as np

from localsearch.records import Ranked
from localsearch.rows import Rows
from localsearch.scores import Quantised


def reaching(rows: Rows, scores: Quantised, floor: int) -> tuple[Rows, Quantised]:
    """The rows that score `floor` (0..65536) or more."""
    if floor <= 0:
        return rows, scores
    kept = scores >= floor
    return rows[kept], scores[kept]


def cut(rows: Rows, scores: Quantised, start: int, stop: int) -> Ranked:
    """The places [start:stop] of the ranked list. A short page of many rows costs no sort."""
    if 0 < stop < len(rows):
        best = _best(rows, scores, stop)
        rows, scores = rows[best], scores[best]
    order = np.lexsort((rows, -scores.astype(np.int32)))[start:stop]
    return Ranked(rows[order], scores[order])


def _best(rows: Rows, scores: Quantised, count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Positions of the `count` best, in no order; 0 < count < len(rows)."""
    edge = np.partition(scores, len(scores) - count)[len(scores) - count]
    above = np.flatnonzero(scores > edge)
    level = np.flatnonzero(scores == edge)
    wanted = count - len(above)
    if wanted < len(level):  # of those that score the same, the lowest rows
        level = level[np.argpartition(rows[level], wanted - 1)[:wanted]]
    return np.concatenate([above, level])
