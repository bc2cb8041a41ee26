"""12-megapixel JPEGs: a sync against the plain loop that one would write first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.children import SyncRun, sync_in_child
from benchmarks.figures import Figure, Result, Target, spread
from benchmarks.stages import Bench, contents
from benchmarks.timing import Run, in_turn, ratios, walls
from benchmarks.workspace import Workspace

QUICKER = Target(least=3.0)


def run(work: Workspace) -> Result:
    """In turn; both sides load the network, and the sync also stores, publishes, thumbnails."""
    files = sorted(work.large.iterdir())
    syncs: list[SyncRun] = []

    def sync() -> Run:
        store = work.fresh("store-large")
        syncs.append(sync_in_child(work.large, store))
        work.drop(store)
        assert syncs[-1].added == len(files)
        return syncs[-1].run

    runs = in_turn({"loop": lambda: plain_loop(files), "sync": sync}, work.sizes.rounds)
    count = len(files)
    bench = Bench()
    figures = (
        spread("plain loop over sync", ratios(runs["loop"], runs["sync"]), "x", QUICKER),
        spread("sync", [count / run.wall for run in runs["sync"]], "photos/s"),
        spread("plain loop", [count / run.wall for run in runs["loop"]], "photos/s"),
        spread("sync", walls(runs["sync"], 1e3 / count), "ms/photo"),
        spread("CPU of a sync", [run.cpu * 1e3 / count for run in runs["sync"]], "ms/photo"),
        Figure("size of a photo", np.mean([f.stat().st_size for f in files]).item() / 1e6, "MB"),
    )
    return Result(figures, (str(bench.costs(contents(files[:20]))),))


def plain_loop(files: list[Path]) -> None:
    """Decode all of it, resize, cut, infer: one thread, one at a time."""
    bench = Bench()
    image = bench.pack.image
    for file in files:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
        scale = image.resize / min(picture.size)
        width, height = (round(side * scale) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
        left, top = (width - image.size) // 2, (height - image.size) // 2
        cut = picture.crop((left, top, left + image.size, top + image.size))
        bench.encoder.encode([(np.asarray(cut),)])
