"""A real store with synthetic features and, kept in step, the oracle's world of the same photos.

Catalog, features, segments and pack are the real ones; only the vectors and logits are drawn
instead of inferred, so that a search can be tried on hundreds of photos in a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from localsearch.catalog import create_catalog, input_reads, inputs, roots, segment_names, tags
from localsearch.catalog.features import open_features
from localsearch.catalog.segment_names import SegmentRow
from localsearch.encoders.text import TextEncoder
from localsearch.pack import load_pack
from localsearch.records import Facts
from localsearch.search.snapshot import Snapshot
from localsearch.segments.features import featured
from localsearch.segments.live import LiveSet, advance
from localsearch.segments.segment import FOLDER
from localsearch.segments.writing import SegmentData, write_segment_files
from tests.oracle import Photo, World, wanted
from tests.tiny_pack import tiny_pack_folder

T = TypeVar("T")

ROOTS = ("home", "card")
TAGS = ("pet", "Ferien", "x")
PICTURES = ("q0.jpg", "q1.jpg", "q2.jpg")
FAILURES = ("undecodable", "too-large")
# Texts, and the concepts of the tiny pack that each names.
NAMED = {
    "at night": (),
    "a dog running through snow": (),
    "people outside in the Dark": ("people", "outdoors", "dark"),
    "two dogs on sky-blue water, reds": ("sky blue", "red"),
}
TEXTS = tuple(NAMED)
DATES = (
    *("2023-12-31T23:59:59", "2024-01-01T00:00:00", "2024-05-01T00:00:00", "2024-05-31T12:30:00"),
    "2024-06-15T23:59:59",
)
PLACES = ((48.1, 11.6), (48.1, 11.7), (-33.9, 151.2), (0.0, 180.0), (0.5, -179.5), (90.0, 0.0))
CAMERAS = ("Canon EOS R5", "Apple iPhone 12", "STRASSE Optik", "apple iphone 12 Pro")
DOCUMENTS: tuple[dict[str, Any], ...] = (
    {"album": "home"},
    {"album": "home", "year": 2024, "stars": True},
    {"album": "card", "year": 2024.0, "stars": 1, "note": None},
    {"place": {"city": "Köln", "tags": ["a", "b", 3]}, "year": "2024"},
    {"place": {"city": "Köln", "people": [{"name": "Ann", "age": 3}, {"name": "Bo"}]}},
)


class Store:
    """Photos, added and changed at random (seeded); `snapshot` is what a search stands on."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = np.random.default_rng(seed)
        self.pack = load_pack(tiny_pack_folder())
        self.catalog = create_catalog(folder)
        (folder / FOLDER).mkdir()
        self.features = open_features(
            folder,
            self.pack.encoder_digest,
            dimensions=self.pack.dimensions,
            classes=self.pack.classes,
        )
        with self.catalog.writing("test") as conn:
            self.roots = {n: roots.put(conn, name=n, path=f"/{n}".encode()) for n in ROOTS}
        self.centres = self.random.normal(size=(len(PICTURES), self.pack.dimensions))
        self.contents: list[tuple[bytes, npt.NDArray[np.float16], npt.NDArray[np.float16]]] = []
        self.keys: dict[str, int] = {}
        self.live: LiveSet | None = None
        names = enumerate(self.pack.vocabulary.names)
        self.world = World(
            photos={},
            concepts={name: index for index, name in names},
            floors=self.pack.floors,
            visual=self.pack.visual,
            pictures={
                name: centre.astype(np.float16).astype(np.float32)
                for name, centre in zip(PICTURES, self.centres, strict=True)
            },
            texts={text: TextEncoder(self.pack).encode(text) for text in TEXTS},
            text=self.pack.text,
            named=NAMED,
            decoys=self.pack.decoys,
        )

    def close(self) -> None:
        for segment in self.live.segments if self.live is not None else ():
            segment.close()
        self.features.close()
        self.catalog.close()

    def grow(self, count: int) -> None:
        """Add photos, changing and hiding some, and publish now and then."""
        steps = self.random.integers(1, 40, count).tolist()
        left = count
        for step in steps:
            self.add(min(step, left))
            left -= min(step, left)
            self.change(int(self.random.integers(0, 4)))
            if self.random.random() < 0.5:
                self.publish()
            self.live = self._advanced()  # so that later ones build on this one
            if not left:
                break

    def add(self, count: int) -> None:
        """New photos; a few failed, a few copies of others, some tagged."""
        drawn = [self._content() for _ in range(count)]
        self.features.put_many(drawn)
        self.contents += drawn
        with self.catalog.writing("test") as conn:
            for digest, vector, logits in drawn:
                failed = self.random.random() < 0.15
                photo = self._photo(failed)
                placed = inputs.put_new(
                    conn,
                    id=photo.id,
                    root=self.roots[photo.root or ""],
                    folder=photo.path.rpartition("/")[0].encode(),
                    name=photo.path.rpartition("/")[2].encode(),
                    digest=None if failed else digest,
                    size=10,
                    mtime_ns=1,
                    facts=None if failed else self._told(photo),
                    state=photo.state,
                    now_ms=1,
                    metadata=photo.metadata,
                )
                for name, value in photo.tags.items():
                    tags.put(conn, placed.key, name.upper(), value)
                self.keys[photo.id], photo.row = placed.key, placed.row
                if not failed:
                    self._show(photo, vector, logits)
                self.world.photos[photo.id] = photo

    def change(self, count: int) -> None:
        """Hide, lose, bring back or edit photos: graves and new rows."""
        if not self.keys:
            return
        with self.catalog.writing("test") as conn:
            for id in self.random.choice(sorted(self.keys), count).tolist():
                self._change_one(conn, self.world.photos[id])

    def publish(self) -> None:
        """What is above the last segment becomes a segment."""
        with self.catalog.reading() as conn:
            last = max((each.last_row for each in segment_names.named(conn)), default=0)
            rows = input_reads.live_featured_rows(conn, last)
        if not rows:
            return
        parts = [made for made, _ in featured(rows, self.features, self.pack)]
        data = SegmentData(
            np.concatenate([made.rows for made in parts]),
            np.concatenate([made.halves for made in parts]),
            np.concatenate([made.probabilities for made in parts]),
            self.pack.floors,
        )
        with self.catalog.writing("test") as conn:
            number = segment_names.next_number(conn)
            row = SegmentRow(
                *(f"tiny-{number}", number, rows[0][0], rows[-1][0], len(rows)),
                self.pack.pack_digest,
            )
            write_segment_files(self.folder, row, data)
            segment_names.name_segments(conn, [row])

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A search's stand, in a transaction of its own."""
        with self.catalog.reading() as conn:
            self.live = self._advanced()
            yield Snapshot(conn, self.live, self.pack, lambda term: wanted(self.world, term))

    def _advanced(self) -> LiveSet:
        with self.catalog.reading() as conn:
            return advance(self.live, conn, self.features, self.pack, self.folder)

    def _content(self) -> tuple[bytes, npt.NDArray[np.float16], npt.NDArray[np.float16]]:
        """A new content near one of the query pictures, or (one in ten) one seen before."""
        if self.contents and self.random.random() < 0.1:
            return self.contents[int(self.random.integers(len(self.contents)))]
        noise = self.random.choice([0.0, 0.01, 0.3, 3.0])
        vector = self.centres[self.random.integers(len(PICTURES))]
        vector = vector + noise * self.random.normal(size=len(vector))
        if self.random.random() < 0.02:
            vector = np.zeros_like(vector)
        logits = 3 * self.random.normal(size=self.pack.classes)
        return self.random.bytes(32), vector.astype(np.float16), logits.astype(np.float16)

    def _photo(self, failed: bool) -> Photo:
        number = len(self.keys)
        folder = self.random.choice(["2023", "2023/a", "2024/a", "2024/b/c"])
        drawn = [name for name in TAGS if self.random.random() < 0.3]
        return Photo(
            row=0,
            id=f"id-{number}",
            path=f"{folder}/{number}.jpg",
            root=str(self.random.choice(ROOTS)),
            state=str(self.random.choice(FAILURES)) if failed else "ok",
            tags={name: bool(self.random.random() < 0.7) for name in drawn},
            metadata=self._any_of(DOCUMENTS) or {},
        )

    def _told(self, photo: Photo) -> Facts:
        """What a new content says of itself, each now and then; the photo is told it too."""
        photo.taken_at = self._any_of(DATES)
        photo.place = self._any_of(PLACES)
        photo.camera = self._any_of(CAMERAS)
        lat, lon = photo.place or (None, None)
        return Facts(4, 3, "jpeg", photo.taken_at, None, lat, lon, photo.camera)

    def _any_of(self, values: Sequence[T]) -> T | None:
        found = self.random.random() < 0.7
        return values[int(self.random.integers(len(values)))] if found else None

    def _show(
        self, photo: Photo, vector: npt.NDArray[np.float16], logits: npt.NDArray[np.float16]
    ) -> None:
        photo.vector = vector
        photo.probabilities = self.pack.probabilities(vector[None, :], logits[None, :])[0]

    def _change_one(self, conn, photo: Photo) -> None:  # type: ignore[no-untyped-def]
        key = self.keys[photo.id]
        what = self.random.choice(["remove", "lose", "offline", "edit"])
        if what == "remove":
            photo.removed = not photo.removed
            inputs.set_removed(conn, key, photo.removed, now_ms=2)
        elif what == "edit" and photo.vector is not None:
            digest, vector, logits = self.contents[int(self.random.integers(len(self.contents)))]
            inputs.replace_content(
                conn,
                key,
                digest=digest,
                size=11,
                mtime_ns=2,
                facts=self._told(photo),
                state="ok",
                now_ms=2,
            )
            photo.state = "ok"
            self._show(photo, vector, logits)
        elif photo.vector is not None:
            away = "missing" if what == "lose" else "offline"
            state = "ok" if photo.state in ("missing", "offline") else away
            inputs.set_state(conn, [key], state, "", now_ms=2)
            photo.state = state
        found = input_reads.by_id(conn, photo.id)
        assert found is not None and found.state == photo.state
        photo.row = found.row
