"""Whether the disk of the store has room for what a sync is about to write."""

from __future__ import annotations

from pathlib import Path

from localsearch.durable import free_bytes
from localsearch.errors import LibraryFull

RESERVE = 64 << 20  # left free on the disk of the store, whatever happens
TYPICAL_BYTES = 45_000  # features, thumbnail and postings of one photo with the built-in pack


def refuse_if_full(store: Path, photos: int) -> None:
    """Raise LibraryFull before a sync starts that would run out of disk."""
    need, free = photos * TYPICAL_BYTES + RESERVE, free_bytes(store)
    if photos and need > free:
        raise LibraryFull(
            f"{photos} photos need about {need >> 20} MB in {store}, but {free >> 20} MB are free",
            hint="free some space, or keep the store elsewhere: localsearch init --store DIR",
        )
