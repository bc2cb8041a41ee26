"""The builds of ONNX Runtime that pip knows here: one package each, all in one folder on the disk.

Installs nothing and loads nothing. Invariant: what is told of a clash are the two exact commands
that end it. Packages cannot express that one of them is enough: a dependency names one package, so
whoever installs another build beside ours gets both, and whichever came last lies on top.
"""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Final

PLAIN: Final = "onnxruntime"
"""The build that this program depends on; it runs on the CPU, on macOS by Core ML too."""

WHEELS: Final = (
    PLAIN,
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
)
"""All builds that a provider of our table comes with, the plain one first."""


def installed_wheels() -> tuple[str, ...]:
    """Those of WHEELS that pip takes for installed, whichever of them really lies there."""
    return tuple(name for name in WHEELS if version_of(name) is not None)


def version_of(package: str) -> str | None:
    """The version of an installed package; None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def clash(there: tuple[str, ...] | None = None) -> str:
    """What is wrong where several builds are installed; empty where there is one."""
    found = installed_wheels() if there is None else there
    if len(found) < 2:
        return ""
    return f"{' and '.join(found)} are installed over each other"


def only(package: str, there: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The commands after which `package` is the one build that is installed, to be run in order.

    Two where others are in its way: all of them go first, `package` too, because taking one out
    of the common folder takes files of the others along.
    """
    found = installed_wheels() if there is None else there
    if found == (package,):  # and yet something of it is absent
        return (f"{pip()} install --force-reinstall {package}",)
    uninstall = (f"{pip()} uninstall -y {' '.join(found)}",) if found else ()
    return (*uninstall, f"{pip()} install {package}")


def wanted_of(there: tuple[str, ...]) -> str:
    """Of several builds the one that somebody must have asked for: the plain one comes unasked."""
    special = [name for name in there if name != PLAIN]
    return special[-1] if special else PLAIN


def pip() -> str:
    """How pip is called for the Python that runs."""
    return f'"{sys.executable}" -m pip'
