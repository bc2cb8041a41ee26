"""What long calls tell: moments of them, and what they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from localsearch.deferred import dataclass


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
class Compacted:
    """What `compact` has left: segments and rows in them and the tail, what answers visual
    queries, and why something was not done.
    """

    segments: int
    rows: int
    graph: str
    seconds: float = 0.0
    stopped: bool = False
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
class Finding:
    """Something that `verify` noticed: a code word, the file or thing, a sentence, and the cure."""

    code: str
    where: str
    message: str
    derived: bool  # True: costs time only, is rebuilt by itself
    repaired: bool = False  # `verify(repair=True)` cured it


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, in lines. `matched` mean an input that was there, `changed` are those of
    them that changed it, `ids` those that gave it their id; `added` are files that became inputs.

    `unknown_lines` and `failures` hold (line number, name or reason), at most a thousand each.
    """

    lines: int = 0
    matched: int = 0
    changed: int = 0
    ids: int = 0
    added: int = 0
    unknown: int = 0
    failed: int = 0
    dry_run: bool = False
    stopped: bool = False
    unknown_lines: tuple[tuple[int, str], ...] = ()
    failures: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that was written: its file and bytes, how many files it holds, inputs at least."""

    file: Path
    bytes: int
    files: int
    inputs: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """A store that was written from a backup; `replaced` is where the one before it lies now."""

    store: Path
    files: int
    bytes: int
    made_at: str
    replaced: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What a reindex did, or with `dry_run` would do, in contents (a photo and its copies are one).

    `pack` is the one that it leads to, `before` the one that was active. Of `contents`, `kept` had
    features already; `inferred` were computed from their pictures, `from_thumbnails` from their
    thumbnails: these are replaced when a sync or reindex sees the photo itself. `lacking` photos
    cannot be found: neither picture nor thumbnail was there; `failures` are (id, state, reason) of
    at most a thousand of them. `switched`: searches are answered by `pack` now. `bytes` is what it
    needs on the disk; `seconds` what it took, of a dry run what it takes, about.
    """

    pack: str
    before: str
    contents: int = 0
    kept: int = 0
    inferred: int = 0
    from_thumbnails: int = 0
    lacking: int = 0
    switched: bool = False
    stopped: bool = False
    dry_run: bool = False
    bytes: int = 0
    seconds: float = 0.0
    failures: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """A library at a glance; the field names are those of `status --json`.

    `graph` says what answers visual queries, and why; `recall` which share of the best 20 the
    graph was found to find (None without one); `due` what is left for later. `newer_pack` is a
    newer version of the pack that is installed, `building_pack` one that a reindex was moving to
    and has not reached, `previous_pack` the one to which `reindex(rollback=True)` goes back; None
    where there is none. `provider` runs the image network (as long as it has not run: what was
    asked for); `provider_asked` is the word that `open` was given, and `provider_why` says of each
    that "auto" would rather have taken why it could not.
    """

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
    graph: str = ""
    recall: float | None = None
    newer_pack: str | None = None
    building_pack: str | None = None
    previous_pack: str | None = None
    due: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    provider_asked: str = "auto"
    provider_why: tuple[str, ...] = ()
