"""The image networks of a pack, alive on a provider that proved itself.

Never decodes, never stores, never opens a text network. Invariant: no vector leaves before the
provider gave the pack's golden vector, and none that holds what is not a number.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from localsearch.encoders.choice import Choice, opened_on
from localsearch.encoders.golden import cosine_of, proved_like
from localsearch.encoders.prepare import Prepared, batch_of, golden_picture
from localsearch.encoders.providers import AUTO_WORD, Provider, batches
from localsearch.encoders.session import Session, open_session
from localsearch.errors import PackError, PackProvider
from localsearch.machine import usable_cores
from localsearch.pack.find import network_file
from localsearch.pack.load import Pack
from localsearch.pack.manifest import ImageSpec

if TYPE_CHECKING:
    import numpy.typing as npt

_HALF_MAX: Final = 65504.0  # the largest half float
# Half precision moves a distance by far less than half of it; "all alike" leaves none.
_APART: Final = 2.0
_NEAR: Final = 1e-3
_PASS_S: Final = 1.0  # seconds of a pass, about: who stops a run waits for it
_HEAVY: Final = 64 << 20  # bytes of a network whose weights no cache of a processor holds

Halves: TypeAlias = "npt.NDArray[np.float16]"


class ImageEncoder:
    """Prepared pictures to vectors and logits. Any thread may call it, several at a time.

    `provider` is its word, `choice` tells why it runs there, `batch` how many pictures a
    pass takes at most.
    """

    def __init__(
        self,
        sessions: Sequence[Session],
        image: ImageSpec,
        provider: Provider,
        *,
        threads: int,
        batch: int,
        many_lanes: bool,
    ) -> None:
        """`sessions` are those of `image.networks`, in this order."""
        self.provider = provider.word
        self.batch = batch
        self.choice = Choice(provider.word, provider.word)
        self._sessions: tuple[Session, ...] = tuple(sessions)
        self._image = image
        self._threads = threads
        self._many_lanes = many_lanes
        self._fixed = provider.fixed

    def lanes(self, cores: int) -> int:
        """How many threads should call `encode` at once, on so many cores."""
        return max(1, cores // self._threads) if self._many_lanes else 1

    def encode(self, prepared: Sequence[Prepared]) -> tuple[Halves, Halves]:
        """Unit vectors float16 [n, D] and raw logits float16 [n, K] of `prepare`d pictures.

        A row is the same whatever the others are; K is 0 where no network gives logits. Raises
        PackProvider where the provider fails or gives what is not a number, PackError once closed.
        """
        sessions = self._sessions
        if not sessions:
            raise PackError("the encoder was closed")
        vectors = np.empty((len(prepared), self._image.dimensions), dtype=np.float16)
        logits = np.empty((len(prepared), self._image.classes), dtype=np.float16)
        for start in range(0, len(prepared), self.batch):
            rows = slice(start, start + self.batch)
            for place, network in enumerate(self._image.networks):
                pixels = [each[place] for each in prepared[rows]]
                found = self._pass(sessions[place], network, pixels)
                if network.vector is not None:
                    vectors[rows] = found.pop(0)
                if network.logits is not None:
                    logits[rows] = np.clip(found.pop(0), -_HALF_MAX, _HALF_MAX)
        return vectors, logits

    def _pass(
        self, session: Session, network: ImageSpec, pixels: Sequence[npt.NDArray[np.uint8]]
    ) -> list[npt.NDArray[np.float32]]:
        missing = self.batch - len(pixels) if self._fixed else 0
        full = [*pixels, *[pixels[-1]] * missing]
        found = [
            each[: len(pixels)] for each in session.run(network.input, batch_of(full, network))
        ]
        if not all(np.isfinite(each).all() for each in found):
            raise PackProvider(f"{self.provider} gave what is not a number")
        return found

    def close(self) -> None:
        """Give the networks' memory back once the passes under way have ended."""
        self._sessions = ()


