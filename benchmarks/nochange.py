"""A big tree in which nothing, or next to nothing, has changed: what watchers and users repeat."""

from __future__ import annotations

import os
from io import BytesIO
from itertools import count
from pathlib import Path

import localsearch as ls
from benchmarks import pictures
from benchmarks.children import run_program
from benchmarks.figures import Figure, Result, Target, spread
from benchmarks.stages import Bench, contents
from benchmarks.timing import Run, in_turn, ratios, walls
from benchmarks.workspace import TREE_CONTENTS, Stored, Workspace

CHANGED = 3
FULL_TREE = 100_000


def run(work: Workspace) -> Result:
    """The first sync, a sync without change, and a sync of three changed files."""
    stored = work.tree_stored
    number = work.sizes.tree
    assert stored.sync.added == number
    with ls.open(store=stored.store) as library:
        figures = [
            *_no_change(work, library, stored),
            *_three_paths(work, library, stored),
        ]
    first = stored.sync
    figures += [
        Figure(f"first sync of {number:,} copies of {TREE_CONTENTS}", first.seconds, "s"),
        Figure("first sync", number / first.seconds, "files/s"),
        Figure("CPU of the first sync", first.cpu, "s"),
        Figure("peak memory of the first sync", first.peak_memory / 2**20, "MiB"),
    ]
    return Result(tuple(figures))


def _no_change(work: Workspace, library: ls.Library, stored: Stored) -> list[Figure]:
    number = work.sizes.tree
    seconds = Target(most=4.0 * number / FULL_TREE)

    def sync() -> None:
        report = library.sync()
        assert report.unchanged == number, report

    works = {
        "sync": sync,
        "walk": lambda: bare_walk(stored.photos),
        "program": lambda: run_program(
            "sync", "--library", str(stored.store), "--json", cwd=work.folder
        ),
    }
    runs = in_turn(works, work.sizes.rounds)
    again = work.synced_again(stored)
    return [
        spread(f"sync without change, {number:,} files", walls(runs["sync"]), "s", seconds),
        spread("... over bare scandir and stat", ratios(runs["sync"], runs["walk"]), "x"),
        spread("... CPU", [run.cpu for run in runs["sync"]], "s"),
        spread("bare scandir and stat", walls(runs["walk"]), "s"),
        spread("`localsearch sync`, the whole process", walls(runs["program"]), "s"),
        Figure("peak memory of a sync without change", again.peak_memory / 2**20, "MiB"),
    ]


def bare_walk(folder: Path) -> int:
    """Bytes of all files below, by the two calls that a walk can't do without."""
    total, waiting = 0, [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _three_paths(work: Workspace, library: ls.Library, stored: Stored) -> list[Figure]:
    """Three files get new contents each round; their inference alone is measured beside it."""
    bench, seeds = Bench(), count(10**6)
    every = sorted(stored.photos.rglob("*.jpg"))
    files = [every[len(every) * part // (CHANGED + 1)] for part in range(1, CHANGED + 1)]

    def change() -> None:
        for file in files:
            replace_content(file, next(seeds))

    def sync() -> Run:
        change()
        runs = in_turn({"sync": lambda: library.sync(paths=files)}, 1, warm=0)
        return runs["sync"][0]

    def infer() -> Run:
        datas = contents(files)
        runs = in_turn({"infer": lambda: bench.all_of(datas)}, 1, warm=0)
        return runs["infer"][0]

    works = {
        "sync": sync,
        "infer": infer,
        "unchanged": lambda: library.sync(paths=files),
    }
    runs = in_turn(works, work.sizes.quick_rounds)
    beyond = [(a.wall - b.wall) * 1e3 for a, b in zip(runs["sync"], runs["infer"], strict=True)]
    return [
        spread("sync(paths=3 changed files), all", walls(runs["sync"], 1e3), "ms"),
        spread("... their inference alone, one thread", walls(runs["infer"], 1e3), "ms"),
        spread("... beyond their inference", beyond, "ms", Target(most=300.0)),
        spread("... over their inference", ratios(runs["sync"], runs["infer"]), "x"),
        spread("sync(paths=3 unchanged files)", walls(runs["unchanged"], 1e3), "ms"),
    ]


def replace_content(file: Path, seed: int) -> None:
    """Another picture under the same name, with an old time that differs from the last one."""
    data = BytesIO()
    pictures.photo_like(seed, (96, 72)).save(data, "JPEG", quality=85)
    file.write_bytes(data.getvalue())
    os.utime(file, ns=(pictures.OLD_NS, pictures.OLD_NS + seed * 10**6))
