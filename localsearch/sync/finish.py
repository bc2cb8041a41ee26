"""The end of a sync: what is gone becomes missing, what is away offline, roots are noted.

Runs only after every new file was read, so that a moved photo is never taken for a lost one.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Sequence

from localsearch.catalog import Catalog, inputs
from localsearch.catalog import known as known_rows
from localsearch.catalog import roots as root_rows
from localsearch.catalog.inputs import IGNORED
from localsearch.catalog.known import Known
from localsearch.deferred import dataclass
from localsearch.errors import LibraryUnsafe
from localsearch.sync.roots import FoundRoot, identity_of, sample_is_stale
from localsearch.sync.safety import Place, empty_places, first_level, implausible
from localsearch.sync.survey import RootSurvey, native


def mark_offline_root(catalog: Catalog, found: FoundRoot) -> int:
    """Every photo of a root that is away becomes offline; gives how many are."""
    with catalog.reading() as conn:
        known = list(known_rows.known_below(conn, found.row.key, b""))
    return _mark_offline(catalog, known, found.reason) + sum(
        1 for had in known if had.state == "offline" and not had.removed
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one root lost, judged before anything is marked. `implausible`: reasons to stop."""

    root: str
    lost: tuple[int, ...]
    hidden: tuple[int, ...]
    away: tuple[Known, ...]
    cut_off: tuple[Known, ...]
    implausible: tuple[Place, ...]


def judge(
    catalog: Catalog,
    surveys: Sequence[RootSurvey],
    moved: Collection[int],
    *,
    allow_removals: bool,
) -> Verdict:
    """Judge all that was surveyed of one root. `moved` are keys that were found elsewhere."""
    found = surveys[0].found
    every = {had.key: (f, had) for s in surveys for f, had in s.gone}
    gone = [(f, h) for f, h in every.values() if h.key not in moved and not h.removed]
    held: dict[bytes, int] = {}
    if gone:  # a count over all rows, which a sync of three files need not pay
        with catalog.reading() as conn:
            held = known_rows.shown_below(conn, found.row.key)
    # Moved photos count for their new place already; `held` is read after they were committed.
    whole = all(survey.below is None for survey in surveys)
    seen = surveys[0].seen if whole else _probed(found, gone)
    empty = frozenset() if allow_removals else empty_places(held, seen)
    away = {h.key for f, h in gone if b"*" in empty or first_level(f) in empty}
    lost = [(f, h) for f, h in gone if h.key not in away]
    return Verdict(
        root=found.row.name,
        lost=tuple(h.key for _, h in lost),
        hidden=tuple(h.key for s in surveys for h in s.hidden if not h.removed),
        away=tuple(h for _, h in gone if h.key in away),
        cut_off=tuple(h for s in surveys for h in s.cut_off),
        implausible=() if allow_removals else _implausible(found.row.name, held, lost),
    )


def refuse_implausible(verdicts: Sequence[Verdict]) -> None:
    """Raise LibraryUnsafe, before anything is marked, where too large a share is gone."""
    bad = [place for verdict in verdicts for place in verdict.implausible]
    if not bad:
        return
    told = "; ".join(
        f"{p.gone} of {p.held} photos of {_named(p)} are gone"
        for p in sorted(bad, key=lambda p: -p.gone)[:3]
    )
    raise LibraryUnsafe(
        f"sync stopped before it hid anything: {told}",
        hint="if they were really deleted, run `localsearch sync --allow-removals`; "
        "if a drive is unplugged, plug it in and sync again",
    )


def notes_of(verdict: Verdict) -> list[str]:
    """Sentences on the folders that show nothing: away, or emptied by their owner."""
    away = Counter(first_level(had.folder) for had in verdict.away)
    return [
        f"{_named(Place(verdict.root, folder, 0, 0))} shows no photos now; its {count} stay, as "
        "offline (if they were deleted: sync --allow-removals)"
        for folder, count in sorted(away.items())
    ]


def apply(catalog: Catalog, verdict: Verdict) -> tuple[int, int]:
    """Mark what a root lost; gives (missing, offline)."""
    now_ms = _now_ms()
    if verdict.lost or verdict.hidden:
        with catalog.writing("sync") as conn:
            inputs.set_state(conn, verdict.lost, "missing", "its file is gone", now_ms)
            inputs.set_state(conn, verdict.hidden, "missing", IGNORED, now_ms)
    offline = _mark_offline(catalog, verdict.away, "its folder shows no photos now")
    offline += _mark_offline(catalog, verdict.cut_off, "its folder cannot be listed")
    already = [*verdict.away, *verdict.cut_off]
    offline += sum(1 for had in already if had.state == "offline" and not had.removed)
    return len(verdict.lost) + len(verdict.hidden), offline


def mark_back(catalog: Catalog, back: Sequence[Known]) -> None:
    """Photos that were missing or offline and stand there unchanged; no inference is needed."""
    if back:
        with catalog.writing("sync") as conn:
            inputs.set_state(conn, [had.key for had in back], "ok", "", _now_ms())


def note_root(catalog: Catalog, found: FoundRoot) -> None:
    """Remember where the root is and by what it can be known again; writes only on a change."""
    assert found.path is not None
    volume_id, volume_path = identity_of(found.path)
    path = os.fsencode(found.path)
    row = found.row
    sample = row.sample
    if sample_is_stale(row, found.path):
        with catalog.reading() as conn:
            sample = root_rows.take_sample(conn, row.key)
    now = {
        "path": path,
        "volume_id": volume_id,
        "volume_path": volume_path,
        "sample": sample,
        "online": True,
    }
    if any(getattr(row, name) != value for name, value in now.items()):
        with catalog.writing("sync") as conn:
            root_rows.replace(conn, row.key, **now)  # type: ignore[arg-type]


def note_root_offline(catalog: Catalog, found: FoundRoot) -> None:
    """Remember that the root is away; writes only on a change."""
    if found.row.online:
        with catalog.writing("sync") as conn:
            root_rows.replace(conn, found.row.key, online=False)


def _probed(found: FoundRoot, gone: Sequence[tuple[bytes, Known]]) -> dict[bytes, int]:
    """For a sync of a few paths: which first-level folders still show anything at all."""
    assert found.path is not None
    root = os.fsencode(found.path)
    folders = {first_level(folder) for folder, _ in gone} | {b""}
    return {folder: _entries(native(root, folder, b"")) for folder in folders}


def _entries(folder: bytes) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(1 for _ in zip(entries, range(2), strict=False))
    except OSError:
        return 0


def _implausible(
    root: str, held: dict[bytes, int], lost: Sequence[tuple[bytes, Known]]
) -> tuple[Place, ...]:
    gone = Counter(first_level(folder) for folder, _ in lost)
    places = [
        Place(root, folder, held.get(folder, 0), count) for folder, count in gone.items() if folder
    ]
    places.append(Place(root, b"", sum(held.values()), sum(gone.values())))
    return tuple(implausible(places))


def _named(place: Place) -> str:
    folder = os.fsdecode(place.folder)
    return f"{place.root}/{folder}" if folder else f"root {place.root}"


def _mark_offline(catalog: Catalog, known: Sequence[Known], reason: str) -> int:
    keys = [had.key for had in known if had.state == "ok" and not had.removed]
    if keys:
        with catalog.writing("sync") as conn:
            inputs.set_state(conn, keys, "offline", reason, now_ms=_now_ms())
    return len(keys)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
