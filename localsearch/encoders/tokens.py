"""Texts to the tokens that a text network takes, as open_clip makes them.

Knows text and numbers; never a network, a photo or a score. Invariant: the tokens of a text are
those of open_clip's tokenizer of that model, to the last one, and always `context` many.

CLIP's is a byte pair encoding (`_Clip`, its merges lie in the pack), SigLIP's a SentencePiece model
(the package `sentencepiece`, extra `siglip`; the model lies in the pack).
"""

from __future__ import annotations

import heapq
import html
import re
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.errors import DependencyMissing, PackDamaged
from localsearch.pack.manifest import NetworkSpec

if TYPE_CHECKING:
    import numpy.typing as npt

    Tokens: TypeAlias = npt.NDArray[np.int64]

Tokenizer: TypeAlias = "Callable[[str], Tokens]"

_END_OF_WORD: Final = "</w>"  # how the last piece of a word ends; frozen
_SPECIAL: Final = ("<start_of_text>", "<end_of_text>")
_CUT: Final = (
    "|".join(_SPECIAL) + r"|'s|'t|'re|'ve|'m|'ll|'d|[{letter}]+|[{digit}]|[^\s{letter}{digit}]+"
)
_MERGES: Final = re.compile(r"[^ \n]+ [^ \n]+(?:\n[^ \n]+ [^ \n]+)*")
_KEPT: Final = 10_000  # words whose pieces are remembered
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def open_tokenizer(path: Path, spec: NetworkSpec) -> Tokenizer:
    """What turns a text into int64 [context], with the file of merges or pieces in `path`.

    Raises PackDamaged, DependencyMissing (SentencePiece without its package).
    """
    read = _clip if spec.tokenizer == "clip" else _sentence_pieces
    pieces, begin, end = read(path, spec)
    clean = CLEANING[spec.clean]
    before = [] if begin is None else [begin]
    after = [] if end is None else [end]
    room = spec.context - len(before) - len(after)

    def tokens(text: str) -> Tokens:
        found = np.full(spec.context, spec.pad, np.int64)
        ids = [*before, *pieces(clean(text))[:room], *after]
        found[: len(ids)] = ids
        return found

    return tokens


def _mended(text: str) -> str:
    if _is_plain(text):
        return text.strip()
    import ftfy  # 50 ms, half of what a text query spends on imports: plain English needs none

    # Twice, as in the captions that the networks were trained with: "&amp;lt;" is a "<" too.
    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _is_plain(text: str) -> bool:
    """Whether nothing in a text can be mended, as in most queries: signs of a keyboard, no `&`."""
    return text.isascii() and text.isprintable() and "&" not in text


def _single_blanks(text: str) -> str:
    return " ".join(_mended(text).split())


def _lower(text: str) -> str:
    return _single_blanks(text).lower()


def _canonical(text: str) -> str:
    """Lower case without ASCII's punctuation; underscores part words."""
    plain = _mended(text).replace("_", " ").translate(_PUNCTUATION)
    return " ".join(plain.lower().split())


CLEANING: Final[Mapping[str, Callable[[str], str]]] = {
    "clip": _lower,
    "lower": _lower,
    "whitespace": _single_blanks,
    "canonicalize": _canonical,
}
"""How a text is cleaned before it is cut into tokens, by open_clip's names (`clip`: as `lower`)."""

_Pieces: TypeAlias = "tuple[Callable[[str], Sequence[int]], int | None, int | None]"


def _clip(path: Path, spec: NetworkSpec) -> _Pieces:
    clip = _Clip(_merges_of(path))
    begin, end = (clip.ids[word] for word in _SPECIAL)
    return (
        clip.encode,
        begin if spec.begin is None else spec.begin,
        end if spec.end is None else spec.end,
    )


def _merges_of(path: Path) -> list[str]:
    """The merges of a file: a line is two pieces with a blank between. Raises PackDamaged."""
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise PackDamaged(f"{path} cannot be read: {fault}") from fault
    if _MERGES.fullmatch(text) is None:
        lines = enumerate(text.split("\n"), start=1)
        wrong = next(number for number, line in lines if _MERGES.fullmatch(line) is None)
        raise PackDamaged(f"{path}, line {wrong}: expected two pieces with a blank between")
    return text.split("\n")


