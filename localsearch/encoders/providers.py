"""The execution providers that we know: one table, and what of it is installed here.

Decides nothing about a network. Invariant: a provider is what its row says; a new one is a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from localsearch.deferred import dataclass
from localsearch.encoders import wheels
from localsearch.encoders.session import built_in
from localsearch.errors import InputError

AUTO_WORD: Final = "auto"


@dataclass(frozen=True, slots=True)
class Provider:
    """One way to run a network. `batch`: the most pictures a pass (see `batches`), `of_heavy` of a
    network whose weights no cache holds; `fixed`: a pass always has as many, filled up if need be,
    for each new shape makes the provider plan, and its arenas grow.

    `tested`: this program's tests ran on it; of the others only those in AUTO are used unnamed.
    `package` is what to install for it, `libraries` what that package needs besides.
    `options` are ONNX Runtime's.
    """

    word: str
    onnx_name: str
    batch: int
    tested: bool
    package: str
    options: Mapping[str, str] = field(default_factory=dict)
    libraries: str = ""
    of_heavy: int | None = None
    fixed: bool = True


# On a CPU one picture a pass is quickest where the weights stay in its caches (27 ms a picture of
# 260 px, in eights 34 ms), and takes the least memory. Those of CLIP come from memory in each pass:
# a sync with ViT-B-32 takes .94 of the time in fours, .89 in eights, .90 in sixteens (two lanes).
PROVIDERS: tuple[Provider, ...] = (
    Provider(
        "cuda",
        "CUDAExecutionProvider",
        32,
        False,  # no machine with such a GPU was at hand: the golden check decides
        "onnxruntime-gpu",
        # Heuristic: the exhaustive search for the quickest convolution takes seconds at start.
        {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"},
        "CUDA and cuDNN of the system, or those of: pip install onnxruntime-gpu[cuda,cudnn]",
    ),
    Provider(
        "tensorrt",
        "TensorrtExecutionProvider",
        16,
        False,
        "onnxruntime-gpu",
        libraries="TensorRT, and what cuda needs",
    ),
    Provider("coreml", "CoreMLExecutionProvider", 1, False, "onnxruntime"),
    Provider("directml", "DmlExecutionProvider", 8, False, "onnxruntime-directml"),
    Provider("openvino", "OpenVINOExecutionProvider", 1, False, "onnxruntime-openvino"),
    Provider("cpu", "CPUExecutionProvider", 1, True, "onnxruntime", of_heavy=8, fixed=False),
)

# What `auto` tries, in this order. The check against the pack's golden vectors is what makes CUDA
# safe; TensorRT builds an engine for minutes, which nobody asked for, so it goes by its name only,
# as do those that no test of ours ever ran on.
AUTO: tuple[str, ...] = ("cuda", "cpu")

# What a pass takes for each picture, in numbers of its input: a small convolutional network took
# 14 MB a picture of 260 px, which is 17 times its input; the widest layer of a large transformer
# (four times 1,024 numbers for each of 257 places, and its attention) some 30 times.
_WORK: Final = 32
_SHARE: Final = 2  # a batch takes at most one part in so many of the memory
_FLOAT: Final = 4


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What is known of a provider on this machine. `note` says what is wrong or how to get it."""

    word: str
    installed: bool
    tested: bool
    note: str


def words() -> tuple[str, ...]:
    """Every word that `provider=` takes."""
    return (AUTO_WORD, *(provider.word for provider in PROVIDERS))


def check_word(word: object) -> None:
    """Raise InputError, which lists the words, for a `provider=` that is none."""
    if word not in words():
        raise InputError(f"there is no provider {word!r}", hint=f"one of {', '.join(words())}")


def provider_named(word: str) -> Provider:
    """The row of that word. Raises InputError that lists the words."""
    for provider in PROVIDERS:
        if provider.word == word:
            return provider
    check_word(word)
    raise InputError(f"{word!r} is no provider, but leaves the choice to the program")


def why_absent(provider: Provider) -> tuple[str, bool]:
    """Why ONNX Runtime does not have it (empty: it has), and whether it was meant to be there."""
    if provider.onnx_name in built_in():
        return "", False
    there = wheels.installed_wheels()
    hidden = provider.package in there and provider.package != wheels.PLAIN
    if hidden and len(there) > 1:
        return f"{wheels.clash(there)}, and its files are not on top", True
    return "it is not in the installed ONNX Runtime", hidden


def cures_of(provider: Provider) -> tuple[str, ...]:
    """The commands that bring a provider; none where no package does."""
    if provider.package == wheels.PLAIN:
        return (f"{wheels.pip()} install --force-reinstall {wheels.PLAIN}",)
    return wheels.only(provider.package)


def batches(
    provider: Provider, picture_numbers: int, memory: int | None = None, *, heavy: bool = False
) -> tuple[int, ...]:
    """How many pictures a pass takes: the most that `memory` bytes and the provider allow, then
    what to try where that fails, down to 1. Powers of two.

    `picture_numbers`: of one prepared picture, 3 x size x size. `heavy`: no cache holds the
    network's weights. Whichever works stays for good.
    """
    most = provider.of_heavy if heavy and provider.of_heavy else provider.batch
    if memory is not None:
        most = min(most, memory // (_SHARE * _WORK * _FLOAT * picture_numbers))
    largest = 1 << max(most, 1).bit_length() - 1
    return tuple(largest >> n for n in range(largest.bit_length()))


def describe_providers() -> list[ProviderReport]:
    """Every provider of the table, whether ONNX Runtime has it here, and what to do if not."""
    there = built_in()
    return [
        ProviderReport(p.word, p.onnx_name in there, p.tested, _note(p, p.onnx_name in there))
        for p in PROVIDERS
    ]


def _note(provider: Provider, installed: bool) -> str:
    if installed:
        if provider.tested:
            return ""
        used = "tried first, and dropped if wrong" if provider.word in AUTO else "used when named"
        return f"not tested by this program: {used}"
    if provider.package == wheels.PLAIN:
        return "comes with onnxruntime on macOS only"
    told = ", then ".join(cures_of(provider))
    clash = wheels.clash()
    untested = "" if provider.tested else "; not tested by this program"
    return (f"{clash}: " if clash else "") + told + untested
