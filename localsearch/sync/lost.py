"""Finds where a new file came from: an input of the same content whose own file is gone.

A move keeps id, tags and metadata and costs no inference. Never takes one photo twice.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from localsearch.catalog import known as known_rows
from localsearch.catalog.known import Known
from localsearch.sync.survey import native


class Lost:
    """The inputs whose files are gone, by content. `moved` collects the keys that were found.

    `roots` maps the keys of roots that are online to their paths. Where `whole` is set, the survey
    saw every root, so `gone` and the missing ones of the catalog are all there are; else the few
    inputs of the same content are looked up on disk.
    """

    def __init__(
        self, gone: Iterable[Known], roots: Mapping[int, Path | None], *, whole: bool
    ) -> None:
        self._by_digest: dict[bytes, list[Known]] = {}
        for had in gone:
            if had.digest is not None:
                self._by_digest.setdefault(had.digest, []).append(had)
        self._roots = roots
        self._whole = whole
        self.moved: set[int] = set()

    def twin(self, conn: sqlite3.Connection, digest: bytes) -> Known | None:
        """An input of that content whose file is gone, each only once; None if there is none."""
        found = self._from_survey(digest) or self._from_catalog(conn, digest)
        if found is not None:
            self.moved.add(found.key)
        return found

    def _from_survey(self, digest: bytes) -> Known | None:
        waiting = self._by_digest.get(digest)
        while waiting:
            had = waiting.pop(0)
            if had.key not in self.moved:
                return had
        return None

    def _from_catalog(self, conn: sqlite3.Connection, digest: bytes) -> Known | None:
        candidates = known_rows.missing_with(conn, digest)
        if not self._whole:
            # Eight are enough: copies beyond that are bursts of the same file, not moves.
            candidates += known_rows.places_of(conn, digest, limit=8)
        return next((known for known in candidates if self._is_gone(known)), None)

    def _is_gone(self, known: Known) -> bool:
        """Its place can be looked at, and its file is not there."""
        root_path = self._roots.get(known.root) if known.root is not None else None
        if root_path is None or known.key in self.moved or known.name is None:
            return False
        return not os.path.lexists(native(os.fsencode(root_path), known.folder, known.name))
