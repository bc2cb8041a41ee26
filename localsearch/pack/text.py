"""The text part of a pack, read: the words that it knows, and the arrays that give them meaning.

Files and look-ups; the arithmetic is that of `encoders.text`. Never knows a concept or a photo.
Invariant: a token's line in the list is its row in the table.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.errors import PackDamaged
from localsearch.pack.arrays import array_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.pack.specs import TableSpec

    Doubles: TypeAlias = npt.NDArray[np.float64]

# Letters and digits, with apostrophes between them; an underscore parts words as a blank does.
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_OWNERS: Final = re.compile(r"['\u2019]s\b")
_APOSTROPHES: Final = str.maketrans("", "", "'\u2019")
_ENDINGS: Final = ("s", "es", "d", "ed", "ing")
_PICTOGRAPH: Final = "So"  # Unicode's category of emoji and their like
_GOES_ON: Final = "##"  # how a piece begins that is no beginning of a word; frozen
# Letters of a word that are looked at: nothing longer is a word.
_LONGEST: Final = 40
# Longer texts are cut here: a description of a photo has some twenty words.
_MOST_WORDS: Final = 256


def words_of(text: str) -> list[str]:
    """The words of a text as the list has them: case folded, without accents, signs and 's."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).casefold())
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    return [word.translate(_APOSTROPHES) for word in _WORD.findall(_OWNERS.sub("", plain))]


def _shows_picture(text: str) -> bool:
    """Whether a text holds a pictograph: an emoji, a flag, a heart."""
    return any(unicodedata.category(sign) == _PICTOGRAPH for sign in text)


class Reading(NamedTuple):
    """What was read of a text: the rows of its tokens, and the words that are known neither whole
    nor in pieces, each once; both in the order of the text.
    """

    rows: tuple[int, ...]
    unknown: tuple[str, ...]


class Words(Protocol):
    """What is asked of the words of a pack, whatever makes vectors of them."""

    def knows(self, text: str) -> bool:
        """Whether each word of a text is one that the pack can picture."""

    def says_nothing(self, text: str) -> bool:
        """Whether a text holds no word but such as "the" and "of", which show nothing alone."""

    def read(self, text: str) -> Reading:
        """The rows of a text's tokens where there is a table of them, and its unknown words."""


class AnyWords:
    """The words of a text network: it was shown letters, digits and emoji of all kinds."""

    def __init__(self, stop_words: frozenset[str]) -> None:
        self._stop_words = stop_words

    def knows(self, text: str) -> bool:
        """Whether there is a letter, a digit or a pictograph in it."""
        return any(map(str.isalnum, text)) or _shows_picture(text)

    def says_nothing(self, text: str) -> bool:
        """Whether it holds no word but stop words, and no pictograph."""
        words = words_of(text)
        return all(word in self._stop_words for word in words) and not _shows_picture(text)

    def read(self, text: str) -> Reading:
        """No rows, as there is no table, and no word that is unknown."""
        return Reading((), ())


class KnownWords:
    """The tokens of a pack, words and pieces of words; their file is read when one is looked up."""

    def __init__(self, path: Path, stop_words: frozenset[str]) -> None:
        self._path, self._stop_words = path, stop_words

    def __len__(self) -> int:
        return len(self._rows)

    def knows(self, text: str) -> bool:
        """Whether a text is one word or more, each of which is in the list, or is one of it with
        a usual ending: other pieces may spell any slip of the pen.
        """
        found = words_of(text)
        return bool(found) and all(self._is_word(word) for word in found)

    def says_nothing(self, text: str) -> bool:
        """Whether a text holds no word but such as "the" and "of", which show nothing alone."""
        return all(word in self._stop_words for word in words_of(text))

    def read(self, text: str) -> Reading:
        """The tokens of a text, and which of its words are unknown."""
        rows, unknown = list[int](), dict[str, None]()
        for word in words_of(text)[:_MOST_WORDS]:
            found = self.rows_of(word)
            rows += found
            if not found:
                unknown[word] = None
        return Reading(tuple(rows), tuple(unknown))

    def rows_of(self, word: str) -> list[int]:
        """The rows of a word as `words_of` gives it: its own, else those of its pieces.

        Pieces are the longest beginning that is known, then the longest continuations; of a word
        with a stretch that is in none there is no row.
        """
        if word in self._rows:
            return [self._rows[word]]
        found, start, word = list[int](), 0, word[:_LONGEST]
        while start < len(word):
            front = _GOES_ON if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if front + word[start:end] in self._rows), None)
            if end is None:
                return []
            found.append(self._rows[front + word[start:end]])
            start = end
        return found

    def _is_word(self, word: str) -> bool:
        stems = (word.removesuffix(end) for end in _ENDINGS if word.endswith(end))
        return word in self._rows or any(len(one) > 2 and one in self._rows for one in stems)

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Token -> row. Raises PackDamaged."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise PackDamaged(f"{self._path} cannot be read: {fault}") from fault
        tokens = text.removesuffix("\n").split("\n")
        found = dict(zip(tokens, range(len(tokens)), strict=True))
        if len(found) < len(tokens) or "" in found:
            raise PackDamaged(f"{self._path} holds a line twice, or an empty one")
        return found


class Layers(NamedTuple):
    """x -> direct(x) + second(gelu(first(x))): float64 weights [out, in], and a bias of each."""

    direct: Doubles
    direct_bias: Doubles
    first: Doubles
    first_bias: Doubles
    second: Doubles
    second_bias: Doubles


class TextArrays(NamedTuple):
    """Of V tokens their codes int8 [V, E] and scales float16 [V]: a row is scale * codes, with the
    weight of its token in it. The sum of rows gets the length `gain` before the `layers`, which are
    float64 and give E numbers; None: there are none.
    """

    codes: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float16]
    layers: Layers | None
    gain: float


def text_arrays(folder: Path, spec: TableSpec, tokens: int, dimensions: int) -> TextArrays:
    """The arrays of a pack with so many tokens, whose stored vectors have so many dimensions.

    Raises PackDamaged where one cannot be read or does not fit the others.
    """
    codes = array_of(folder / spec.table, (np.int8,), (tokens, None))
    scales = array_of(folder / spec.scales, (np.float16,), (tokens,))
    width = codes.shape[1]
    if not 0 < width <= dimensions:
        raise PackDamaged(f"{folder}: a text becomes {width} numbers, a picture {dimensions}")
    layers = None if spec.head is None else _layers(folder / spec.head, width)
    return TextArrays(codes, scales, layers, spec.gain)


def _layers(path: Path, width: int) -> Layers:
    """The layers of a head, which lie one behind the other; the file's length tells how wide."""
    flat = array_of(path, (np.float16, np.float32), (None,)).astype(np.float64)
    hidden, left = divmod(len(flat) - width * width - 2 * width, 2 * width + 1)
    if hidden < 1 or left:
        raise PackDamaged(f"{path} holds {len(flat)} numbers, which fit no layers of {width}")
    shapes = ((width, width), (width,), (hidden, width), (hidden,), (width, hidden), (width,))
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    return Layers(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))
