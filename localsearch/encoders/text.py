"""A pack's text part alive: words to the unit vector that pictures are compared with.

A text is the sum of the rows of its tokens, scaled to one length, then two layers beside a direct
one, then length 1. numpy alone: no session, no network; a vector takes a millisecond. Never knows
a concept, a photo or a score. Invariant: the vector of a text does not depend on what was asked
before, nor on the threads of the machine: sums run in a fixed order, not through a matrix product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.errors import QueryNoText
from localsearch.pack.text import words_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.encoders.choice import Choice
    from localsearch.pack import Pack

    Doubles: TypeAlias = npt.NDArray[np.float64]

_ROOT: Final = 0.7978845608028654  # of 2 / pi, in the usual form of gelu


class TextEncoder:
    """Texts to unit vectors by tables. Any thread may call it.

    `choice` of a provider is None: no network runs.
    """

    choice: Choice | None = None

    def __init__(self, pack: Pack) -> None:
        """Reads the pack's text part. Raises PackDamaged; ValueError where it has no tables."""
        self._arrays, self._words = pack.text_arrays, pack.known_words
        self._name, self._dimensions = pack.name, pack.dimensions

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        """The unit vector of a text, float32 [D]: zeros, and at its end what the words say.

        Raises QueryNoText where no word of it is known, or where those that are show nothing.
        """
        words = [word for word in words_of(text) if self._words.knows(word)]
        if not words or self._words.says_nothing(" ".join(words)):
            raise self._meaningless(text)
        summed = self._summed(list(self._words.read(text).rows))
        found = _unit(self._head(_unit(summed) * self._arrays.gain))
        if not found.any():
            raise self._meaningless(text)
        vector = np.zeros(self._dimensions, np.float32)
        vector[self._dimensions - len(found) :] = found
        return vector

    def close(self) -> None:
        """Nothing: tables belong to the pack."""

    def _summed(self, rows: list[int]) -> Doubles:
        scaled = self._arrays.codes[rows] * self._arrays.scales[rows].astype(np.float64)[:, None]
        found: Doubles = np.add.reduce(scaled, axis=0)
        return found

    def _head(self, values: Doubles) -> Doubles:
        layers = self._arrays.layers
        if layers is None:
            return values
        inner = _gelu(_times(layers.first, values) + layers.first_bias)
        outer = _times(layers.second, inner) + layers.second_bias
        return _times(layers.direct, values) + layers.direct_bias + outer

    def _meaningless(self, text: str) -> QueryNoText:
        if self._words.says_nothing(text):
            told = "its words show nothing"
        else:
            told = f"the pack {self._name} knows no word of it that shows something"
        return QueryNoText(
            f'cannot look for "{text}": {told}',
            hint="describe the photo in English: two dogs playing in the snow",
        )


def _times(weights: Doubles, values: Doubles) -> Doubles:
    found: Doubles = np.add.reduce(weights * values, axis=1)
    return found


def _gelu(values: Doubles) -> Doubles:
    inner = _ROOT * (values + 0.044715 * values * values * values)
    found: Doubles = 0.5 * values * (1.0 + np.tanh(inner))
    return found


def _unit(values: Doubles) -> Doubles:
    length = float(np.sqrt(np.add.reduce(values * values)))
    return values / length if length > 0 else np.zeros_like(values)
