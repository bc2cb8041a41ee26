"""A pack's text network alive: words to the unit vector that pictures are compared with.

Never knows a concept, a photo or a score, and never opens an image network. Invariant: no vector
leaves before tokenizer and provider gave the pack's golden ones, and none that holds what is not a
number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.encoders.choice import Choice, opened_on
from localsearch.encoders.golden import proved_like
from localsearch.encoders.providers import Provider
from localsearch.encoders.session import Session, open_session
from localsearch.encoders.text import TextEncoder
from localsearch.encoders.tokens import Tokenizer, open_tokenizer
from localsearch.errors import PackDamaged, PackError, PackProvider, QueryNoText
from localsearch.pack.find import network_file

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.pack import Pack
    from localsearch.pack.manifest import NetworkSpec
    from localsearch.pack.text import Words

_BATCH: Final = 16  # texts a pass where there are many


class TextNetwork:
    """Texts to unit vectors by a network. Any thread may call it, several at a time.

    `provider` is its word, `choice` tells why it runs there.
    """

    def __init__(
        self, session: Session, tokenizer: Tokenizer, pack: Pack, provider: Provider
    ) -> None:
        assert pack.text is not None and pack.text.network is not None and pack.words is not None
        self.provider = provider.word
        self.choice = Choice(provider.word, provider.word)
        self._session: Session | None = session
        self._tokens = tokenizer
        self._spec: NetworkSpec = pack.text.network
        self._words: Words = pack.words
        self._dimensions = pack.dimensions

    def tokens(self, text: str) -> npt.NDArray[np.int64]:
        """What the network takes of a text, int64 [context]."""
        return self._tokens(text)

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        """The unit vector of a text, float32 [D].

        Raises QueryNoText where it says nothing, PackProvider where the provider fails or gives
        what is not a number, PackError once closed.
        """
        if not self._words.knows(text) or self._words.says_nothing(text):
            raise QueryNoText(
                f'cannot look for "{text}": its words show nothing',
                hint="describe the photo: two dogs playing in the snow",
            )
        vector: npt.NDArray[np.float32] = self.vectors_of(self.tokens(text)[None])[0]
        return vector

    def encode_many(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors float32 [n, D] of any texts, also of such as `encode` refuses."""
        rows = [self.tokens(text) for text in texts]
        parts = [
            self.vectors_of(np.stack(rows[start : start + _BATCH]))
            for start in range(0, len(rows), _BATCH)
        ]
        return np.concatenate([np.zeros((0, self._dimensions), np.float32), *parts])

    def vectors_of(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Unit vectors, float32 [n, D], of rows of tokens, [n, context]; raises as `encode`."""
        session = self._session
        if session is None:
            raise PackError("the encoder was closed")
        found = session.run(self._spec.input, tokens[:, : self._needed(tokens)])[0]
        if found.shape != (len(tokens), self._dimensions):
            raise PackDamaged(
                f"{self._spec.network} gives {found.shape}, expected "
                f"({len(tokens)}, {self._dimensions})"
            )
        if not np.isfinite(found).all():
            raise PackProvider(f"{self.provider} gave what is not a number")
        return found

    def _needed(self, tokens: npt.NDArray[np.int64]) -> int:
        """Tokens of a row up to the last that counts: a short text takes a seventh of the time.

        All of them where the network wants them, or where a provider plans for each new shape.
        """
        if not self._spec.cut or self.provider != "cpu":
            return self._spec.context
        used = np.flatnonzero((tokens != self._spec.pad).any(axis=0))
        return int(used[-1]) + 1 if len(used) else self._spec.context

    def close(self) -> None:
        """Give the network's memory back once the passes under way have ended."""
        self._session = None


def open_text_encoder(
    pack: Pack, *, provider: str = "auto", threads: int = 1, packed: bool = True
) -> TextEncoder | TextNetwork:
    """What turns words into vectors in a pack; opens no network where tables do.

    `threads` work on one text; `packed` as in `open_session`. Raises ValueError without a text
    part, PackDamaged, PackMissing (the network is neither here nor installed), DependencyMissing,
    and as `open_image_encoder` where the provider cannot run it.
    """
    spec = None if pack.text is None else pack.text.network
    if pack.text is None or spec is None:
        return TextEncoder(pack)
    tokenizer = open_tokenizer(pack.folder / pack.text.tokens, spec)
    _check_tokens(pack, tokenizer)
    path = network_file(pack, spec.network)

    def open_on(choice: Provider) -> TextNetwork:
        outputs = (spec.vector,)
        session = open_session(
            path, outputs, choice.onnx_name, choice.options, max(1, threads), packed=packed
        )
        network = TextNetwork(session, tokenizer, pack, choice)
        assert pack.golden.text is not None  # a manifest without it is refused
        golden = pack.golden.text
        vectors = network.vectors_of(np.array([golden.tokens], np.int64))
        proved_like(vectors[0], golden.vector, choice.word)
        return network

    network, choice = opened_on(provider, open_on)
    network.choice = choice
    return network


def _check_tokens(pack: Pack, tokenizer: Tokenizer) -> None:
    """Raise PackDamaged unless a text is cut as it was where the pack was made."""
    golden = pack.golden.text
    if golden is not None and tokenizer(golden.text).tolist() != list(golden.tokens):
        raise PackDamaged(
            f"the tokenizer of the pack {pack.name} gives other tokens for {golden.text!r} than it "
            "should",
            hint="update localsearch and the packages ftfy, regex and sentencepiece",
        )
