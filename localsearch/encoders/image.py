"""The image network of a pack, alive on a provider that proved itself.

Never decodes, never stores. Invariant: no vector leaves before the provider gave the pack's golden
vector, and none that holds what is not a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from localsearch.encoders.prepare import Pixels, batch_of, golden_picture
from localsearch.encoders.providers import AUTO, Provider, provider_named
from localsearch.encoders.session import Session, built_in, open_session
from localsearch.errors import PackError, PackProvider
from localsearch.log import logger
from localsearch.pack.load import Pack
from localsearch.pack.manifest import ImageSpec

if TYPE_CHECKING:
    import numpy.typing as npt

_log = logger()

_ALIKE = 0.999  # the least cosine with the golden vector: half precision gives 0.9999
_HALF_MAX = 65504.0  # the largest half float

Halves: TypeAlias = "npt.NDArray[np.float16]"


class ImageEncoder:
    """Prepared pictures to vectors and logits. Any thread may call it, several at a time.

    `provider` is its word, `notes` tell why it runs there, `batch` how many pictures a pass takes.
    """

    def __init__(
        self,
        session: Session,
        image: ImageSpec,
        provider: Provider,
        *,
        threads: int,
        batch: int,
        many_lanes: bool,
    ) -> None:
        self.provider = provider.word
        self.batch = batch
        self.notes: tuple[str, ...] = ()
        self._session: Session | None = session
        self._image = image
        self._threads = threads
        self._many_lanes = many_lanes

    def lanes(self, cores: int) -> int:
        """How many threads should call `encode` at once, on so many cores."""
        return max(1, cores // self._threads) if self._many_lanes else 1

    def encode(self, prepared: Sequence[Pixels]) -> tuple[Halves, Halves]:
        """Unit vectors float16 [n, D] and raw logits float16 [n, K] of `prepare`d pictures.

        A row is the same whatever the others are. Raises PackProvider where the provider fails or
        gives what is not a number, PackError once closed.
        """
        session = self._session
        if session is None:
            raise PackError("the encoder was closed")
        vectors = np.empty((len(prepared), self._image.dimensions), dtype=np.float16)
        logits = np.empty((len(prepared), self._image.classes), dtype=np.float16)
        for start in range(0, len(prepared), self.batch):
            rows = slice(start, start + self.batch)
            vectors[rows], logits[rows] = self._pass(session, prepared[rows])
        return vectors, logits

    def _pass(
        self, session: Session, prepared: Sequence[Pixels]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        # Filled up to the fixed shape: each new shape makes providers plan, and their arenas grow.
        full = [*prepared, *[prepared[-1]] * (self.batch - len(prepared))]
        vectors, logits = session.run({self._image.input: batch_of(full, self._image)})
        vectors, logits = vectors[: len(prepared)], logits[: len(prepared)]
        if not (np.isfinite(vectors).all() and np.isfinite(logits).all()):
            raise PackProvider(f"{self.provider} gave what is not a number")
        return vectors, np.clip(logits, -_HALF_MAX, _HALF_MAX)

    def close(self) -> None:
        """Give the network's memory back once the passes under way have ended."""
        self._session = None


def open_image_encoder(
    pack: Pack, *, provider: str = "auto", threads: int = 1, low_memory: bool = False
) -> ImageEncoder:
    """The pack's image network on `provider`: a word of PROVIDERS, or "auto".

    `threads` work on one picture; with 1, call from as many threads as there are cores. With
    `low_memory` one picture and one lane at a time. Raises PackProvider when a named provider
    cannot run (auto: not even the CPU), InputError for a word that is none.
    """
    if provider != "auto":
        return _proved(pack, provider_named(provider), threads, low_memory)
    installed = built_in()
    candidates = [provider_named(word) for word in AUTO]
    notes: list[str] = []
    for candidate in candidates[:-1]:
        if candidate.onnx_name not in installed:
            continue
        try:
            encoder = _proved(pack, candidate, threads, low_memory)
        except PackProvider as fault:
            note = f"{candidate.word} cannot be used, {candidates[-1].word} is: {fault.message}"
            _log.warning("%s", note)
            notes.append(note)
        else:
            return encoder
    encoder = _proved(pack, candidates[-1], threads, low_memory)
    encoder.notes = tuple(notes)
    return encoder


def _proved(pack: Pack, provider: Provider, threads: int, low_memory: bool) -> ImageEncoder:
    if provider.onnx_name not in built_in():
        raise PackProvider(
            f"provider {provider.word} is not in the installed ONNX Runtime",
            hint=f"pip install {provider.package}",
        )
    image = pack.image
    session = open_session(
        pack.network_path,
        (image.vector, image.logits),
        provider.onnx_name,
        provider.options,
        max(1, threads),
    )
    encoder = ImageEncoder(
        session,
        image,
        provider,
        threads=max(1, threads),
        batch=1 if low_memory else provider.batch,
        many_lanes=provider.word == "cpu" and not low_memory,
    )
    _check_golden(encoder, pack)
    return encoder


def _check_golden(encoder: ImageEncoder, pack: Pack) -> None:
    """Raise PackProvider unless the provider computes what the pack's builder computed."""
    golden = pack.golden
    vectors, logits = encoder.encode([golden_picture(golden.seed, pack.image.size)])
    vector = vectors[0].astype(np.float64)
    found, expected = vector[: len(golden.vector)], np.asarray(golden.vector, dtype=np.float64)
    norms = float(np.linalg.norm(found) * np.linalg.norm(expected))
    cosine = float(found @ expected) / norms if norms > 0 else 0.0
    # Half precision may swap near equals, so the best class need only be among the first.
    best = int(np.argmax(logits[0]))
    if cosine < _ALIKE or abs(np.linalg.norm(vector) - 1.0) > 0.01 or best not in golden.top:
        raise PackProvider(
            f"{encoder.provider} computes wrong vectors: cosine {cosine:.4f} with the golden one "
            f"(at least {_ALIKE}), class {best} (expected {golden.top[0]})"
        )