class _Clip:
    """CLIP's byte pair encoding. A piece is a run of signs, each of which stands for one byte."""

    def __init__(self, merges: Sequence[str]) -> None:
        """`merges` are lines: fifty thousand, so nothing is made of each that need not be."""
        self._signs = _signs_of_bytes()
        signs = list(self._signs.values())
        pieces = [*signs, *(sign + _END_OF_WORD for sign in signs)]
        pieces += "\n".join(merges).replace(" ", "").split("\n")
        # Of pieces that two merges make, the later number counts: so it does in open_clip.
        pieces += _SPECIAL
        self.ids = dict(zip(pieces, range(len(pieces)), strict=True))
        self._ranks = dict(zip(merges, range(len(merges)), strict=True))
        self._known: dict[str, list[int]] = {word: [self.ids[word]] for word in _SPECIAL}

    def encode(self, text: str) -> list[int]:
        """The numbers of the pieces of a text that was cleaned."""
        found = list[int]()
        for word in _words_of(text):
            found += self._of_word("".join(self._signs[byte] for byte in word.encode("utf-8")))
        return found

    def _of_word(self, word: str) -> list[int]:
        if word in self._known:
            return self._known[word]
        found = [self.ids[piece] for piece in self._merged(word)]
        if len(self._known) < _KEPT:
            self._known[word] = found
        return found

    def _merged(self, word: str) -> list[str]:
        """The pieces of a word: time and again all pairs of the lowest rank become one, from left.

        Pairs wait in a heap, so that a "word" of a megabyte takes seconds, not days.
        """
        pieces = [*word[:-1], word[-1] + _END_OF_WORD]
        after = [*range(1, len(pieces) + 1)]  # where the next piece begins; dead ones are empty
        before = [*range(-1, len(pieces) - 1)]
        waiting = list[tuple[int, int]]()  # rank, place of the first of the pair

        def wait(place: int) -> None:
            if place >= 0 and after[place] < len(pieces):
                rank = self._ranks.get(f"{pieces[place]} {pieces[after[place]]}")
                if rank is not None:
                    heapq.heappush(waiting, (rank, place))

        for place in range(len(pieces) - 1):
            wait(place)
        while waiting:
            rank, changed = waiting[0][0], list[int]()
            while waiting and waiting[0][0] == rank:
                place = heapq.heappop(waiting)[1]
                gone = after[place]
                # What waits may have been merged away meanwhile.
                if (
                    gone >= len(pieces)
                    or self._ranks.get(f"{pieces[place]} {pieces[gone]}") != rank
                ):
                    continue
                pieces[place] += pieces[gone]
                pieces[gone], after[place] = "", after[gone]
                if after[gone] < len(pieces):
                    before[after[gone]] = place
                changed.append(place)
            for place in changed:
                wait(place)
                wait(before[place])
        return [piece for piece in pieces if piece]


def _words_of(text: str) -> list[str]:
    """A text in words, digits one by one, and runs of other signs, as CLIP cuts it."""
    if _is_plain(text):  # the same of ASCII, without a package that takes 15 ms to load
        return re.findall(_CUT.format(letter="a-zA-Z", digit="0-9"), text, re.IGNORECASE)
    import regex

    found: list[str] = regex.findall(
        _CUT.format(letter=r"\p{L}", digit=r"\p{N}"), text, regex.IGNORECASE
    )
    return found


def _signs_of_bytes() -> dict[int, str]:
    """A sign that can be seen for each byte, printable ones first; frozen by CLIP."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    found = {byte: chr(byte) for byte in printable}
    found.update({byte: chr(256 + number) for number, byte in enumerate(others)})
    return found


def _sentence_pieces(path: Path, spec: NetworkSpec) -> _Pieces:
    try:
        import sentencepiece
    except ImportError as fault:
        raise DependencyMissing(
            "this pack's texts need the package sentencepiece",
            hint='pip install "localsearch[siglip]"',
        ) from fault
    try:
        # Bytes, not a path: the package takes no path that is not UTF-8.
        model = sentencepiece.SentencePieceProcessor()
        model.LoadFromSerializedProto(path.read_bytes())
    except (OSError, RuntimeError) as fault:
        raise PackDamaged(f"{path} cannot be read: {fault}") from fault
    return model.EncodeAsIds, spec.begin, spec.end
