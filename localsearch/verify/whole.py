"""All findings of a store, in one go: the truth first, then what is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from localsearch.catalog.truth import Truth
from localsearch.errors import LibraryDamaged
from localsearch.pack import Pack
from localsearch.records import Finding, Progress
from localsearch.verify import derived, truth

OnProgress = Callable[[Progress], None] | None


def verify_store(store: Truth, pack: Pack, progress: OnProgress = None) -> Iterator[Finding]:
    """All findings, the gravest files first; nothing if all is well. Reads all but the photos.

    `progress` hears what is looked at next, each file, segment and graph; how many there are is
    not known before.
    """
    looked = 0

    def tell(name: str) -> None:
        nonlocal looked
        if progress is not None:
            progress(Progress("verify", looked, 0, current=name))
        looked += 1

    broken = set()
    for one in truth.sound_files(store, tell):
        broken.add(one.where)
        yield one
    tell(str(pack.folder))
    yield from truth.sound_packs(store, pack)
    parts: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        (truth.CATALOG, lambda: truth.catalog_rows(store, tell)),
        (truth.CATALOG, lambda: truth.probes(store, pack, tell)),
        (truth.FEATURES, lambda: truth.features(store, tell)),
        (truth.CATALOG, lambda: derived.segments(store, pack, tell)),
        (truth.CATALOG, lambda: derived.graphs_named(store, pack, tell)),
        (truth.CATALOG, lambda: derived.leftovers(store)),
    )
    for file, part in parts:
        yield from _told(file, broken, part)


def _told(file: str, broken: set[str], part: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Findings of one part; a file that cannot be read on is told once, and ends the part."""
    try:
        yield from part()
    except LibraryDamaged as fault:
        if file not in broken:
            broken.add(file)
            yield truth.damaged(file, fault.message)
