"""Vectors as int8 codes with a scale, and how far a code can be from what it stands for.

Pure. Invariant, for each row: the unit vector of the stored halves differs from scale * codes by
at most `error` in length. A vector without direction (zero, or not finite) has codes, scale and
error 0, as its cosine is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.deferred import dataclass

if TYPE_CHECKING:
    import numpy.typing as npt

Codes: TypeAlias = "npt.NDArray[np.int8]"
Singles: TypeAlias = "npt.NDArray[np.float32]"

_LARGEST: Final = 127
# Rows coded at once: 512 x 512 float64 are 2 MiB a copy, so a segment needs no more at its peak.
_BLOCK: Final = 512
# What the float64 arithmetic here (norm, division, residual) may itself be wrong by, with room:
# a unit vector of D numbers is off by some sqrt(D) * 1e-16.
_ARITHMETIC: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Coded:
    """Rows in codes: int8 [n, D], scale float32 [n], error float32 [n]."""

    codes: Codes
    scales: Singles
    errors: Singles

    def __len__(self) -> int:
        return len(self.scales)

    def at(self, positions: npt.NDArray[np.intp]) -> Coded:
        """The rows at some positions, in that order; a copy."""
        return Coded(self.codes[positions], self.scales[positions], self.errors[positions])


def coded(vectors: npt.NDArray[np.floating]) -> Coded:
    """Code the directions of vectors [n, D]; any float type, any length."""
    count, dimensions = vectors.shape
    found = Coded(
        np.zeros((count, dimensions), np.int8),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
    )
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        units = _units(vectors[part])
        largest = np.abs(units).max(axis=1, initial=0.0)
        scales = (largest / _LARGEST).astype(np.float32)
        steps = scales.astype(np.float64)[:, None]
        codes = np.divide(units, steps, out=np.zeros_like(units), where=steps > 0)
        codes = np.clip(np.rint(codes), -_LARGEST, _LARGEST)
        found.codes[part] = codes
        found.scales[part] = scales
        residuals = np.sqrt(np.square(units - steps * codes).sum(axis=1))
        found.errors[part] = np.where(scales > 0, rounded_up(residuals + _ARITHMETIC), 0.0)
    return found


def rounded_up(values: npt.NDArray[np.float64]) -> Singles:
    """float32 numbers that are surely not below the float64 ones."""
    up: Singles = np.nextafter(values.astype(np.float32), np.float32(np.inf))
    return up


def joined(parts: Sequence[Coded]) -> Coded:
    """The rows of several, one after the other; at least one."""
    return Coded(
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.scales for part in parts]),
        np.concatenate([part.errors for part in parts]),
    )


def _units(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Unit vectors in float64; zeros for vectors without direction, as `scores.cosines` has it."""
    numbers = vectors.astype(np.float64)
    numbers[~np.isfinite(numbers).all(axis=1)] = 0.0
    norms = np.sqrt(np.square(numbers).sum(axis=1))[:, None]
    units: npt.NDArray[np.float64] = np.zeros_like(numbers)
    np.divide(numbers, norms, out=units, where=norms > 0)
    return units
