"""An input as callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localsearch.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Input:
    """One input as the catalog knows it.

    `path` is the absolute native path (None for inputs without a file); `root` the name of the
    root it lies in (None outside every root). Times are RFC 3339 in UTC, except `taken_at`,
    which is the camera's local time.
    """

    id: str
    row: int
    state: str
    reason: str
    path: Path | None
    root: str | None
    relative_path: str | None
    available: bool
    removed: bool
    digest: str | None
    size: int | None
    width: int | None
    height: int | None
    format: str | None
    created_at: str
    modified_at: str
    taken_at: str | None
    lat: float | None
    lon: float | None
    camera: str | None
    source_url: str | None
    metadata: Mapping[str, Any]
    tags: Mapping[str, bool]
