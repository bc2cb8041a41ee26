"""Features of several views of every photo: what the heads of the network are trained on.

    python -m weights.features --data ../shared --work ../build-cache --views 2

One file a view (`view-0.npz`, ...) and, after each view, all of them in `features.npz`: `files`
(set/file), `pooled` float16 [n, views, 1280], `logits` float16 [n, views, 1000], `views` (names).
A view that is there is not made again. Views differ by what a photo library does to a photo:
mirrored, another aspect (Flickr8k's photos are squashed to squares: 4:3 and 3:4 undo it), cropped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weights import build_network, photos

VIEWS = ("plain", "crop1", "wide", "flip", "tall", "crop2")
USED = 2  # views that the heads are trained on
STRETCH = 4 / 3

Half = NDArray[np.float16]


@dataclass(frozen=True)
class Views:
    """Features of photos x views, in half precision, and which photo a row is."""

    files: NDArray[np.str_]
    pooled: Half
    logits: Half
    names: list[str]

    def rows(self, name: str) -> NDArray[np.intp]:
        """The rows of one set, in the order of its table."""
        return np.flatnonzero(np.char.startswith(self.files, f"{name}/"))


def seen(picture: Image.Image, view: str, squashed: bool, rng: np.random.Generator) -> Image.Image:
    """One view of a photo."""
    width, height = picture.size
    bicubic = Image.Resampling.BICUBIC
    if view == "flip":
        return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if view == "wide":
        return picture.resize((round(width * STRETCH), height), bicubic)
    if view == "tall":
        return picture.resize((width, round(height * STRETCH)), bicubic)
    if view.startswith("crop"):
        return photos.unsquashed(picture, rng) if squashed else cropped(picture, rng)
    return picture


def cropped(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A random part of a photo of the right aspect, mirrored half of the times."""
    width, height = picture.size
    share = float(rng.uniform(0.6, 1.0)) ** 0.5
    wide, high = round(width * share), round(height * share)
    left = int(rng.integers(0, width - wide + 1))
    top = int(rng.integers(0, height - high + 1))
    picture = picture.crop((left, top, left + wide, top + high))
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else picture


def pictures_of(photo_set: photos.PhotoSet, place: int, view: str) -> Iterator[Image.Image]:
    """The photos of a set under one view; a random one depends on the photo's place alone."""
    for number, name in enumerate(photo_set.files):
        with Image.open(photo_set.folder / name) as picture:
            upright = picture.convert("RGB")
        rng = np.random.default_rng([place, VIEWS.index(view), number])
        yield seen(upright, view, photo_set.name == "flickr8k", rng)


def make_view(data: Path, extractor: photos.Extractor, view: str, path: Path) -> None:
    """All sets under one view, written as one file."""
    files, pooled, logits = [], [], []
    for place, name in enumerate([*photos.SETS, *photos.own_sets(data)]):
        photo_set = photos.photo_set(data, name)
        if not photo_set.files:
            continue
        found = extractor.pictures(pictures_of(photo_set, place, view))
        files += [f"{name}/{file}" for file in photo_set.files]
        pooled.append(found.feature.astype(np.float16))
        logits.append(found.logits.astype(np.float16))
        print(view, name, len(photo_set.files), flush=True)
    replace(path, files=files, pooled=np.concatenate(pooled), logits=np.concatenate(logits))


def replace(path: Path, **arrays: object) -> None:
    """Write a file of arrays; a reader sees the old one or the new one."""
    partial = path.with_suffix(".partial.npz")
    plain: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
    np.savez(partial, **plain)
    partial.replace(path)


def join(work: Path, views: list[str]) -> None:
    """All views so far in one file."""
    kept = [np.load(work / f"view-{view}.npz") for view in views]
    replace(
        work / "features.npz",
        files=kept[0]["files"],
        pooled=np.stack([one["pooled"] for one in kept], axis=1),
        logits=np.stack([one["logits"] for one in kept], axis=1),
        views=views,
    )


def extract(data: Path, work: Path, count: int = USED) -> None:
    """Make what is missing of the first `count` views."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "features.onnx"
    build_network.write_features_network(path)
    extractor = photos.Extractor(path, work)
    for number, view in enumerate(VIEWS[:count]):
        kept = work / f"view-{view}.npz"
        if not kept.exists():
            make_view(data, extractor, view, kept)
            join(work, list(VIEWS[: number + 1]))


def load(work: Path) -> Views:
    """What has been extracted."""
    with np.load(work / "features.npz") as arrays:
        return Views(arrays["files"], arrays["pooled"], arrays["logits"], list(arrays["views"]))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--views", type=int, default=USED)
    options = parser.parse_args()
    extract(options.data, options.work, options.views)


if __name__ == "__main__":
    main()
