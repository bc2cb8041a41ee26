"""The three SQLite files of a store, opened as one: all that cannot be recomputed for free."""

from __future__ import annotations

from pathlib import Path

from localsearch.catalog import Catalog
from localsearch.catalog.features import Features
from localsearch.catalog.thumbnails import Thumbnails
from localsearch.deferred import NamedTuple


class Truth(NamedTuple):
    """Catalog, features of the active pack, thumbnails. Safe from any thread."""

    store: Path
    catalog: Catalog
    features: Features
    thumbnails: Thumbnails

    def close(self) -> None:
        """Close all three; nothing that was committed is lost."""
        self.features.close()
        self.thumbnails.close()
        self.catalog.close()
