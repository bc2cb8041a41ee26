"""Finds the folder of larger test data that may lie beside a checkout; never needed for a pass."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _find() -> Path | None:
    named = os.environ.get("LOCALSEARCH_TEST_DATA")
    places = [Path(named)] if named else []
    places.append(Path(__file__).resolve().parents[2] / "shared")
    return next((place for place in places if (place / "edge" / "manifest.csv").is_file()), None)


SHARED: Path | None = _find()

needs_shared = pytest.mark.skipif(
    SHARED is None, reason="the larger test data (folder `shared` beside the checkout) is absent"
)


def shared(*parts: str) -> Path:
    """A path below the data folder; only in tests marked `needs_shared`."""
    assert SHARED is not None
    return SHARED.joinpath(*parts)
