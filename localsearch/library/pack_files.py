"""Files of packs that a store uses no more: their features, graphs and copies are deleted.

Never touches what a pack of any role needs. What is in use (Windows) goes another time.
"""

from __future__ import annotations

from typing import Final

from localsearch.catalog import graphs, packs
from localsearch.catalog.features import delete_file, other_files
from localsearch.errors import LibraryBusy, PackMissing
from localsearch.library.parts import Parts
from localsearch.pack import Pack, network_file
from localsearch.pack.find import large_networks
from localsearch.publish.graph_sweep import sweep_graphs
from localsearch.publish.sweep import deleted
from localsearch.writer_lock import WriterLock

PACKS: Final = "packs"
"""The folder of a store that holds its copies of packs. Frozen."""


def drop_unused(parts: Parts) -> None:
    """Delete what no pack of the catalog needs; under the lock of a reindex."""
    truth = parts.truth
    with truth.catalog.reading() as conn:
        named = packs.all_named(conn)
        encoders = {row.encoder_digest for row in named}
        former = [row.name for row in graphs.all_named(conn) if row.encoder_digest not in encoders]
    for path in other_files(truth.store, encoders):
        delete_file(path)
    folders = {truth.store / row.folder for row in named}
    for folder in sorted((truth.store / PACKS).glob("*")):
        if folder not in folders:
            deleted(folder)
    if former:
        with truth.catalog.writing("dropping graphs") as conn:
            for name in former:
                graphs.drop(conn, name)
        sweep_graphs(truth.catalog, truth.store)


def drop_previous(parts: Parts) -> tuple[str, ...]:
    """Let the pack before go, with its features; a note tells of it. Not beside a reindex."""
    truth = parts.truth
    with truth.catalog.reading() as conn:
        row = packs.previous(conn)
    try:
        with WriterLock(truth.store / "reindex.lock").hold(0.0, "dropping a pack"):
            if row is not None:
                with truth.catalog.writing("dropping a pack") as conn:
                    packs.forget(conn, "previous")
            drop_unused(parts)
    except LibraryBusy:
        return ()
    told = f"the pack before, {row.name} {row.version}, was dropped" if row is not None else ""
    return (told,) if told else ()


def absent_networks(pack: Pack) -> tuple[str, ...]:
    """Networks of a pack that are neither in the store nor installed: large ones are not copied."""
    absent = []
    for name in large_networks(pack):
        try:
            network_file(pack, name)
        except PackMissing:
            absent.append(name)
    return tuple(absent)
