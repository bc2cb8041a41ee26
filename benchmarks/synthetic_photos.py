"""Draws photos that never were from real ones: events, bursts, copies, dates, places, tags.

Pure: arrays and records from a seed, no file. A part of the library is drawn by itself, so a
longer library begins with the same photos as a shorter one (to the whole parts that both have).

Vectors and logits are moved together: along the directions in which real photos differ, in the
one space of both, and by a mixture that keeps mean and spread. So which concepts a photo shows,
how often and beside which others stay as they are in the real ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.synthetic_seeds import Halves, Seeds
from localsearch.records import Facts

PART = 10_000
"""Photos drawn at once: 60 MB of float32 for each of a few arrays."""

ROOTS = ("photos", "card")
CAMERAS = (
    "Apple iPhone 12",
    "Apple iPhone 6",
    "Google Pixel 4a",
    "Canon EOS 60D",
    "samsung SM-G960F",
    "NIKON D7000",
    "Panasonic DMC-LX100",
    "FUJIFILM X-T2",
    "Canon PowerShot A620",
    "SONY ILCE-7M3",
)
_PHONES = 5  # of the cameras, the even ones: these know where they are
PLACES = 60
TAGS = ("family", "work", "print", "holiday", "garden", "portfolio", "Oma", "school", "to sort")
_EVENT, _BURST = 40.0, 2.5  # photos of one, on average
_THEMES = 8  # real photos that an event may show: one and those most like it
_DIRECTIONS = 256
_FIRST, _DAYS = datetime(2005, 1, 1), 7000
_EPOCH = datetime(1970, 1, 1)

Floats = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]


class Drawn(NamedTuple):
    """One photo as the catalog takes it. `digest` None: it could not be read."""

    id: str
    root: int
    folder: bytes
    name: bytes
    digest: bytes | None
    size: int
    mtime_ns: int
    facts: Facts | None
    state: str
    metadata: Mapping[str, Any]
    tag: str | None


@dataclass(frozen=True)
class Part:
    """Photos, and the features of their contents: `vectors[at]`, `logits[at]` of `digests[at]`."""

    photos: list[Drawn]
    digests: list[bytes]
    vectors: Halves
    logits: Halves


class _Event(NamedTuple):
    """What photos of one event share."""

    start: datetime
    root: int
    folder: bytes
    camera: int
    place: tuple[float, float] | None
    album: Mapping[str, Any]
    tag: str | None


class Drawing:
    """Everything that is worked out once from the real photos."""

    def __init__(self, seeds: Seeds, seed: int) -> None:
        self._seed = seed
        self._dimensions = seeds.vectors.shape[1]
        real = np.concatenate([seeds.vectors, seeds.logits], axis=1, dtype=np.float32)
        self._mean = real.mean(axis=0)
        self._real = real - self._mean
        # Both halves of the joint space weigh the same, whatever units the logits have.
        spread = float(np.linalg.norm(self._real[:, : self._dimensions]))
        weight = spread / max(1e-6, float(np.linalg.norm(self._real[:, self._dimensions :])))
        self._directions = _directions(self._real, self._dimensions, weight)
        self._near = _nearest(seeds.vectors)

    @cached_property
    def _places(self) -> npt.NDArray[np.float64]:
        rng = np.random.default_rng([self._seed, 0x506C])
        return np.stack([rng.uniform(-45, 65, PLACES), rng.uniform(-170, 179, PLACES)], axis=1)

    def part(self, number: int, count: int = PART) -> Part:
        """The photos of one part, or its first `count`."""
        rng = np.random.default_rng([self._seed, number])
        events = np.cumsum(rng.random(PART) < 1 / _EVENT, dtype=np.int64)
        fresh = (rng.random(PART) < 1 / _BURST) | (np.diff(events, prepend=-1) > 0)
        bursts = np.cumsum(fresh, dtype=np.int64) - 1
        source, vectors, logits = self._features(rng, events, bursts)
        of_content = _digests(self._seed, number, source)
        photos = self._photos(rng, number, events, fresh, of_content)[:count]
        held = np.unique([source[at] for at, one in enumerate(photos) if one.digest is not None])
        digests = [of_content[at] for at in held.tolist()]
        return Part(photos, digests, vectors[held], logits[held])

    def _features(
        self, rng: np.random.Generator, events: Whole, bursts: Whole
    ) -> tuple[Whole, Halves, Halves]:
        """(the photo whose content each has, vectors, logits)."""
        anchors = rng.integers(0, len(self._real), int(events[-1]) + 1)
        starts = np.flatnonzero(np.diff(bursts, prepend=-1))
        theme = rng.integers(0, self._near.shape[1], len(starts))
        shown = self._near[anchors[events[starts]], theme]
        moments = self._moved(rng, self._real[shown], rng.uniform(0.15, 0.5, len(starts)))
        steps = rng.choice([0.01, 0.05, 0.12, 0.25], len(bursts), p=[0.1, 0.3, 0.3, 0.3])
        joint = self._moved(rng, moments[bursts], steps)
        joint += self._mean
        inside = np.diff(bursts, prepend=-1) == 0
        chance = rng.random(len(bursts))
        at = np.arange(len(bursts))
        # One in fifty is its neighbour's file again, one in fifty is as good as its pixels.
        equal = at - (inside & (chance < 0.04))
        source = np.where(inside & (chance < 0.02), at - 1, at)
        source = np.where(source < at, source[source], source)
        vectors = joint[:, : self._dimensions]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        halves, logits = vectors.astype(np.float16), joint[:, self._dimensions :].astype(np.float16)
        equal = equal[equal]
        return source, halves[equal], logits[equal]

    def _moved(
        self, rng: np.random.Generator, points: Floats, share: npt.NDArray[np.float64]
    ) -> Floats:
        """Mix each point with a drawn one, so that the spread of all stays what it was."""
        drawn = rng.standard_normal((len(points), len(self._directions)), dtype=np.float32)
        drawn *= share.astype(np.float32)[:, None]
        moved = drawn @ self._directions
        moved += points * np.sqrt(1 - share**2).astype(np.float32)[:, None]
        return moved

    def _photos(
        self,
        rng: np.random.Generator,
        number: int,
        events: Whole,
        fresh: npt.NDArray[np.bool_],
        of_content: list[bytes],
    ) -> list[Drawn]:
        kinds = self._events(rng, number, int(events[-1]) + 1)
        gaps = np.where(fresh, rng.exponential(120.0, PART), rng.integers(0, 3, PART))
        since = np.cumsum(gaps)
        firsts = np.searchsorted(events, np.arange(len(kinds)))
        seconds = (since - since[np.minimum(firsts, PART - 1)][events]).astype(int).tolist()
        shifts = rng.normal(0.0, 0.003, (PART, 2))
        chance, tagged = rng.random(PART).tolist(), (rng.random(PART) < 0.7).tolist()
        sizes = rng.integers(600_000, 6_000_000, PART).tolist()
        photos = []
        for at, event in enumerate(events.tolist()):
            kind = kinds[event]
            state = "undecodable" if chance[at] < 0.003 else "ok"
            state = "missing" if chance[at] > 0.997 else state
            taken = kind.start + timedelta(seconds=seconds[at])
            photos.append(
                Drawn(
                    id=_id(self._seed, number, at),
                    root=kind.root,
                    folder=kind.folder,
                    name=b"IMG_%07d.jpg" % (number * PART + at),
                    digest=None if state == "undecodable" else of_content[at],
                    size=sizes[at],
                    mtime_ns=int((taken - _EPOCH).total_seconds()) * 10**9,
                    facts=None if state == "undecodable" else _facts(kind, taken, shifts[at]),
                    state=state,
                    metadata={**kind.album, "rating": at % 5 + 1} if kind.album else {},
                    tag=kind.tag if tagged[at] else None,
                )
            )
        return photos

    def _events(self, rng: np.random.Generator, number: int, count: int) -> list[_Event]:
        """In order of time, as one import of one card after the other leaves them."""
        days = np.sort(rng.uniform(0, _DAYS, count)).tolist()
        popular = 1.0 / np.arange(1, len(CAMERAS) + 1)
        cameras = rng.choice(len(CAMERAS), count, p=popular / popular.sum()).tolist()
        # Half of all at home: a real library is no even spread over the world.
        where = (rng.integers(0, PLACES, count) * (rng.random(count) < 0.5)).tolist()
        near = rng.normal(0.0, 0.05, (count, 2))
        chances = rng.random((count, 3)).tolist()
        which = rng.integers(0, len(TAGS), count).tolist()
        events = []
        for at in range(count):
            start = _FIRST + timedelta(days=days[at])
            camera = cameras[at]
            place = tuple((self._places[where[at]] + near[at]).tolist())
            name = f"{start:%Y-%m-%d} {number}-{at}"
            album = {"album": name, "client": {"job": where[at]}} if chances[at][0] < 0.15 else {}
            events.append(
                _Event(
                    start=start.replace(microsecond=0),
                    root=int(chances[at][1] < 0.15),
                    folder=f"{start:%Y}/{name}".encode(),
                    camera=camera,
                    place=place if camera % 2 == 0 and camera < 2 * _PHONES else None,
                    album=album,
                    tag=TAGS[which[at]] if chances[at][2] < 0.2 else None,
                )
            )
        return events


def _facts(kind: _Event, taken: datetime, shift: npt.NDArray[np.float64]) -> Facts:
    where = None if kind.place is None else (kind.place[0] + shift[0], kind.place[1] + shift[1])
    return Facts(
        width=4000,
        height=3000,
        format="JPEG",
        taken_at=taken.isoformat(),
        taken_raw=f"{taken:%Y:%m:%d %H:%M:%S}",
        lat=None if where is None else float(where[0]),
        lon=None if where is None else float(where[1]),
        camera=CAMERAS[kind.camera],
    )


def _directions(real: Floats, dimensions: int, weight: float) -> Floats:
    """Rows whose sum with standard normal factors is spread as the real photos are."""
    joint = real.copy()
    joint[:, dimensions:] *= weight
    _, values, rows = np.linalg.svd(joint, full_matrices=False)
    scaled = (values[:, None] / np.sqrt(max(1, len(real) - 1)) * rows)[:_DIRECTIONS]
    scaled[:, dimensions:] /= weight
    return np.ascontiguousarray(scaled, dtype=np.float32)


def _nearest(vectors: Halves) -> npt.NDArray[np.intp]:
    """For each real photo itself and those most like it: [n, themes]."""
    wide = vectors.astype(np.float32)
    order = np.argsort(-(wide @ wide.T), axis=1, kind="stable")
    return np.asarray(order[:, :_THEMES], dtype=np.intp)


def _digests(seed: int, part: int, source: Whole) -> list[bytes]:
    """A digest for each photo; those of one content have the same."""
    return [_hash(f"content {seed} {part} {at}", 32) for at in source.tolist()]


def _id(seed: int, part: int, at: int) -> str:
    return _hash(f"id {seed} {part} {at}", 16).hex()


def _hash(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()
