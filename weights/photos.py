"""The photo sets that the pack is fitted and judged on, and the network's features of them.

Features are computed once and kept in a cache folder under the digest of the network that made
them. Nothing of a photo but these numbers is ever stored.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from PIL import Image

SETS = {
    "flickr8k": ("captions/flickr8k", "splits.csv"),
    "coco": ("captions/coco", "labels.csv"),
    "imagenet": ("photos/imagenet_sample", "labels.csv"),
    "scenes": ("photos/scenes", "labels.csv"),
    "holidays": ("photos/holidays", "groups.csv"),
    "near": ("photos/near_duplicates", "groups.csv"),
}
"""Folder and table of each set that this project was built with; one that is absent is empty."""

CLASSES = Path(__file__).with_name("classes.txt")
SIZE, RESIZE = 260, 297
MEAN, STD = 127.0, 128.0
BATCH = 8

View = Callable[[Image.Image, np.random.Generator], Image.Image]


@dataclass(frozen=True)
class PhotoSet:
    """Files of one set, in a fixed order, with what its table says of each."""

    name: str
    folder: Path
    files: list[str]
    rows: list[dict[str, str]]

    def column(self, name: str) -> list[str]:
        """One column of the table."""
        return [row[name] for row in self.rows]


@dataclass(frozen=True)
class Features:
    """Raw logits and pooled features of photos, in their order."""

    logits: NDArray[np.float32]
    feature: NDArray[np.float32]
    vector: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def read_table(path: Path) -> list[dict[str, str]]:
    """A CSV file as dictionaries."""
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def photo_set(data: Path, name: str) -> PhotoSet:
    """A set by its folder and table below the data folder; without photos if it is not there.

    One that is not in SETS is somebody's own: `captions/NAME` with `captions.csv` (file, caption).
    """
    folder, table = SETS.get(name, (f"captions/{name}", "captions.csv"))
    path = data / folder / table
    rows = {row["file"]: row for row in read_table(path)} if path.exists() else {}
    return PhotoSet(name, data / folder / "images", [*rows], [*rows.values()])


def own_sets(data: Path) -> list[str]:
    """Names of somebody's own sets of photos with captions."""
    found = sorted(path.parent.name for path in data.glob("captions/*/captions.csv"))
    return [name for name in found if name not in SETS]


def captioned_sets(data: Path) -> list[str]:
    """Sets whose photos have captions and no labels."""
    return ["flickr8k", *own_sets(data)]


def class_ids() -> list[str]:
    """WordNet ids of the network's classes, in their order."""
    return CLASSES.read_text(encoding="ascii").split()


def prepare(picture: Image.Image) -> NDArray[np.float32]:
    """Pixels as the pack's manifest defines them: short side, centre crop, mean and std."""
    picture = picture.convert("RGB")
    scale = RESIZE / min(picture.size)
    width, height = (max(SIZE, round(side * scale)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - SIZE) // 2, (height - SIZE) // 2
    picture = picture.crop((left, top, left + SIZE, top + SIZE))
    pixels = (np.asarray(picture, np.float32) - MEAN) / STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def golden_pixels(seed: int) -> NDArray[np.float32]:
    """The manifest's golden picture: seeded noise, enlarged."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    pixels = (np.asarray(picture, np.float32) - MEAN) / STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]


def unsquashed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A random view of a photo that was squashed to a square: stretched, cropped, flipped."""
    width, height = picture.size
    aspect = float(rng.choice([4 / 3, 3 / 2, 4 / 3, 3 / 4, 2 / 3, 1.0]) * rng.uniform(0.92, 1.08))
    scale = float(rng.uniform(0.75, 1.0)) ** 0.5
    crop_width, crop_height = round(width * scale), round(height * scale)
    left = int(rng.integers(0, width - crop_width + 1))
    top = int(rng.integers(0, height - crop_height + 1))
    picture = picture.crop((left, top, left + crop_width, top + crop_height))
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    size = (round(crop_height * aspect), crop_height)
    return picture.resize(size, Image.Resampling.BICUBIC)


class Extractor:
    """Runs a network over photos, with a cache on disk."""

    def __init__(self, network: Path, cache: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(network), options, providers=["CPUExecutionProvider"]
        )
        self.digest = blake3(network.read_bytes()).hexdigest()[:12]
        self.cache = cache

    def run(self, pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Both outputs of one batch."""
        return tuple(self.session.run(None, {"pixels": pixels}))

    def pictures(self, pictures: Iterable[Image.Image]) -> Features:
        """Features of pictures, in batches, not cached."""
        outputs: list[tuple[NDArray[np.float32], ...]] = []
        waiting: list[NDArray[np.float32]] = []
        for picture in pictures:
            waiting.append(prepare(picture))
            if len(waiting) == BATCH:
                outputs.append(self.run(np.stack(waiting)))
                waiting = []
        if waiting:
            outputs.append(self.run(np.stack(waiting)))
        logits, feature = (np.concatenate(part) for part in zip(*outputs, strict=True))
        return Features(logits, feature)

    def photos(self, photos: PhotoSet, view: View | None = None, seed: int = 0) -> Features:
        """Features of a set (of a random view of each photo where `view` is given)."""
        label = f"{photos.name}-{getattr(view, '__name__', 'plain')}-{seed}"
        kept = self.cache / f"{label}-{self.digest}.npz"
        if kept.exists():
            with np.load(kept) as arrays:
                return Features(arrays["logits"], arrays["feature"])
        rng = np.random.default_rng(seed)

        def opened() -> Iterable[Image.Image]:
            for name in photos.files:
                with Image.open(photos.folder / name) as picture:
                    upright = picture.convert("RGB")
                yield view(upright, rng) if view else upright

        found = self.pictures(opened())
        self.cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial.npz")
        np.savez(partial, logits=found.logits, feature=found.feature)
        partial.replace(kept)
        return found
