"""A real store of photos that never were, of any size, to measure at sizes that nobody has at hand.

    python -m benchmarks.synthetic ROWS FOLDER [--seed S] [--data ../shared]

Inputs, tags and features go through the functions of `catalog` that a sync uses, segments through
`publish`. What a sync does before that (walk, decode, infer) has no part here; there are no
photo files and no thumbnails; and a transaction holds 10,000 photos, not 256.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import localsearch as ls
from benchmarks.synthetic_photos import PART, ROOTS, Drawing, Part
from benchmarks.synthetic_seeds import photo_folder, seeds_of
from localsearch.catalog import inputs, open_catalog, roots, tags
from localsearch.catalog.features import open_features
from localsearch.pack import find_pack, load_pack
from localsearch.publish import merge_segments, publish
from localsearch.segments.segment import FOLDER

if TYPE_CHECKING:
    from localsearch.catalog import Catalog
    from localsearch.catalog.features import Features
    from localsearch.pack import Pack

NOW_MS = 1_700_000_000_000
_CACHE_KIB = 256 << 10


@dataclass(frozen=True, slots=True)
class Written:
    """What making a store took: seconds of each part, bytes of all segments on the way."""

    rows: int
    drawing: float
    writing: float
    publishing: float
    merging: float
    published_bytes: int
    merged_bytes: int


@dataclass(frozen=True, slots=True)
class _Store:
    place: Path
    catalog: Catalog
    features: Features
    pack: Pack

    def publish(self, *, whole: bool) -> int:
        """Bytes of the new segments."""
        report = publish(self.catalog, self.features, self.pack, self.place, whole_sync=whole)
        return self._bytes(report.built)

    def merge(self) -> int:
        """Bytes of the merged segments; those merged again meanwhile count too."""
        report = merge_segments(self.catalog, self.features, self.pack, self.place)
        return self._bytes(report.built)

    def _bytes(self, names: Iterable[str]) -> int:
        files = (file for name in names for file in (self.place / FOLDER / name).iterdir())
        return sum(file.stat().st_size for file in files)


def make_store(
    count: int,
    place: Path,
    *,
    photos: Path | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = print,
) -> Written:
    """Make a store of `count` inputs in the new folder `place`, drawn from the photos below
    `photos` (of the test data if that is there, else the demo's), and publish it whole."""
    ls.init(store=place).close()
    pack = load_pack(find_pack("general"))
    drawing = Drawing(seeds_of(photos or photo_folder(None), pack, tell=tell), seed)
    catalog = open_catalog(place)
    features = open_features(
        place, pack.encoder_digest, dimensions=pack.dimensions, classes=pack.classes
    )
    try:
        return _fill(_Store(place, catalog, features, pack), drawing, count, tell)
    finally:
        features.close()
        catalog.close()


def _fill(store: _Store, drawing: Drawing, count: int, tell: Callable[[str], None]) -> Written:
    watch = _Watch()
    published = merged = 0
    with store.catalog.writing("making roots") as conn:
        parent = store.place.resolve().parent
        keys = [roots.put(conn, name=name, path=bytes(parent / name)) for name in ROOTS]
    for number, start in enumerate(range(0, count, PART)):
        part = drawing.part(number, min(PART, count - start))
        watch.lap("drawing")
        store.features.put_many(zip(part.digests, part.vectors, part.logits, strict=True))
        with store.catalog.writing("adding") as conn:
            _put(conn, part, keys)
        watch.lap("writing")
        published += store.publish(whole=False)
        watch.lap("publishing")
        merged += store.merge()
        watch.lap("merging")
        tell(f"{min(count, start + PART):,} of {count:,}")
    with store.catalog.writing("sampling roots") as conn:
        for key in keys:
            roots.replace(conn, key, sample=roots.take_sample(conn, key))
    watch.lap("writing")
    published += store.publish(whole=True)
    watch.lap("publishing")
    merged += store.merge()
    watch.lap("merging")
    return Written(count, **watch.seconds, published_bytes=published, merged_bytes=merged)


def _put(conn: sqlite3.Connection, part: Part, keys: list[int]) -> None:
    # The indexes over random ids and digests do not fit the usual 2 MB of pages.
    conn.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    for photo in part.photos:
        placed = inputs.put_new(
            conn,
            id=photo.id,
            root=keys[photo.root],
            folder=photo.folder,
            name=photo.name,
            digest=photo.digest,
            size=photo.size,
            mtime_ns=photo.mtime_ns,
            facts=photo.facts,
            state=photo.state,
            reason="" if photo.state == "ok" else "drawn so",
            metadata=photo.metadata,
            now_ms=NOW_MS,
        )
        if photo.tag is not None:
            tags.put(conn, placed.key, photo.tag, True)


class _Watch:
    """Seconds by what was done, from one lap to the next."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("drawing", "writing", "publishing", "merging"), 0.0)
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] += now - self._last
        self._last = now


def main(args: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthetic", description=__doc__)
    parser.add_argument("rows", type=int, metavar="ROWS")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="folder of test data; default: ../shared")
    options = parser.parse_args(args)

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    written = make_store(
        options.rows,
        options.folder,
        photos=photo_folder(options.data),
        seed=options.seed,
        tell=tell,
    )
    print(json.dumps(asdict(written)))
    return 0


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
