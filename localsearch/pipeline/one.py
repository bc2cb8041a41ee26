"""The features of one picture, on the caller's thread: for queries by likeness, predict and add.

Never reads a file and starts no thread. Invariant: gives to the last bit what `features_of` gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from localsearch.encoders.image import ImageEncoder
from localsearch.errors import PictureError
from localsearch.pack.manifest import ImageSpec
from localsearch.pipeline.job import Outcome
from localsearch.pipeline.look import Region, look_at, part_of, refusal_of
from localsearch.sources.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    import numpy.typing as npt


def features_of_one(
    data: bytes,
    encoder: ImageEncoder,
    image: ImageSpec,
    limits: Limits = DEFAULT_LIMITS,
    *,
    thumbnail_side: int = 0,
    key: object = None,
) -> Outcome:
    """Decode and infer `data`. A picture that cannot be used has a `refusal`.

    Raises PackError where the encoder fails.
    """
    outcome = Outcome(key, blake3(data).digest(), len(data))
    try:
        look = look_at(data, image, limits, thumbnail_side)
    except PictureError as fault:
        return replace(outcome, refusal=refusal_of(fault))
    vectors, logits = encoder.encode([look.prepared])
    return replace(
        outcome,
        facts=look.facts,
        vector=vectors[0],
        logits=logits[0],
        thumbnail=look.thumbnail,
        fingerprint=look.fingerprint,
    )


def vector_of_part(
    data: bytes,
    region: Region,
    encoder: ImageEncoder,
    image: ImageSpec,
    limits: Limits = DEFAULT_LIMITS,
) -> npt.NDArray[np.float16]:
    """The unit vector, float16 [D], of a part of a picture; see `look.part_of`.

    Raises PictureError, InputError for a part of hardly any pixels, PackError.
    """
    vectors, _ = encoder.encode([part_of(data, image, limits, region)])
    vector: npt.NDArray[np.float16] = vectors[0]
    return vector
