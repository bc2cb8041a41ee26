"""The library at a glance: counts, sizes, what answers searches, what is due. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localsearch.catalog import graphs, packs
from localsearch.catalog import input_reads as reads
from localsearch.catalog.migrations import STORE_FORMAT
from localsearch.library import derived, pack_files
from localsearch.library.pack_choice import newer_pack
from localsearch.library.parts import Parts
from localsearch.library.running import running
from localsearch.pack import Pack
from localsearch.records import FAILED, Status


def status(parts: Parts, notes: Sequence[str]) -> Status:
    """Counts, sizes, and what runs."""
    with parts.truth.catalog.reading() as conn:
        live = parts.live.settled(conn, parts.truth.features)
        words = parts.graph.words(conn)
        graph = graphs.named(conn, parts.pack.encoder_digest)
        counts = reads.count_by_state(conn)
        removed = reads.count_removed(conn)
        building, previous = packs.building(conn), packs.previous(conn)
        ran = running(parts, conn)
    pack = parts.pack
    return Status(
        store=parts.truth.store,
        inputs=sum(counts.values()),
        ok=counts.get("ok", 0),
        failed=sum(counts.get(state, 0) for state in FAILED),
        missing=counts.get("missing", 0),
        offline=counts.get("offline", 0),
        removed=removed,
        pack=f"{pack.name} {pack.version}",
        schema=STORE_FORMAT,
        bytes=_bytes_below(parts.truth.store),
        generation=live.generation,
        segments=len(live.segments),
        tail=len(live.tail.rows),
        provider=ran.runs or ran.asked,
        provider_asked=ran.asked,
        provider_why=ran.why,
        graph=words,
        recall=None if graph is None else graph.recall,
        newer_pack=_newer_pack(parts),
        building_pack=None if building is None else f"{building.name} {building.version}",
        previous_pack=None if previous is None else f"{previous.name} {previous.version}",
        due=derived.due(parts),
        notes=(*notes, *_of_pack(pack), *ran.warnings, *live.notes, *_from_thumbnails(parts)),
    )


def _newer_pack(parts: Parts) -> str | None:
    """The store keeps its own copy of its pack; tell when the program has a newer one."""
    newer = newer_pack(parts)
    if newer is None or newer.version <= parts.pack.version:
        return None
    return f"{newer.name} {newer.version}"


def _of_pack(pack: Pack) -> list[str]:
    """What a pack cannot do here, and which of its numbers nobody has measured."""
    notes = []
    absent = pack_files.absent_networks(pack)
    if absent:
        notes.append(
            f"{' and '.join(absent)} of the pack {pack.name} cannot be found: searches for concepts"
            f" and for likeness to known photos work; for all else install {pack.name} again"
        )
    if pack.manifest.provisional:
        notes.append(
            f"provisional in the pack {pack.name}: {' and '.join(pack.manifest.provisional)};"
            f" to fit them to your photos: localsearch packs calibrate {pack.name} FOLDER"
        )
    return notes


def _from_thumbnails(parts: Parts) -> list[str]:
    count = parts.truth.features.from_thumbnails()
    if not count:
        return []
    return [
        f"of {count:,} photos the features come from thumbnails: a sync that sees the photos"
        " replaces them"
    ]


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # swept meanwhile
            continue
    return total
