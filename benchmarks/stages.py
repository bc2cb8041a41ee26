"""The parts of a photo's way, each alone on one thread: what a sync can't be quicker than.

Stands on the rooms that do the work, not on the pipeline that puts them together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from localsearch.encoders import open_image_encoder
from localsearch.encoders.image import ImageEncoder
from localsearch.encoders.prepare import prepare
from localsearch.library.models import THUMBNAIL_SIDE
from localsearch.pack import Pack, find_pack, load_pack
from localsearch.pipeline.look import short_side
from localsearch.pipeline.one import features_of_one
from localsearch.sources.fingerprint import fingerprint
from localsearch.sources.picture import open_picture
from localsearch.sources.thumbnail import make

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds a photo."""

    decode: float
    prepare: float
    thumbnail: float
    infer: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.decode + self.prepare + self.thumbnail + self.infer

    def __str__(self) -> str:
        parts = (self.decode, self.prepare, self.thumbnail, self.infer)
        words = ("decode", "prepare", "thumbnail and fingerprint", "inference")
        told = ", ".join(
            f"{word} {part * 1e3:.1f}" for word, part in zip(words, parts, strict=True)
        )
        return f"CPU milliseconds a photo: {told}; together {self.total * 1e3:.1f}"


class Bench:
    """The built-in pack with its network on the CPU, one thread a picture."""

    def __init__(self) -> None:
        self.pack: Pack = load_pack(find_pack("general"))
        self.encoder: ImageEncoder = open_image_encoder(self.pack, provider="cpu", threads=1)

    def costs(self, photos: Sequence[bytes]) -> Costs:
        """Each stage over all photos, one after the other, on this thread."""
        image = self.pack.image
        side = short_side(image)
        decoded, decoding = _each(photos, lambda data: open_picture(data, short_side=side).pixels)
        ready, preparing = _each(decoded, lambda pixels: prepare(pixels, image))
        _, thumbnails = _each(
            decoded, lambda pixels: (make(pixels, THUMBNAIL_SIDE), fingerprint(pixels))
        )
        _, inferring = _each(ready, lambda pixels: self.encoder.encode([pixels]))
        return Costs(decoding, preparing, thumbnails, inferring)

    def whole(self, data: bytes) -> None:
        """All stages of one photo, one after the other."""
        done = features_of_one(data, self.encoder, self.pack.image, thumbnail_side=THUMBNAIL_SIDE)
        assert done.refusal is None, done.refusal

    def all_of(self, photos: Sequence[bytes]) -> None:
        """All stages of each, one photo after the other."""
        for data in photos:
            self.whole(data)


def _each(items: Sequence[T], work: Callable[[T], R]) -> tuple[list[R], float]:
    """The results and CPU seconds of this thread for each."""
    began = time.thread_time()
    results = [work(item) for item in items]
    return results, (time.thread_time() - began) / len(items)


def contents(files: Iterable[Path]) -> list[bytes]:
    """Their bytes."""
    return [file.read_bytes() for file in files]
