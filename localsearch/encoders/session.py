"""One network in ONNX Runtime: the only place that imports it.

Knows no picture, no pack and no policy of fallback. Invariant: a session that exists runs on the
provider that was asked for; ONNX Runtime's silent fallback to the CPU is an error here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from localsearch.encoders import wheels
from localsearch.encoders.mapped import without_weights
from localsearch.errors import PackDamaged, PackProvider

if TYPE_CHECKING:
    import numpy.typing as npt

_CPU = "CPUExecutionProvider"
_OF_CUDA = ("CUDAExecutionProvider", "TensorrtExecutionProvider")
_WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"
_NOT_PACKED = "session.disable_prepacking"
_TELL_NODES = "session.record_ep_graph_assignment_info"
# What an input may be: half precision where the pack was exported so, whole numbers for tokens.
_NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_LARGE = 64 << 20  # bytes of a network
_SILENT = 4  # ONNX Runtime writes to stderr by itself; what matters comes as an exception


class Session:
    """A loaded network. Any thread may run it, several at a time."""

    def __init__(self, session: Any, outputs: Sequence[str]) -> None:
        self._session = session
        self._outputs = list(outputs)
        self._types = {one.name: _NUMBERS.get(one.type) for one in session.get_inputs()}

    def run(self, name: str, values: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        """The named outputs of one pass over the input of that name, in the type that it has.

        Raises PackProvider where the provider fails.
        """
        try:
            feed = {name: values.astype(self._types.get(name, values.dtype), copy=False)}
            found = self._session.run(self._outputs, feed)
        except MemoryError:
            raise
        except Exception as fault:
            raise PackProvider(f"the network failed: {_one_line(fault)}") from fault
        return [np.asarray(each, dtype=np.float32) for each in found]


def _runtime() -> Any:
    """ONNX Runtime, loaded with its reports to its maker turned off.

    Releases from 1.32 on write a device id and events into the user's cache folder and look up
    their maker's host some seconds later; the switch counts only before the library is loaded.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    if not hasattr(onnxruntime, "InferenceSession"):
        # Of two builds in one folder one was uninstalled, and took files of the other along.
        there = wheels.installed_wheels()
        raise PackProvider(
            "of ONNX Runtime only parts are installed",
            hint=", then ".join(wheels.only(wheels.wanted_of(there), there)),
        )
    disable = getattr(onnxruntime, "disable_telemetry_events", None)
    if disable is not None:
        disable()
    return onnxruntime


def built_in() -> tuple[str, ...]:
    """The names of the providers that the installed ONNX Runtime was built with."""
    return tuple(_runtime().get_available_providers())


def open_session(
    network: Path,
    outputs: Sequence[str],
    provider: str,
    options: Mapping[str, str],
    threads: int,
    *,
    packed: bool = True,
) -> Session:
    """Load `network` on `provider` (ONNX Runtime's name) with `threads` threads of its own.

    `packed`: weights are laid out at once as products want them. That takes most of the loading:
    a text network of 254 MB is there in 33 ms instead of 110 to 190, and a text takes 17 ms
    instead of 8. The last bits of what comes out may be others.

    With one thread the caller's thread does the work and no pool is made. Raises PackProvider
    when it cannot run there, PackDamaged when the file cannot be read.
    """
    onnxruntime = _runtime()
    _load_libraries(onnxruntime, provider)
    settings = _settings(threads)
    if not packed:
        settings.add_session_config_entry(_NOT_PACKED, "1")
    if provider != _CPU:
        settings.add_session_config_entry(_TELL_NODES, "1")
    source = _source(network, provider, settings)
    try:
        session = onnxruntime.InferenceSession(
            source, settings, providers=[provider], provider_options=[dict(options)]
        )
    except Exception as fault:
        raise PackProvider(f"{provider} cannot run the network: {_one_line(fault)}") from fault
    running = session.get_providers()[0]
    if running != provider:
        raise PackProvider(f"{provider} was asked for, but ONNX Runtime gave {running}")
    _check_busy(session, provider)
    return Session(session, outputs)


def _source(network: Path, provider: str, settings: Any) -> str | bytes:
    """What ONNX Runtime is given of a file: its bytes; of a large one its path, or on the CPU only
    where its weights lie, so that they are mapped.

    Bytes stay in memory beside what is made of them: 770 MB at most for a text network of 254 MB,
    390 MB by its path, 200 MB with mapped weights. Some providers fail at a path that is not ASCII.
    """
    try:
        large = network.stat().st_size > _LARGE
        if not large or not (provider == _CPU or str(network).isascii()):
            return network.read_bytes()
        # On Windows a mapped file cannot be removed, nor another put in its place.
        mapped = without_weights(network) if provider == _CPU and os.name != "nt" else None
    except OSError as fault:
        raise PackDamaged(f"{network} cannot be read: {fault}") from fault
    if mapped is None:
        return str(network)
    settings.add_session_config_entry(_WEIGHTS_FOLDER, str(network.parent.resolve()))
    return mapped


def _load_libraries(onnxruntime: Any, provider: str) -> None:
    """Those of CUDA where pip has installed them, which the system's loader does not find."""
    preload = getattr(onnxruntime, "preload_dlls", None)
    if preload is None or provider not in _OF_CUDA:
        return
    # It prints what it cannot find; whether the provider runs is seen when the session is made.
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        preload()


def _check_busy(session: Any, provider: str) -> None:
    """Raise PackProvider if every node was left to the CPU although `provider` heads the list of
    the session.

    ONNX Runtime says so by no error, only in this record (of releases from 1.24 on). CUDA that is
    loaded takes its part, so it is believed without.
    """
    if provider == _CPU:
        return
    told = getattr(session, "get_provider_graph_assignment_info", None)
    if told is not None and not any(each.ep_name == provider for each in told()):
        raise PackProvider(f"{provider} takes no part of this network: the CPU would run it all")
    if told is None and provider not in _OF_CUDA:
        raise PackProvider(
            f"this ONNX Runtime does not tell whether {provider} takes any part of a network",
            hint="update it: releases from 1.24 on do",
        )


def _settings(threads: int) -> Any:
    onnxruntime = _runtime()
    settings = onnxruntime.SessionOptions()
    # Explicit, or ONNX Runtime takes every core it sees, quota or not, and pins its threads.
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Waiting threads that spin take the cores that decode the next pictures.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Shapes are fixed here, so the arena does not grow: 151 MB resident against 233 MB and a
    # sixth more time without it (two lanes, 260 px). The memory pattern adds 10 MB for nothing,
    # and DirectML forbids it.
    settings.enable_cpu_mem_arena = True
    settings.enable_mem_pattern = False
    settings.log_severity_level = _SILENT
    return settings


def _one_line(fault: Exception) -> str:
    return " ".join(str(fault).split())[:300] or type(fault).__name__
