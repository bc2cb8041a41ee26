"""What a pack says of one picture, without a library. Stores nothing and writes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from localsearch.encoders import open_image_encoder
from localsearch.errors import PictureError
from localsearch.machine import usable_cores
from localsearch.pack import find_pack, load_pack
from localsearch.pipeline.one import features_of_one
from localsearch.records import ConceptValue
from localsearch.scores import value_of
from localsearch.sources.forms import encoded_of


def predict(
    name: str | Path, file: Path, limit: int = 20, *, provider: str = "auto"
) -> tuple[ConceptValue, ...]:
    """The `limit` most probable concepts of a picture, by the pack of that name or folder.

    Raises PictureError (it cannot be read), PackMissing, PackDamaged, PackProvider.
    """
    try:
        data = encoded_of(file).data
    except PictureError as fault:
        raise PictureError(fault.state, f"{file}: {fault.reason}", hint=fault.hint) from fault
    pack = load_pack(find_pack(name))
    encoder = open_image_encoder(pack, provider=provider, threads=usable_cores())
    try:
        outcome = features_of_one(data, encoder, pack.image)
    finally:
        encoder.close()
    if outcome.vector is None or outcome.logits is None:
        refusal = outcome.refusal
        state, reason = (refusal.state, refusal.reason) if refusal else ("undecodable", "no vector")
        raise PictureError(state, f"{file}: {reason}")
    values = pack.probabilities(outcome.vector[np.newaxis], outcome.logits[np.newaxis])[0]
    best = np.argsort(-values.astype(np.int32), kind="stable")[:limit]
    concepts = pack.vocabulary.concepts
    return tuple(
        ConceptValue(concepts[i].id, concepts[i].name, float(value_of(values[i]))) for i in best
    )
