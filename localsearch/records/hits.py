"""What a search gives: ranked rows inside, hits outside, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from localsearch.deferred import NamedTuple, dataclass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Ranked(NamedTuple):
    """Hits of one query as two parallel arrays, best first; ties by row."""

    rows: npt.NDArray[np.uint32]
    scores: npt.NDArray[np.uint16]  # quantised: score * 65535


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for a hit: the term as text, its score in [0, 1], and how it was found."""

    term: str
    score: float
    route: str


class ConceptValue(NamedTuple):
    """A concept of one photo and its calibrated probability."""

    id: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search. `concepts` are its five most probable ones; `folded` is how many
    nearly identical hits are not shown because this one is.
    """

    score: float
    id: str
    path: Path | None
    root: str | None
    available: bool
    taken_at: str | None
    width: int | None
    height: int | None
    tags: Mapping[str, bool]
    concepts: tuple[ConceptValue, ...]
    why: tuple[Why, ...]
    folded: int = 0
