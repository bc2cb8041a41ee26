"""Paths as users write them, made absolute."""

from __future__ import annotations

import os
from pathlib import Path

AnyPath = str | os.PathLike[str]


def absolute(path: AnyPath) -> Path:
    """Without `~` and `..`, but with its links: a photo stays where the user says it is."""
    return Path(os.path.abspath(Path(path).expanduser()))
