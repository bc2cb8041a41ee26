"""Sizes: the pack, the wheel, a photo's share of the disk, memory; and what many photos will need.

What is said of 50,000 and 400,000 photos is measured on fewer and carried over in proportion.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.children import HOUSE
from benchmarks.figures import Figure, Result, Target, shown
from benchmarks.tending import tend
from benchmarks.workspace import Stored, Workspace
from localsearch.pack import find_pack

PACK = Target(most=25.0)
READERS = {
    (100_000, "concept queries"): Target(most=150.0),
    (1_000_000, "visual ones by scan too"): Target(most=300.0),
}
"""MiB."""
LIBRARIES = (1_000, 50_000, 400_000)
PARTS = ("catalog", "features", "thumbs", "segments")


def run(work: Workspace) -> Result:
    """Of the stores that the other benchmarks made, or that are made now."""
    some, large, tree = work.some_stored, work.large_stored, work.tree_stored
    wheel, problem = wheel_bytes(work.fresh("wheel"))
    figures = [Figure("pack `general`", size_of(find_pack("general")) / 1e6, "MB", target=PACK)]
    if wheel:
        figures.append(Figure("wheel", wheel / 1e6, "MB"))
    figures += _disk("small photo", some) + _disk("12-megapixel photo", large)
    figures += _disk("copy in the tree", tree)
    figures += [
        Figure("peak memory of a sync, small photos", some.sync.peak_memory / 2**20, "MiB"),
        Figure("peak memory of a sync, 12 megapixels", large.sync.peak_memory / 2**20, "MiB"),
        Figure("peak memory of a sync, the tree", tree.sync.peak_memory / 2**20, "MiB"),
    ]
    for rows in work.sizes.synthetic:
        figures += _memory(rows, work.graphed(rows))
    notes = [f"no wheel: {problem}"] if problem else []
    notes.append(
        "memory of a reader: pages that are no file's; mapped files are shared by all processes"
        " and can be taken back"
    )
    return Result(tuple(figures), (*notes, *_carried_over(some, large)))


def _memory(rows: int, store: Path) -> list[Figure]:
    """What reading processes hold for themselves, beside one that has only the packages."""
    bare, concepts, every = (tend(work, store) for work in ("nothing", "ask-concepts", "ask-all"))
    shown = (("concept queries", concepts), ("visual ones by scan too", every))
    figures = []
    for words, told in shown:
        target = READERS.get((rows, words))
        mapped = f"{told.private / 2**20:.0f} with what it alone has mapped"
        title = f"{rows:,} rows: memory of a reader, {words}"
        figures += [
            Figure(title, told.anonymous / 2**20, "MiB", target=target, note=mapped),
            Figure("... over the bare packages", told.anonymous / max(1, bare.anonymous), "x"),
        ]
    return figures


def _disk(what: str, stored: Stored) -> list[Figure]:
    parts = {name: part_bytes(stored.store, name) / stored.sync.added for name in PARTS}
    told = ", ".join(f"{name} {shown(size / 1e3)}" for name, size in parts.items())
    return [Figure(f"disk for a {what}", sum(parts.values()) / 1e3, "kB", note=told)]


def _carried_over(some: Stored, large: Stored) -> list[str]:
    """Lines for the README: time and disk of libraries of three sizes."""
    own = size_of(some.store / "packs")
    each = sum(part_bytes(some.store, name) for name in PARTS) / some.sync.added
    thumbs = (
        part_bytes(large.store, "thumbs") / large.sync.added
        - part_bytes(some.store, "thumbs") / some.sync.added
    )
    lines = []
    for photos in LIBRARIES:
        low, high = (one.sync.undisturbed / one.sync.added * photos / 60 for one in (some, large))
        disk = (own + photos * each) / 1e9, (own + photos * (each + thumbs)) / 1e9
        lines.append(
            f"{photos:,} photos: {shown(low)} minutes (small photos) to {shown(high)} "
            f"(12 megapixels); disk {disk[0]:.2f} to {disk[1]:.2f} GB"
        )
    return lines


def part_bytes(store: Path, name: str) -> int:
    """Bytes of the files and folders of a store whose name begins so."""
    return sum(size_of(path) for path in store.iterdir() if path.name.startswith(name))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def wheel_bytes(folder: Path) -> tuple[int, str]:
    """(its size, "") or (0, why it could not be built)."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(HOUSE)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return 0, next((line for line in reversed(lines) if "rror" in line), "pip wheel failed")
    return sum(file.stat().st_size for file in folder.glob("*.whl")), ""
