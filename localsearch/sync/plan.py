"""What has to happen in one folder: known photos against seen ones. Pure; no disk, no catalog.

Invariant: every sighting ends in exactly one list, so that a report adds up to the files seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field

from localsearch.catalog.known import Known
from localsearch.deferred import dataclass
from localsearch.sources.walk import Sighting

# A failure of these kinds can mend itself without the file changing: a decoder was installed, a
# permission given, data fetched from a cloud. Looking again costs one failed open.
_LOOK_AGAIN = frozenset({"no-decoder", "unreadable", "not-on-this-disk"})


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """The changes of one folder.

    `read`: (sighting, what is known of that name or None), to be read and decided by content;
    `back`: photos that were missing or offline and stand there as they were;
    `gone`: photos that were there and are not; `away`: placeholders whose data is elsewhere.
    """

    read: list[tuple[Sighting, Known | None]] = field(default_factory=list)
    back: list[Known] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    away: list[tuple[Sighting, Known | None]] = field(default_factory=list)
    unchanged: int = 0


def plan_folder(
    known: Mapping[bytes, Known],
    seen: Sequence[Sighting],
    lacking: Collection[bytes] = (),
) -> FolderPlan:
    """Compare one folder's known photos (by file name) with what the walk saw there.

    `lacking` are names whose features were lost: they are read again, though nothing changed.
    """
    read: list[tuple[Sighting, Known | None]] = []
    back: list[Known] = []
    away: list[tuple[Sighting, Known | None]] = []
    unchanged = 0
    for sighting in seen:
        had = known.get(sighting.name)
        if had is not None and had.removed:
            unchanged += 1  # the user took it out; what it shows now matters when it is restored
            continue
        if had is not None and same_file(had, sighting) and sighting.name not in lacking:
            if had.state == "ok":
                unchanged += 1
                continue
            if had.state in ("missing", "offline"):
                back.append(had)
                continue
            if had.state not in _LOOK_AGAIN:
                unchanged += 1
                continue
        if sighting.placeholder:
            away.append((sighting, had))
        else:
            read.append((sighting, had))
    names = {sighting.name for sighting in seen}
    gone = [had for name, had in known.items() if name not in names and had.state != "missing"]
    return FolderPlan(read, back, gone, away, unchanged)


def same_file(known: Known, sighting: Sighting) -> bool:
    """Whether size and time are those of the last look; a racy time (-1) never is."""
    return known.size == sighting.size and known.mtime_ns == sighting.mtime_ns


def settled_mtime(mtime_ns: int, looked_at_ns: int) -> int:
    """The time to remember: -1 if the file was so fresh that a later write may bear the same time.

    The rule of git's index ("racy git", Documentation/technical/racy-git): file times are coarse,
    so a file touched within two seconds of the look is looked at again next time.
    """
    return mtime_ns if looked_at_ns - mtime_ns > 2_000_000_000 else -1
