"""Plain records that rooms hand to each other; frozen, without behaviour or I/O.

Imports nothing of the house and nothing heavy. Arrays are named in types only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

STATES: tuple[str, ...] = (
    "ok",  # decoded and indexed
    "missing",  # its file is gone; tags, metadata and features are kept
    "offline",  # its drive or folder is not there now; still searchable
    "not-on-this-disk",  # a cloud placeholder: seen, never read
    "too-large",  # more bytes or pixels than the limits allow
    "unsupported",  # not a picture format that is known
    "undecodable",  # a known format, but the data is broken
    "unreadable",  # the file cannot be opened or read
    "no-decoder",  # a known format whose decoder is not installed
)
"""Every state an input can be in. Frozen words: they stand in stores and in JSON."""

FAILED: frozenset[str] = frozenset(
    {"too-large", "unsupported", "undecodable", "unreadable", "no-decoder"}
)
"""States of inputs that could not be indexed; they are tried again when the file changes."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture says of itself. Sizes are of the upright picture, in pixels."""

    width: int
    height: int
    format: str
    taken_at: str | None = None  # camera's local time, "YYYY-MM-DDTHH:MM:SS"
    taken_raw: str | None = None  # the EXIF text it was read from
    lat: float | None = None  # degrees, south negative
    lon: float | None = None  # degrees, west negative
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: upright sRGB, HxWx3 uint8; perhaps smaller than `facts` tells (DCT)."""

    pixels: npt.NDArray[np.uint8]
    facts: Facts
    recovered: bool = False  # decoded leniently: part of the data was missing


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a picture has no features: a word of `STATES` and a sentence."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """Hits of one query as two parallel arrays, best first; ties by row."""

    rows: npt.NDArray[np.uint32]
    scores: npt.NDArray[np.uint16]  # quantised: score * 65535


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for a hit: the term as text, its score in [0, 1], and how it was found."""

    term: str
    score: float
    route: str


@dataclass(frozen=True, slots=True)
class ConceptValue:
    """A concept of one photo and its calibrated probability."""

    id: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class ConceptInfo:
    """A concept of a pack: `kind` is "class", "ancestor" or "probe"; `parents` are ids."""

    id: str
    name: str
    synonyms: tuple[str, ...]
    parents: tuple[str, ...]
    kind: str
    definition: str


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


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search. `concepts` are its five most probable ones."""

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


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one source that was added: `state` "ok", or the state and reason of refusal.

    `duplicate_of` is the id of an input with the same content, if there was one before.
    """

    id: str
    state: str
    reason: str = ""
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a long call. `current` is the path in work; rates are per second."""

    stage: str
    done: int
    total: int
    failed: int = 0
    current: str = ""
    per_second: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did, in photos. `skipped` are files that are no photos, or not on this disk.

    `skipped_kinds` counts them by suffix or cause. `failures` holds (path, state, reason) of what
    failed in this run, at most a thousand; `Library.failures()` lists all. `notes` are sentences
    such as "root card found again at /media/card".
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    missing: int = 0
    offline: int = 0
    failed: int = 0
    unchanged: int = 0
    skipped: int = 0
    seconds: float = 0.0
    stopped: bool = False
    skipped_kinds: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncEstimate:
    """What a dry run foresees: photos by kind of change, seconds, disk bytes, and what limits."""

    added: int
    changed: int
    missing: int
    offline: int
    unchanged: int
    skipped: int
    seconds: float
    disk_bytes: int
    bottleneck: str
    sampled: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Root:
    """A photo folder of a library. `path` is where it was last seen; `online` whether it is now."""

    name: str
    path: Path
    online: bool
    ignore: tuple[str, ...]
    inputs: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that `verify` noticed: a code word, the file or thing, a sentence, and the cure."""

    code: str
    where: str
    message: str
    derived: bool  # True: costs time only, is rebuilt by itself


@dataclass(frozen=True, slots=True)
class Status:
    """A library at a glance; the field names are those of `status --json`."""

    store: Path
    inputs: int
    ok: int
    failed: int
    missing: int
    offline: int
    removed: int
    pack: str
    schema: int
    bytes: int
    generation: int
    segments: int
    tail: int
    provider: str
    notes: tuple[str, ...] = ()
