"""Cures what `verify` finds, as far as nothing is lost by it, and looks again.

Never touches a photo and never guesses: a damaged catalog is for `recover`. What builds, infers and
deletes comes as functions. Invariant: a finding counts as repaired only if it is not found again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from localsearch.catalog import changes, input_reads, metadata_terms, packs, segment_names
from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass
from localsearch.errors import PackError
from localsearch.pack import Pack, copy_query_side, find_pack, load_pack
from localsearch.pack.manifest import MANIFEST
from localsearch.records import Finding
from localsearch.verify.derived import GRAPH_CODES, SEGMENT_CODES
from localsearch.verify.truth import CATALOG, FEATURES, THUMBNAILS, own_pack
from localsearch.verify.whole import verify_store

_PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class Tools:
    """What other rooms do: make segments of the tail, build segments and graphs of these names
    anew, infer features that are lost (as a whole sync does), delete folders that nobody needs."""

    publish: Callable[[], None]
    rebuild_segments: Callable[[Sequence[str]], None]
    rebuild_graphs: Callable[[Sequence[str]], None]
    infer_lost: Callable[[], None]
    sweep: Callable[[], None]


def repair_store(
    store: Truth, pack: Pack, findings: Sequence[Finding], tools: Tools
) -> tuple[Finding, ...]:
    """Cure, then verify again: findings that are gone, `repaired`, then those that are left."""
    if not findings or _about(findings, "file-damaged", CATALOG):
        return tuple(findings)
    _files(store, pack, findings)
    _tables(store, findings)
    # In this order: segments and graphs are made from features.
    if _has(findings, {"feature-missing"}) or _about(findings, "file-damaged", FEATURES):
        tools.infer_lost()
    if _has(findings, {"row-lost", "segment-overlaps"}):
        _forget_segments(store)
        tools.publish()
    elif wrong := [one.where for one in findings if one.code in SEGMENT_CODES]:
        tools.rebuild_segments(list(dict.fromkeys(wrong)))
    graphs = [one.where for one in findings if one.code in GRAPH_CODES]
    if graphs:
        tools.rebuild_graphs(graphs)
    if _has(findings, {"leftover"}):
        tools.sweep()
    left = list(verify_store(store, pack))
    if _about(findings, "file-damaged", FEATURES) or _about(findings, "file-damaged", THUMBNAILS):
        with store.catalog.writing("repair") as conn:
            packs.begin_era(conn)  # others hold the damaged files open
    still = {(one.code, one.where) for one in left}
    return (
        *(replace(one, repaired=True) for one in findings if (one.code, one.where) not in still),
        *left,
    )


def _has(findings: Sequence[Finding], codes: set[str]) -> bool:
    return any(one.code in codes for one in findings)


def _about(findings: Sequence[Finding], code: str, where: str) -> bool:
    return any((one.code, one.where) == (code, where) for one in findings)


def _forget_segments(store: Truth) -> None:
    """Let no segment count: where their spans are wrong, one alone cannot be built anew."""
    with store.catalog.writing("repair") as conn:
        names = [row.name for row in segment_names.named(conn)]
        segment_names.name_segments(conn, [], names)


def _files(store: Truth, pack: Pack, findings: Sequence[Finding]) -> None:
    """Files that can be made anew: the pack's copy, thumbnails, what is readable of features."""
    if _has(findings, {"pack-damaged"}):
        _restore_pack(store, pack)
    if _about(findings, "file-damaged", THUMBNAILS):
        store.thumbnails.renew()
    if _about(findings, "file-damaged", FEATURES):
        store.features.salvage(pack.encoder_digest, _digests(store))


def _restore_pack(store: Truth, pack: Pack) -> None:
    """Copy the same pack anew from where the program keeps it; another one is no cure."""
    own = own_pack(store)
    if own is None:
        return
    in_use = os.path.realpath(pack.folder) == os.path.realpath(own)
    try:
        # Where the copy is not in use, what is in use is the installed one: damaged itself?
        installed = load_pack(find_pack(pack.name) if in_use else pack.folder, check="whole")
    except PackError:
        return
    if installed.pack_digest == pack.pack_digest:
        # Without its manifest it counts as absent: a file's stamp may not tell that it is damaged.
        (own / MANIFEST).unlink(missing_ok=True)
        copy_query_side(installed, store.store)


def _digests(store: Truth) -> Iterator[bytes]:
    """The contents of all inputs, whatever their state: what is missing today may come back."""
    after = 0
    while True:
        with store.catalog.reading() as conn:
            keys = input_reads.keys_after(conn, after, _PAGE)
            rows = input_reads.by_keys(conn, keys)
        if not keys:
            return
        after = keys[-1]
        yield from dict.fromkeys(row.digest for row in rows if row.digest is not None)


def _tables(store: Truth, findings: Sequence[Finding]) -> None:
    """Tables of the catalog that follow from others."""
    if not _has(findings, {"terms-differ", "changes-differ"}):
        return
    with store.catalog.writing("repair") as conn:
        metadata_terms.renew(conn, metadata_terms.check(conn))
        changes.renew(conn, changes.check(conn))
