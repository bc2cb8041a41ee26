"""The stored vector: a visual half and a half in the space of texts, and how both are made.

    vector = unit([sqrt(1 - share) * v ; sqrt(share) * j]),   v and j of 256 numbers, unit length

`v` projects the rooted pooled feature and the rooted class chances onto principal directions: it
sees features of photos only, no labels. `j` is the photo side of `train_joint`. The cosine of two
stored vectors is visual likeness; a text `t` asks with [0 ; t], so its cosine is sqrt(share) * j.t.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VISUAL, JOINT = 256, 256
DIMENSIONS = VISUAL + JOINT
POWER = 0.5  # 0: plain PCA, 1: full whitening; chosen by measurement (model card)
SHARE = 0.4  # of the joint part in the squared length; chosen by measurement (model card)
CHANCES = 0.5  # length of the class chances beside the feature's, which is 1
SOFTNESS = 2.0  # temperature of the class chances that the visual part sees

Floats = NDArray[np.floating]


def unit(x: Floats) -> NDArray[np.float32]:
    """Rows of length 1."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return (x / np.maximum(length, 1e-6)).astype(np.float32)


def rooted(pooled: Floats) -> NDArray[np.float32]:
    """Square roots of pooled features (not below zero), unit length."""
    return unit(np.sqrt(np.maximum(pooled.astype(np.float32), 0)))


def chances(logits: Floats, temperature: float = 1.0) -> NDArray[np.float32]:
    """Square roots of the softmax of logits: a vector of unit length."""
    x = logits.astype(np.float32) / temperature
    return unit(np.exp((x - x.max(-1, keepdims=True)) / 2))


def stored(matrix: Floats) -> NDArray[np.float32]:
    """A matrix as the network file keeps it: half precision, read back."""
    return matrix.astype(np.float16).astype(np.float32)


@dataclass(frozen=True)
class Visual:
    """v = unit(rooted @ feature + softened chances @ chance + bias)."""

    feature: NDArray[np.float32]  # [1280, 256]
    chance: NDArray[np.float32]  # [1000, 256]
    bias: NDArray[np.float32]

    def __call__(self, pooled: Floats, logits: Floats) -> NDArray[np.float32]:
        """Unit vectors of photos."""
        x = rooted(pooled) @ stored(self.feature)
        return unit(x + chances(logits, SOFTNESS) @ stored(self.chance) + self.bias)


@dataclass(frozen=True)
class Joint:
    """j = unit(gelu(rooted @ first + bias) @ second + chances @ names + offset)."""

    first: NDArray[np.float32]  # [1280, hidden]
    bias: NDArray[np.float32]
    second: NDArray[np.float32]  # [hidden, 256]
    names: NDArray[np.float32]  # [1000, 256]
    offset: NDArray[np.float32]

    def __call__(self, pooled: Floats, logits: Floats) -> NDArray[np.float32]:
        """Unit vectors of photos."""
        return self.of(rooted(pooled), chances(logits))

    def of(self, roots: Floats, likely: Floats) -> NDArray[np.float32]:
        """Unit vectors from rooted features and rooted chances."""
        hidden = gelu(roots @ stored(self.first) + self.bias)
        return unit(hidden @ stored(self.second) + likely @ stored(self.names) + self.offset)


def gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The approximation by tanh, as text and photo side use it."""
    inner = np.float32(0.7978845608) * (x + np.float32(0.044715) * x**3)
    return (x * (1 + np.tanh(inner)) / 2).astype(np.float32)


@dataclass(frozen=True)
class Projection:
    """Stored vectors of photos."""

    visual: Visual
    joint: Joint
    share: float = SHARE

    def __call__(self, pooled: Floats, logits: Floats) -> NDArray[np.float32]:
        """Half-precision unit vectors, read back."""
        v = self.visual(pooled, logits) * np.sqrt(1 - self.share)
        j = self.joint(pooled, logits) * np.sqrt(self.share)
        return np.concatenate([v, j], 1).astype(np.float16).astype(np.float32)

    def query(self, text: Floats) -> NDArray[np.float32]:
        """A text's unit vector as one of the stored kind."""
        return np.concatenate([np.zeros((len(text), VISUAL)), text], 1).astype(np.float32)


def fit_visual(pooled: Floats, logits: Floats) -> Visual:
    """Principal directions of features beside chances, scaled by their spread to -POWER/2."""
    x = np.concatenate([rooted(pooled), CHANCES * chances(logits, SOFTNESS)], 1)
    mean = x.mean(axis=0, dtype=np.float64)
    spread, directions = np.linalg.eigh(covariance(x - mean.astype(np.float32)))
    largest = np.argsort(-spread, kind="stable")[:VISUAL]
    least = spread.max() * 1e-6  # where there are fewer photos than directions
    matrix = directions[:, largest] * np.maximum(spread[largest], least) ** (-POWER / 2)
    # The sign of an eigenvector is arbitrary: fix it, so that a rebuild gives the same vectors.
    signs = np.sign(matrix[np.abs(matrix).argmax(axis=0), np.arange(VISUAL)])
    # Only directions count for a unit vector: scaled so that half precision holds it well.
    matrix = matrix * signs / np.abs(matrix).max()
    width = pooled.shape[1]
    feature, chance = matrix[:width], matrix[width:] * CHANCES
    bias = -(mean[:width] @ stored(feature) + mean[width:] / CHANCES @ stored(chance))
    return Visual(*(part.astype(np.float32) for part in (feature, chance, bias)))


def covariance(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of rows around zero."""
    return (x.T @ x).astype(np.float64) / len(x)


def save(projection: Projection, path: Path) -> None:
    """Keep a projection for the other steps of the build."""
    visual = {f"visual.{name}": value for name, value in vars(projection.visual).items()}
    joint = {f"joint.{name}": value for name, value in vars(projection.joint).items()}
    np.savez(path, share=projection.share, **visual, **joint)


def load(path: Path) -> Projection:
    """What `save` kept."""
    with np.load(path) as arrays:
        parts: dict[str, dict[str, NDArray[np.float32]]] = {"visual": {}, "joint": {}}
        for name in arrays.files:
            part, _, field = name.partition(".")
            if field:
                parts[part][field] = arrays[name]
        return Projection(
            Visual(**parts["visual"]), Joint(**parts["joint"]), float(arrays["share"])
        )
