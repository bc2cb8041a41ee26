"""Does a network give what the model gave? Same inputs through torch and through ONNX.

Never writes. Invariant: a network that differs by more than its precision may is refused, in words
that tell by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.encoders.session import open_session
from localsearch.errors import PackError
from localsearch.machine import usable_cores
from localsearch.packs.export.towers import OUTPUT

if TYPE_CHECKING:
    import numpy.typing as npt

LEAST: Final = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.95}
"""The least cosine between what torch gives and what ONNX gives, of each precision."""

DOUBTFUL: Final = 0.99
"""Below this an int8 network is told to be doubtful."""


class Parity(NamedTuple):
    """How one tower compares: the least and the mean cosine over so many `inputs`.

    `apart`: by how much a number of a batch differs from that of a single row, at most.
    """

    tower: str
    least: float
    mean: float
    inputs: int
    apart: float


def compare(
    tower: str,
    path: Path,
    name: str,
    inputs: npt.NDArray[Any],
    singles: Sequence[npt.NDArray[Any]],
    expected: npt.NDArray[np.float32],
) -> tuple[Parity, npt.NDArray[np.float32]]:
    """Run a network over all rows at once, and over the same rows one at a time (texts cut where
    they may be): both must give what torch gave. Gives the vectors of single rows too."""
    session = open_session(path, (OUTPUT,), "CPUExecutionProvider", {}, usable_cores())
    together = session.run(name, inputs)[0]
    singly = np.concatenate([session.run(name, one[None])[0] for one in singles])
    cosines = np.minimum(_cosines(together, expected), _cosines(singly, expected))
    apart = float(np.abs(together - singly).max())
    return Parity(tower, float(cosines.min()), float(cosines.mean()), len(inputs), apart), singly


def refuse(found: Parity, precision: str) -> None:
    """Raise PackError where a tower is further off than its precision may be."""
    if not found.least >= LEAST[precision]:  # also where it is not a number
        raise PackError(
            f"the {found.tower} tower in {precision} is not what torch computes: the least cosine "
            f"of {found.inputs} is {found.least:.6f}, at least {LEAST[precision]} is asked for",
            hint="--precision fp32 or fp16" if precision == "int8" else "no pack was written",
        )


def _cosines(
    found: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    one, other = found.astype(np.float64), expected.astype(np.float64)
    if one.shape != other.shape:
        raise PackError(f"the network gives {one.shape}, torch {other.shape}")
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    products: npt.NDArray[np.float64] = np.sum(one * other, axis=1) / lengths
    return products
