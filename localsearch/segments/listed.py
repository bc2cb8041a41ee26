"""One concept's whole list in memory, for a search that asks it more than once.

Pure arrays: dead rows are left out by who makes it. Invariant: rows ascend.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.postings.listing import values_among
from localsearch.rows import Rows, places_from
from localsearch.scores import Quantised

# From this share of the list on, a table of its span is quicker than bisection.
_MANY: Final = 0.05


class Listed(NamedTuple):
    """Rows uint32 [n] and their values uint16 [n]."""

    rows: Rows
    values: Quantised

    def at(self, rows: Rows) -> Quantised:
        """The value of each of `rows` (ascending); 0 where it is not listed."""
        if not len(rows):
            return np.zeros(0, np.uint16)
        first, last = int(rows[0]), int(rows[-1])
        # With a number of another type numpy would convert the whole list.
        here = slice(self.rows.searchsorted(rows[0]), self.rows.searchsorted(rows[-1], "right"))
        known, values = self.rows[here], self.values[here]
        if len(rows) < _MANY * len(known):
            return values_among(known, values, rows)
        table = np.zeros(last - first + 1, np.uint16)
        table[places_from(first, known)] = values
        found: Quantised = table[places_from(first, rows)]
        return found

    def count(self, least: int) -> int:
        """How many rows have `least` (0..65535) or more."""
        return int(np.count_nonzero(self.values >= least))

    def reaching(self, least: int) -> Listed:
        """Those that have `least` or more."""
        kept = np.flatnonzero(self.values >= least)
        return Listed(self.rows[kept], self.values[kept])
