"""Seeded pictures of all shapes, HxWx3 uint8, full of edges; whole numbers only: the same bytes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

SHAPES: Final = (
    # width, height: squares, usual photos on either side of the networks' sizes, odd ones, strips
    *(
        (224, 224),
        (640, 480),
        (480, 640),
        (500, 375),
        (333, 500),
        (1024, 683),
        (225, 224),
        (224, 225),
    ),
    *((100, 80), (37, 61), (1, 1), (6, 190), (1000, 300), (300, 1000), (1920, 1080), (50, 600)),
    *((600, 50), (31, 992), (900, 1600)),
)
GOLDEN: Final = ((640, 480), (333, 500), (100, 80), (300, 1000), (37, 61), (50, 600))
"""Of these the golden file holds what open_clip makes of them."""


def picture(width: int, height: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Noise of two scales with hard edges: resamplers that differ anywhere differ here."""
    rng = np.random.default_rng((seed, width, height))
    fine = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    blocks = rng.integers(0, 2, (height // 9 + 1, width // 9 + 1, 3), dtype=np.uint8) * 255
    coarse = blocks.repeat(9, axis=0).repeat(9, axis=1)[:height, :width]
    return np.where(rng.integers(0, 4, (height, width, 1)) == 0, fine, coarse).astype(np.uint8)
