"""Segments that merge while a library grows, against writing the same bytes once, and synced."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.figures import Figure, Result, spread
from benchmarks.footprint import size_of
from benchmarks.tending import Tended, tend
from benchmarks.timing import Run, in_turn, ratios, walls
from benchmarks.workspace import Synthetic, Workspace

_BLOCK = 1 << 20


def run(work: Workspace) -> Result:
    """At each size: what growing cost, and a compaction of all of it."""
    figures: list[Figure] = []
    for rows in work.sizes.synthetic:
        made = work.synthetic(rows)
        figures += _growing(rows, made)
        figures += _compaction(work, rows, made.store)
    return Result(tuple(figures), ("memory: most anonymous pages of the process that compacts",))


def _growing(rows: int, made: Synthetic) -> list[Figure]:
    """Rows came 10,000 at a time, each followed by publishing and by the merges that were due."""
    written, left = made.written, size_of(made.store / "segments")
    every = written.published_bytes + written.merged_bytes
    return [
        Figure(
            f"{rows:,} rows: bytes of all segments written over those left",
            every / max(1, written.published_bytes),
            "x",
            note=f"{every / 1e6:,.0f} MB for {left / 1e6:,.0f} (those swept later included)",
        ),
        Figure("... publishing", written.publishing, "s"),
        Figure("... merging", written.merging, "s"),
        Figure("... writing rows and features", written.writing, "s"),
    ]


def _compaction(work: Workspace, rows: int, store: Path) -> list[Figure]:
    tended: list[Tended] = []

    def compact() -> Run:
        copy = work.copied(store)
        tended.append(tend("compact", copy))
        work.drop(copy)
        return Run(tended[-1].seconds, tended[-1].cpu)

    def bare() -> None:
        copy_synced(store / "segments", work.fresh("bytes"))

    runs = in_turn({"house": compact, "bare": bare}, min(2, work.sizes.rounds), warm=0)
    return [
        spread(f"{rows:,} rows: compaction", walls(runs["house"]), "s"),
        spread("... copying the segments, synced", walls(runs["bare"]), "s"),
        spread("... over copying", ratios(runs["house"], runs["bare"]), "x"),
        Figure("... most memory", max(one.peak for one in tended) / 2**20, "MiB"),
    ]


def copy_synced(folder: Path, target: Path) -> None:
    """All bytes of a folder into one file, synced, and away with it."""
    with target.open("wb") as copy:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            with file.open("rb") as source:
                while block := source.read(_BLOCK):
                    copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    target.unlink()