def open_image_encoder(
    pack: Pack,
    *,
    provider: str = AUTO_WORD,
    threads: int = 1,
    low_memory: bool = False,
    memory: int | None = None,
) -> ImageEncoder:
    """The pack's image networks on `provider`: a word of PROVIDERS, or "auto".

    `threads` work on one picture; with 1, call from as many threads as there are cores. With
    `low_memory` one picture and one lane at a time; else the passes of all lanes take what `memory`
    bytes allow.
    Raises PackProvider when a named provider cannot run (auto: not even the CPU), InputError for
    a word that is none, PackMissing where a network is neither here nor installed.
    """

    def open_on(choice: Provider) -> ImageEncoder:
        numbers = 3 * max(each.size for each in pack.image.networks) ** 2
        files = pack.manifest.files
        heavy = any(files[each.network].bytes > _HEAVY for each in pack.image.networks)
        many_lanes = choice.word == "cpu" and not low_memory
        share = memory
        if memory is not None and many_lanes:
            share = memory // max(1, usable_cores() // max(1, threads))
        sizes = (1,) if low_memory else batches(choice, numbers, share, heavy=heavy)
        return _proved(pack, choice, max(1, threads), sizes, many_lanes=many_lanes)

    encoder, choice = opened_on(provider, open_on)
    encoder.choice = choice
    return encoder


def _proved(
    pack: Pack, provider: Provider, threads: int, sizes: Sequence[int], *, many_lanes: bool
) -> ImageEncoder:
    """`sizes` are numbers of pictures a pass: the first that runs is taken."""
    sessions = [
        open_session(
            network_file(pack, network.network),
            [name for name in (network.vector, network.logits) if name is not None],
            provider.onnx_name,
            provider.options,
            threads,
        )
        for network in pack.image.networks
    ]
    for size in sizes:
        encoder = ImageEncoder(
            sessions,
            pack.image,
            provider,
            threads=threads,
            batch=size,
            many_lanes=many_lanes,
        )
        if size == sizes[-1] or not provider.fixed or _fits(encoder, pack):
            break
    began = time.perf_counter()
    tried = _check_golden(encoder, pack)
    if not provider.fixed:
        each = (time.perf_counter() - began) / tried
        encoder.batch = next((size for size in sizes if size * each <= _PASS_S), 1)
    return encoder


def _fits(encoder: ImageEncoder, pack: Pack) -> bool:
    """Whether a pass of the encoder's shape runs at all: of a GPU's memory nothing else tells."""
    try:
        encoder.encode(_golden_pictures(pack)[:1])
    except PackProvider:
        return False
    return True


def _golden_pictures(pack: Pack) -> list[Prepared]:
    golden, networks = pack.golden, pack.image.networks
    seeds = [golden.seed] if golden.alike is None else [golden.seed, golden.seed + 1]
    return [tuple(golden_picture(seed, each.size) for each in networks) for seed in seeds]


def _check_golden(encoder: ImageEncoder, pack: Pack) -> int:
    """Raise PackProvider unless the provider computes what the pack's builder computed.

    Gives the number of pictures that it took.
    """
    golden = pack.golden
    vectors, logits = encoder.encode(_golden_pictures(pack))
    proved_like(vectors[0], golden.vector, encoder.provider)
    # Half precision may swap near equals, so the best class need only be among the first.
    best = int(np.argmax(logits[0])) if golden.top else None
    if best is not None and best not in golden.top:
        raise PackProvider(
            f"{encoder.provider} computes wrong classes: {best} (expected {golden.top[0]})"
        )
    if golden.alike is not None:
        _check_apart(cosine_of(vectors[0], vectors[1]), golden.alike, encoder.provider)
    return len(vectors)


def _check_apart(found: float, expected: float, provider: str) -> None:
    """Two pictures are as far from each other as they should be.

    A provider that gives one vector for all would pass the first test where vectors of all pictures
    are nearly the same, as those of a text and image space are.
    """
    distance, wanted = 1.0 - found, 1.0 - expected
    if distance < wanted / _APART or distance > wanted * _APART + _NEAR:
        raise PackProvider(
            f"{provider} computes wrong vectors: two pictures have the cosine {found:.4f} "
            f"(expected {expected:.4f})"
        )
