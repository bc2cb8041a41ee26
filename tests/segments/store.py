"""A store with real SQLite files and the tiny pack, filled with seeded features."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from localsearch.catalog import Catalog, create_catalog, input_reads, inputs, segment_names
from localsearch.catalog.features import Features, open_features
from localsearch.errors import LibrarySegmentDamaged
from localsearch.pack import Pack, load_pack
from localsearch.publish import PublishReport, build, compact_segments, merge_segments, plan
from localsearch.publish.build import never
from localsearch.rows import to_array
from localsearch.scores import cosines
from localsearch.segments.live import LiveSet, advance
from tests.tiny_pack import tiny_pack_folder


@lru_cache(maxsize=1)
def tiny_pack() -> Pack:
    return load_pack(tiny_pack_folder())


@dataclass
class Store:
    """A store whose photos are random vectors and logits."""

    path: Path
    catalog: Catalog
    features: Features
    pack: Pack
    rng: np.random.Generator
    keys: list[int] = field(default_factory=list)
    names: Iterator[int] = field(default_factory=itertools.count)

    def add(
        self, count: int, *, featured: bool = True, vectors: npt.NDArray | None = None
    ) -> list[int]:
        """Add photos; without `featured` their features are lost. Gives their rows."""
        digests = [self.rng.bytes(32) for _ in range(count)]
        if featured:
            if vectors is None:
                vectors = self.rng.normal(size=(count, self.pack.dimensions))
            vectors = vectors / np.linalg.norm(vectors, axis=1)[:, None]
            logits = self.rng.normal(size=(count, self.pack.classes)) * 4
            halves, raw = vectors.astype(np.float16), logits.astype(np.float16)
            self.features.put_many(zip(digests, halves, raw, strict=True))
        rows = []
        with self.catalog.writing("adding") as conn:
            for digest in digests:
                placed = inputs.put_new(
                    conn,
                    root=None,
                    folder=b"/photos",
                    name=b"%d.jpg" % next(self.names),
                    digest=digest,
                    size=1,
                    mtime_ns=1,
                    facts=None,
                    state="ok",
                    now_ms=1,
                )
                self.keys.append(placed.key)
                rows.append(placed.row)
        return rows

    def hide(self, key: int, removed: bool = True) -> None:
        with self.catalog.writing("hiding") as conn:
            inputs.set_removed(conn, key, removed, now_ms=2)

    def live(self, previous: LiveSet | None = None, bad: frozenset[str] = frozenset()) -> LiveSet:
        """What a reader sees; a segment whose files are gone is set aside when asked again."""
        try:
            with self.catalog.reading() as conn:
                return advance(previous, conn, self.features, self.pack, self.path, bad)
        except LibrarySegmentDamaged as fault:
            assert fault.missing and fault.segment not in bad
            return self.live(previous, bad | {fault.segment})

    def publish(self, whole_sync: bool = True) -> PublishReport:
        return build.publish(
            self.catalog, self.features, self.pack, self.path, whole_sync=whole_sync
        )

    def merge(self, stop: Callable[[], bool] = never) -> PublishReport:
        return merge_segments(self.catalog, self.features, self.pack, self.path, stop=stop)

    def compact(self) -> PublishReport:
        return compact_segments(self.catalog, self.features, self.pack, self.path)

    def replace(self, *names: str) -> PublishReport:
        return build.replace_damaged(self.catalog, self.features, self.pack, self.path, names)

    def named(self) -> list[segment_names.SegmentRow]:
        with self.catalog.reading() as conn:
            return segment_names.named(conn)

    def folders(self) -> set[str]:
        folder = self.path / "segments"
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def close(self) -> None:
        self.features.close()
        self.catalog.close()


def open_store(path: Path, seed: int = 0) -> Store:
    catalog = create_catalog(path)
    pack = tiny_pack()
    features = open_features(
        path, pack.encoder_digest, dimensions=pack.dimensions, classes=pack.classes
    )
    return Store(path, catalog, features, pack, np.random.default_rng(seed))


@contextmanager
def small_segments(rows: int = 12, worth: int = 3) -> Iterator[None]:
    """Publish at a few rows instead of thousands."""
    before = plan.FULL, plan.WORTH
    plan.FULL, plan.WORTH = rows, worth  # type: ignore[misc]
    try:
        yield
    finally:
        plan.FULL, plan.WORTH = before  # type: ignore[misc]


@contextmanager
def temporary_store(seed: int = 0) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store", seed)
        try:
            yield store
        finally:
            store.close()


def oracle(store: Store) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float16], npt.NDArray]:
    """Rows, vectors and probabilities of what should be found, straight from the features."""
    with store.catalog.reading() as conn:
        wanted = input_reads.live_featured_rows(conn, 0)
    vectors, logits, found = store.features.arrays_of([digest for _, digest in wanted])
    rows = np.array([row for row, _ in wanted], np.uint32)[found]
    return rows, vectors[found], store.pack.probabilities(vectors[found], logits[found])


def assert_same(store: Store, live: LiveSet) -> None:
    """The live set answers exactly as the oracle."""
    rows, vectors, probabilities = oracle(store)
    assert to_array(live.rows).tolist() == rows.tolist()
    shuffled = store.rng.permutation(len(rows))
    assert (live.halves_of(rows[shuffled]) == vectors[shuffled]).all()
    floors = store.pack.floors
    for concept in range(len(floors)):
        posted = np.where(
            probabilities[:, concept] >= floors[concept], probabilities[:, concept], 0
        )
        for at_least in (0, 5000, int(floors[concept]), 40000, 65536):
            expected = rows[(posted >= max(at_least, 1)) & (posted > 0)]
            assert to_array(live.rows_of(concept, at_least)).tolist() == expected.tolist()
            listed = live.listed(concept)
            assert (np.diff(listed.rows.astype(np.int64)) > 0).all()
            if at_least <= 65535:
                assert listed.reaching(at_least).rows.tolist() == expected.tolist()
                assert listed.count(at_least) == len(expected)
            assert listed.at(expected).tolist() == posted[np.isin(rows, expected)].tolist()
            assert listed.at(rows[::2]).tolist() == posted[::2].tolist()
            for count in (1, 3, len(rows) + 1):
                assert_best(live, concept, at_least, count)
        assert (live.values_at(concept, rows[shuffled]) == posted[shuffled]).all()
        assert live.count(concept) >= (posted > 0).sum()
        dead = to_array(live.graves)
        some = np.concatenate([rows, dead, [2**32 - 1]]).astype(np.uint32)
        for asked in (np.unique(some), store.rng.permutation(some), some[:3], dead[:1]):
            found = dict(zip(asked.tolist(), live.values_at(concept, asked).tolist(), strict=True))
            alive = dict(zip(rows.tolist(), posted.tolist(), strict=True))
            assert found == {row: alive.get(row, 0) for row in found}
    query = store.rng.normal(size=store.pack.dimensions).astype(np.float32)
    for allowed in (None, live.rows, type(live.rows)(rows[::3].tolist())):
        found, approx, bound = live.scan(query, allowed)
        order = np.argsort(found)
        kept = rows if allowed is None else rows[np.isin(rows, list(allowed))]
        assert found[order].tolist() == kept.tolist()
        true = cosines(vectors[np.isin(rows, kept)], query)
        assert (np.abs(true - approx[order]) <= bound[order]).all()


def assert_best(live: LiveSet, concept: int, at_least: int, count: int) -> None:
    """The highest are among what `best` gives, all that tie with the last of them too."""
    listed = live.listed(concept)
    kept = listed.values >= at_least
    rows, values = listed.rows[kept], listed.values[kept]
    found, theirs, total = live.best(concept, at_least, count)
    assert total == len(rows)
    known = dict(zip(rows.tolist(), values.tolist(), strict=True))
    given = dict(zip(found.tolist(), theirs.tolist(), strict=True))
    assert len(given) == len(found) and given.items() <= known.items()
    if len(rows):
        last = sorted(values.tolist())[-min(count, len(rows))]
        assert {row for row, value in known.items() if value >= last} <= given.keys()
