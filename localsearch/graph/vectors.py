"""Stored vectors as hnswlib wants them: single precision, of length one. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def units(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """The directions of vectors [n, D], float32; a vector without one stays zero."""
    singles = vectors.astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", singles, singles))[:, None]
    np.divide(singles, lengths, out=singles, where=lengths > 0)
    return singles
