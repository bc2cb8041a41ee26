"""The library at a glance: counts, sizes, what answers searches, what is due. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localsearch.catalog import graphs, packs, settings
from localsearch.catalog import input_reads as reads
from localsearch.catalog.migrations import STORE_FORMAT
from localsearch.library import derived
from localsearch.library.models import PROVIDER_SETTING
from localsearch.library.pack_choice import newer_pack
from localsearch.library.parts import Parts
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
        last_used = settings.value(conn, PROVIDER_SETTING, parts.models.wanted_provider)
    provider = parts.models.provider() or last_used or "auto"
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
        provider=provider,
        graph=words,
        recall=None if graph is None else graph.recall,
        newer_pack=_newer_pack(parts),
        building_pack=None if building is None else f"{building.name} {building.version}",
        previous_pack=None if previous is None else f"{previous.name} {previous.version}",
        due=derived.due(parts),
        notes=(*notes, *live.notes, *_from_thumbnails(parts)),
    )


def _newer_pack(parts: Parts) -> str | None:
    """The store keeps its own copy of its pack; tell when the program has a newer one."""
    newer = newer_pack(parts)
    if newer is None or newer.version <= parts.pack.version:
        return None
    return f"{newer.name} {newer.version}"


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
