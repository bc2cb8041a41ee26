"""The highest of many values, found without sorting them.

Pure arrays: knows no row and no concept. Invariant: what reaches `edge_of` holds the highest
`count`, ties included.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from localsearch.matrix.coding import Singles
from localsearch.scores import Quantised

# Values that count as one: groups lie across the array, so that one pass of vector instructions
# finds the highest of each (0.1 ms for 350,000 values, where a partial sort takes 1.5 ms).
_GROUP: Final = 64


def edge_of(values: Quantised | Singles, count: int) -> float:
    """A value that at least `count` (> 0) of the values, which are more than so many, reach.

    Of few values the highest such one; of many the `count`-th highest of the highest of groups.
    """
    groups = len(values) // _GROUP
    if groups >= 2 * count:
        values = values[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    place = len(values) - count
    return float(np.partition(values, place)[place])
