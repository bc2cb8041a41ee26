"""Fits the projection from the pooled feature to the 512 numbers of the visual vector.

It sees features of photos only, no labels, and only of sets that the figures are not reported on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 512
POWER = 0.5  # 0: plain PCA, 1: full whitening; chosen by measurement (model card)


@dataclass(frozen=True)
class Projection:
    """unit((sqrt(feature) - mean) @ matrix), the matrix rounded to half precision."""

    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]

    def __call__(self, feature: NDArray[np.floating]) -> NDArray[np.float32]:
        """Vectors of pooled features, as a store keeps them: half precision, read back."""
        stored = self.matrix.astype(np.float16).astype(np.float64)
        x = (np.sqrt(feature.astype(np.float64)) - self.mean) @ stored
        x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6)
        return x.astype(np.float16).astype(np.float32)


def fit(features: list[NDArray[np.floating]]) -> Projection:
    """Principal directions of the rooted features, scaled by their spread to -POWER/2."""
    rooted = np.sqrt(np.concatenate(features).astype(np.float64))
    mean = rooted.mean(axis=0)
    spread, directions = np.linalg.eigh(np.cov((rooted - mean).T))
    largest = np.argsort(-spread, kind="stable")[:DIMENSIONS]
    matrix = directions[:, largest] * spread[largest] ** (-POWER / 2)
    # The sign of an eigenvector is arbitrary: fix it, so that a rebuild gives the same vectors.
    signs = np.sign(matrix[np.abs(matrix).argmax(axis=0), np.arange(DIMENSIONS)])
    # Only directions count for a unit vector: scaled so that half precision holds it well.
    return Projection(mean, matrix * signs / np.abs(matrix).max())


def save(projection: Projection, path: Path) -> None:
    """Keep a projection for the other steps of the build."""
    np.savez(path, mean=projection.mean, matrix=projection.matrix)


def load(path: Path) -> Projection:
    """What `save` kept."""
    with np.load(path) as arrays:
        return Projection(arrays["mean"], arrays["matrix"])
