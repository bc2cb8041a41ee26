"""One network in ONNX Runtime: the only place that imports it.

Knows no picture, no pack and no policy of fallback. Invariant: a session that exists runs on the
provider that was asked for; ONNX Runtime's silent fallback to the CPU is an error here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from localsearch.errors import PackDamaged, PackProvider

if TYPE_CHECKING:
    import numpy.typing as npt

_SILENT = 4  # ONNX Runtime writes to stderr by itself; what matters comes as an exception


class Session:
    """A loaded network. Any thread may run it, several at a time."""

    def __init__(self, session: Any, outputs: Sequence[str]) -> None:
        self._session = session
        self._outputs = list(outputs)

    def run(self, feed: Mapping[str, npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
        """The named outputs of one pass. Raises PackProvider where the provider fails."""
        try:
            found: list[npt.NDArray[np.float32]] = self._session.run(self._outputs, dict(feed))
        except MemoryError:
            raise
        except Exception as fault:
            raise PackProvider(f"the network failed: {_one_line(fault)}") from fault
        return found


def _runtime() -> Any:
    """ONNX Runtime, loaded with its reports to its maker turned off.

    Releases from 1.32 on write a device id and events into the user's cache folder and look up
    their maker's host some seconds later; the switch counts only before the library is loaded.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

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
) -> Session:
    """Load `network` on `provider` (ONNX Runtime's name) with `threads` threads of its own.

    With one thread the caller's thread does the work and no pool is made. Raises PackProvider
    when it cannot run there, PackDamaged when the file cannot be read.
    """
    onnxruntime = _runtime()
    try:
        # Bytes, not a path: a path that is not ASCII fails under some providers.
        data = network.read_bytes()
    except OSError as fault:
        raise PackDamaged(f"{network} cannot be read: {fault}") from fault
    try:
        session = onnxruntime.InferenceSession(
            data, _settings(threads), providers=[provider], provider_options=[dict(options)]
        )
    except Exception as fault:
        raise PackProvider(f"{provider} cannot run the network: {_one_line(fault)}") from fault
    running = session.get_providers()[0]
    if running != provider:
        raise PackProvider(f"{provider} was asked for, but ONNX Runtime gave {running}")
    return Session(session, outputs)


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
