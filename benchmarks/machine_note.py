"""What a run stood on: processor, memory, versions, how busy the machine was. Never a date."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from localsearch import machine

_PACKAGES = ("numpy", "onnxruntime", "pillow", "pyroaring", "blake3", "numkong")
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "asimddp")


def describe(folder: Path) -> dict[str, str]:
    """Lines for the head of a report; `folder` is where the stores of the run lie."""
    import sqlite3

    versions = [f"{name} {metadata.version(name)}" for name in _PACKAGES if _installed(name)]
    memory = machine.available_memory() / 2**30
    return {
        "processor": f"{_processor()}, {machine.usable_cores()} usable cores",
        "memory": f"{memory:.0f} GiB available",
        "system": f"{platform.system()} {platform.machine()}",
        "disk": machine.file_system_of(folder).kind,
        "versions": ", ".join(
            [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}", *versions]
        ),
    }


def load() -> str:
    """The one-minute load average, where the system has one."""
    try:
        return f"{os.getloadavg()[0]:.1f}"
    except (AttributeError, OSError):
        return "unknown"


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":")[1].strip() for line in text.split("\n") if line.startswith("model n")]
    words = set(text.split())
    flags = " ".join(flag for flag in _FLAGS if flag in words)
    return f"{names[0] if names else platform.machine()} ({flags or 'no AVX2'})"
