"""The self test of a provider: vectors compared with those that the pack's builder got.

Pure arithmetic. Invariant: what is not a number, or has another length or direction, never passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from localsearch.errors import PackProvider

if TYPE_CHECKING:
    import numpy.typing as npt

_ALIKE: Final = 0.999  # the least cosine with the golden vector: half precision gives 0.9999


def cosine_of(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The cosine between two vectors; 0 where one is nothing."""
    wide = one.astype(np.float64), other.astype(np.float64)
    lengths = float(np.linalg.norm(wide[0]) * np.linalg.norm(wide[1]))
    return float(wide[0] @ wide[1]) / lengths if lengths > 0 else 0.0


def proved_like(vector: npt.NDArray[Any], golden: Sequence[float], provider: str) -> None:
    """Raise PackProvider unless a vector is a unit one that begins as the golden one does."""
    cosine = cosine_of(vector[: len(golden)], np.asarray(golden, dtype=np.float64))
    length = float(np.linalg.norm(vector.astype(np.float64)))
    # Written so that what is not a number fails.
    if not (cosine >= _ALIKE and abs(length - 1.0) <= 0.01):
        raise PackProvider(
            f"{provider} computes wrong vectors: cosine {cosine:.4f} with the golden one (at least "
            f"{_ALIKE}), length {length:.3f}"
        )
