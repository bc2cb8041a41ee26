"""What is asked of an export.

Plain records; decides nothing. Invariant: `ExportOptions` are what a caller says, `Wanted` is what
follows from them.
"""

from __future__ import annotations

from pathlib import Path

from localsearch.deferred import NamedTuple, dataclass


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is asked of an export beside the model; see `packs export --help`."""

    pretrained: str = ""
    precision: str = "fp32"
    out: Path | None = None
    name: str | None = None
    vocabulary: Path | None = None
    with_classifier: str | None = None
    calibrate: Path | None = None
    tokenizer: Path | None = None
    licence: str | None = None
    random_seed: int | None = None


class Wanted(NamedTuple):
    """What a pack is to be beside its model."""

    name: str
    precision: str
    classifier: str | None
    vocabulary: Path | None
    tokenizer: Path | None
    licence: str | None
