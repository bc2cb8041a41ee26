"""The two ways to ask the operating system: small text files, and Windows' own library.

Never raises for a file that is absent. Invariant: nothing here is called on a system without it.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def text_of(path: Path) -> str:
    """The text of a small file, "" where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return ""


def kernel32() -> Any:
    """Windows' kernel32.dll."""
    return getattr(ctypes, "windll").kernel32  # noqa: B009  (absent elsewhere, so not by name)
