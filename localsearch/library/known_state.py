"""The concepts that this process knows of a store: the pack's and those that were taught.

Held as long as nobody teaches, here or elsewhere: a counter of the catalog tells. Invariant: what
`current` gives is what the transaction sees that it was given.
"""

from __future__ import annotations

import sqlite3

from localsearch.catalog import taught
from localsearch.catalog.taught import ProbeRow
from localsearch.pack import Pack
from localsearch.search.known import Known, TaughtConcept
from localsearch.segments.probed import Probe, stored_probe


class KnownState:
    """Keeps the newest Known; any thread may ask, and all handles of a store share it."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._held: tuple[int, Known] | None = None  # swapped whole

    def current(self, conn: sqlite3.Connection) -> Known:
        """The concepts that `conn`'s transaction sees."""
        generation, held = taught.generation(conn), self._held
        if held is not None and held[0] == generation:
            return held[1]
        rows = taught.all_of(conn, self._pack.encoder_digest) if generation else []
        concepts = [
            TaughtConcept(row.id, row.name, row.probe and _probe_of(row.probe, self._pack))
            for row in rows
        ]
        known = Known(self._pack.vocabulary, concepts)
        self._held = generation, known
        return known


def _probe_of(row: ProbeRow, pack: Pack) -> Probe | None:
    """A probe as the catalog keeps it; a damaged one is none, which `verify` tells."""
    return stored_probe(row.direction, row.scale, row.offset, row.floor, pack.dimensions)
