"""What goes into the pipeline and what comes out: two frozen records, without behaviour.

Invariant: an Outcome carries the key of its Job; nothing is ever matched by position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsearch.deferred import dataclass
from localsearch.records import Facts, Refusal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Job:
    """One photo to do: a file (`path`, as text or as the bytes of `os.fsencode`) or `data`.

    `key` is the caller's and comes back. `size` is the file's as it was planned, in bytes: a file
    that has another when it is read has changed since and is refused.
    """

    key: object
    path: str | bytes | None = None
    data: bytes | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a Job: features, or a `refusal`, or `known` (its features are there already).

    `digest` is the BLAKE3 of the bytes (32 bytes), None where they could not be read. `size` and
    `mtime_ns` are those of the file at the moment of reading, None without a file or when it was
    unreadable. `vector` is float16 [D], `logits` float16 [K], `thumbnail` a JPEG.
    """

    key: object
    digest: bytes | None = None
    size: int | None = None
    mtime_ns: int | None = None
    facts: Facts | None = None
    vector: npt.NDArray[np.float16] | None = None
    logits: npt.NDArray[np.float16] | None = None
    thumbnail: bytes | None = None
    fingerprint: int | None = None
    refusal: Refusal | None = None
    known: bool = False
