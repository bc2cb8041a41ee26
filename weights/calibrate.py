"""Temperature of the class probabilities, floors of the concepts, and the visual score map.

Each is fitted on photos that no other part was trained on. It never changes a ranking: the
temperature is one number, and the score map rises strictly.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weights.metrics import log_softmax
from weights.photos import Extractor, Features, PhotoSet

FLOOR = 0.01
VARIED = 3  # every third photo is saved again
SAME, UNRELATED = 0.95, 0.35

Floats = NDArray[np.floating]


def temperature(logits: Floats, classes: NDArray[np.int64]) -> float:
    """The temperature of the lowest log loss, to two digits."""
    tried = np.round(np.arange(0.5, 2.01, 0.01), 2)
    rows = np.arange(len(classes))
    losses = [-log_softmax(logits, t)[rows, classes].mean() for t in tried]
    return float(tried[int(np.argmin(losses))])


def variants(photos: PhotoSet) -> Iterator[tuple[int, str, Image.Image]]:
    """Photos saved again as JPEG, and made smaller."""
    for row, name in enumerate(photos.files[::VARIED]):
        with Image.open(photos.folder / name) as opened:
            picture = opened.convert("RGB")
        for quality in (50, 70, 90):
            yield row * VARIED, f"q{quality}", saved_again(picture, quality)
        # The photos at hand have 192 pixels on the short side: half of that is already less than
        # a third of what the network looks at, as if a common photo were cut to a thirtieth.
        size = (picture.width // 2, picture.height // 2)
        smaller = picture.resize(size, Image.Resampling.LANCZOS)
        yield row * VARIED, "half", saved_again(smaller, 90)


def saved_again(picture: Image.Image, quality: int) -> Image.Image:
    """A trip through JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def likeness_of_variants(
    extractor: Extractor, photos: PhotoSet
) -> tuple[NDArray[np.int64], list[str], Features]:
    """Row, kind, logits and pooled feature of each variant."""
    rows, kinds = [], []

    def pictures() -> Iterator[Image.Image]:
        for row, kind, picture in variants(photos):
            rows.append(row)
            kinds.append(kind)
            yield picture

    found = extractor.pictures(pictures())
    return np.array(rows), kinds, found


def unrelated_cosines(vectors: Floats, groups: list[str]) -> Floats:
    """Cosines of all pairs of photos of different groups."""
    names = np.array(groups)
    first, second = np.triu_indices(len(names), 1)
    other = names[first] != names[second]
    return np.asarray((vectors @ vectors.T)[first[other], second[other]])


def score_map(unrelated: Floats, same: Floats, kinds: list[str]) -> list[list[float]]:
    """Pairs (cosine, score), strictly rising in both.

    The median unrelated pair stands at 0.35; 99 in 100 copies (saved again, or half as large)
    lie above 0.95, by the kind of copy that is least like its original.
    """
    low, middle = np.percentile(unrelated, [1, 50])
    names = np.array(kinds)
    copy = min(np.percentile(same[names == kind], 1) for kind in set(kinds))
    points = [(-1.0, 0.0), (low, 0.2), (middle, UNRELATED), (copy, SAME), (1.0, 1.0)]
    return [[round(float(x), 4), y] for x, y in points]


def apply_map(cosines: Floats, points: list[list[float]]) -> Floats:
    """Scores of cosines."""
    x, y = np.array(points).T
    return np.interp(cosines, x, y)
