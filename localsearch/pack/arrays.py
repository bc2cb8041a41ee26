"""An array of a pack, read from its file and believed only if it is what it should be.

Never writes and never reads objects that run code. Invariant: what is returned has one of the types
and the shape that were asked for, and every number in it is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from localsearch.errors import PackDamaged

if TYPE_CHECKING:
    import numpy.typing as npt


def array_of(
    path: Path, types: tuple[type[np.generic], ...], shape: tuple[int | None, ...]
) -> npt.NDArray[Any]:
    """The array of a `.npy` file, of one of some types; None in a shape is any length.

    Raises PackDamaged, which names the file.
    """
    try:
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise PackDamaged(f"{path} cannot be read: {fault}") from fault
    fits = len(shape) == array.ndim and all(
        wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype not in types:
        told = " or ".join(np.dtype(each).name for each in types)
        sizes = ", ".join("n" if length is None else str(length) for length in shape)
        raise PackDamaged(f"{path}: expected {told} [{sizes}], found {array.dtype} {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise PackDamaged(f"{path} holds what is not a number")
    return array
