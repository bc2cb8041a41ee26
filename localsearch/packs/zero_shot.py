"""Concepts without a classifier: the vector of a concept is the mean of those of its prompts.

Runs the text network of a pack; never an image network. Invariant: the vectors that a pack holds
are those of the texts in `vocabulary.PROMPTS`, by the text network beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from localsearch.encoders.text_network import TextNetwork, open_text_encoder
from localsearch.errors import PackError
from localsearch.machine import usable_cores
from localsearch.pack.load import Pack
from localsearch.packs.vocabulary import PROMPTS

if TYPE_CHECKING:
    import numpy.typing as npt

Tell: TypeAlias = Callable[[str], None]

_AT_ONCE = 64  # concepts, until the next word about how far it is


def open_text_network(pack: Pack) -> TextNetwork:
    """The text network of a pack, on all cores. Raises PackError where it has none."""
    encoder = open_text_encoder(pack, threads=usable_cores())
    if not isinstance(encoder, TextNetwork):
        raise PackError(
            f"the texts of the pack {pack.name} are no network's",
            hint="packs of `localsearch packs export` have one",
        )
    return encoder


def concept_vectors(
    network: TextNetwork, names: Sequence[str], tell: Tell
) -> npt.NDArray[np.float32]:
    """A row of `probes.npy` for each name: its unit vector, and no bias: float32 [c, D + 1]."""
    parts = list["npt.NDArray[np.float32]"]()
    for start in range(0, len(names), _AT_ONCE):
        tell(f"concepts in words: {start:,} of {len(names):,}")
        some = names[start : start + _AT_ONCE]
        texts = [prompt.format(name) for name in some for prompt in PROMPTS]
        vectors = network.encode_many(texts).astype(np.float64)
        means = vectors.reshape(len(some), len(PROMPTS), -1).mean(axis=1)
        rows = np.zeros((len(some), means.shape[1] + 1), np.float32)
        rows[:, :-1] = means / np.linalg.norm(means, axis=1, keepdims=True)
        parts.append(rows)
    return np.concatenate(parts)
