"""What a library is made of: truth, pack, live state, models; handed as one to its functions."""

from __future__ import annotations

from dataclasses import dataclass

from localsearch.catalog.truth import Truth
from localsearch.library.live import LiveState
from localsearch.library.models import Models
from localsearch.pack import Pack


@dataclass(frozen=True, slots=True)
class Parts:
    """The open parts of one library."""

    truth: Truth
    pack: Pack
    live: LiveState
    models: Models
