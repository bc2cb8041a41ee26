"""The execution providers that we know: one table, and what of it is installed here.

Decides nothing about a network. Invariant: a provider is what its row says; a new one is a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from importlib import metadata

from localsearch.deferred import dataclass
from localsearch.encoders.session import built_in
from localsearch.errors import InputError


@dataclass(frozen=True, slots=True)
class Provider:
    """One way to run a network. `batch`: pictures a pass, always that many (a fixed shape).

    `tested`: this program's tests ran on it; of the others only those in AUTO are used unnamed.
    `package` is what to install for it.
    """

    word: str
    onnx_name: str
    batch: int
    tested: bool
    package: str
    options: Mapping[str, str] = field(default_factory=dict)


# In the order in which `auto` prefers them. On a CPU one picture a pass is quickest (27 ms a
# picture of 260 px, in eights 34 ms), takes the least memory, and no picture has neighbours.
PROVIDERS: tuple[Provider, ...] = (
    Provider(
        "cuda",
        "CUDAExecutionProvider",
        16,
        False,
        "onnxruntime-gpu",
        # Heuristic: the exhaustive search for the quickest convolution takes seconds at start.
        {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"},
    ),
    Provider("coreml", "CoreMLExecutionProvider", 1, False, "onnxruntime"),
    Provider("directml", "DmlExecutionProvider", 8, False, "onnxruntime-directml"),
    Provider("openvino", "OpenVINOExecutionProvider", 1, False, "onnxruntime-openvino"),
    Provider("cpu", "CPUExecutionProvider", 1, True, "onnxruntime"),
)

# `auto` takes these, the first that passes the golden check; CUDA's check is what makes it safe.
AUTO = ("cuda", "cpu")

_WHEELS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What is known of a provider on this machine. `note` says what is wrong or how to get it."""

    word: str
    installed: bool
    tested: bool
    note: str


def provider_named(word: str) -> Provider:
    """The row of that word. Raises InputError that lists the words."""
    for provider in PROVIDERS:
        if provider.word == word:
            return provider
    words = ", ".join(["auto", *(provider.word for provider in PROVIDERS)])
    raise InputError(f"there is no provider {word!r}", hint=f"one of {words}")


def describe_providers() -> list[ProviderReport]:
    """Every provider of the table, whether ONNX Runtime has it here, and what to do if not."""
    there = built_in()
    clash = _clash()
    return [
        ProviderReport(
            p.word, p.onnx_name in there, p.tested, _note(p, p.onnx_name in there, clash)
        )
        for p in PROVIDERS
    ]


def _note(provider: Provider, installed: bool, clash: str) -> str:
    if installed:
        if provider.tested:
            return ""
        used = "tried first, and dropped if wrong" if provider.word in AUTO else "used when named"
        return f"not tested by this program: {used}"
    if provider.package == _WHEELS[0]:
        return "comes with onnxruntime on macOS only"
    return clash or f"pip uninstall onnxruntime, then pip install {provider.package}"


def _clash() -> str:
    """Several builds of ONNX Runtime write into one folder and hide each other's providers."""
    there = [name for name in _WHEELS if _is_installed(name)]
    if len(there) < 2:
        return ""
    return f"{' and '.join(there)} are both installed and hide each other: uninstall all but one"


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
