"""Small tables of the catalog that this process holds: concepts, pack's and taught, and notes.

Held as long as nobody teaches or changes a note, here or elsewhere: counters of the catalog tell.
All handles of a store share them, and any thread may ask. Invariants: what is given is what the
transaction sees that it was given; what is not committed yet is never held, since it may be undone
and its number given again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from localsearch.catalog import taught
from localsearch.catalog.connection import marks_of
from localsearch.catalog.taught import ProbeRow
from localsearch.later import Later
from localsearch.pack import Pack
from localsearch.search.known import Known, TaughtConcept
from localsearch.segments.probed import Probe, stored_probe

if TYPE_CHECKING:
    from localsearch.catalog import notes
    from localsearch.catalog.notes import Note
else:
    notes = Later("localsearch.catalog.notes")

_FEW: Final = 1000
"""Notes of a kind that are held."""


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
        if marks_of(conn) is not None:
            self._held = generation, known
        return known


class NotesState:
    """The notes of some kinds; any thread may ask, and all handles of a store share it.

    Invariant: what it gives is what the transaction sees that it was given.
    """

    def __init__(self) -> None:
        # Swapped whole: the counter, and by kind its notes; None for one that has many.
        self._held: tuple[int, dict[str, dict[str, Note] | None]] = (-1, {})

    def all_of(self, conn: sqlite3.Connection, kind: str) -> list[Note]:
        """All notes of a kind, in the order of making."""
        held = self._of(conn, kind)
        return notes.of_kind(conn, kind) if held is None else [*held.values()]

    def of_ids(self, conn: sqlite3.Connection, kind: str, ids: Iterable[str]) -> list[Note]:
        """Those of some ids, in the order of making."""
        held = self._of(conn, kind)
        if held is None:
            return notes.of_ids(conn, kind, ids)
        wanted = held.keys() & set(ids)
        return [note for id, note in held.items() if id in wanted] if wanted else []

    def _of(self, conn: sqlite3.Connection, kind: str) -> dict[str, Note] | None:
        if marks_of(conn) is None:
            return None
        now = notes.generation(conn)
        generation, kinds = self._held
        if generation == now and kind in kinds:
            return kinds[kind]
        found = notes.of_kind(conn, kind, _FEW + 1)
        few = None if len(found) > _FEW else {one.id: one for one in found}
        self._held = now, {**(kinds if generation == now else {}), kind: few}
        return few


def _probe_of(row: ProbeRow, pack: Pack) -> Probe | None:
    """A probe as the catalog keeps it; a damaged one is none, which `verify` tells."""
    return stored_probe(row.direction, row.scale, row.offset, row.floor, pack.dimensions)
