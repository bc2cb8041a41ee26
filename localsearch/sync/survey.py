"""Walks the roots and compares, folder by folder, with the catalog; decodes and writes nothing.

Only what has to be read, and what is gone, is kept in memory; unchanged photos are counted.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import field

from localsearch.catalog import Catalog
from localsearch.catalog import known as known_rows
from localsearch.catalog.known import Known
from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass
from localsearch.sources.ignore import Ignore
from localsearch.sources.walk import Folder, Sighting, walk_folder
from localsearch.sync.plan import FolderPlan, plan_folder
from localsearch.sync.roots import FoundRoot
from localsearch.sync.safety import first_level


@dataclass(frozen=True, slots=True)
class ToRead:
    """A file to be read: its root, folder (relative, "/"), what was seen, what is known of it."""

    root: int
    root_path: bytes
    folder: bytes
    sighting: Sighting
    known: Known | None

    @property
    def path(self) -> bytes:
        """The native path, from raw bytes."""
        return native(self.root_path, self.folder, self.sighting.name)


@dataclass(slots=True)
class RootSurvey:
    """What one root shows. `hidden` are known photos that an ignore rule leaves out.

    `below` is None for the whole root, else the survey speaks of some files or folders only.
    `unlisted` maps folders that cannot be listed to the reason, `cut_off` are the photos below.
    """

    found: FoundRoot
    below: bytes | None = None
    to_read: list[ToRead] = field(default_factory=list)
    back: list[Known] = field(default_factory=list)
    away: list[tuple[bytes, Sighting, Known | None]] = field(default_factory=list)
    gone: list[tuple[bytes, Known]] = field(default_factory=list)
    hidden: list[Known] = field(default_factory=list)
    unlisted: dict[bytes, str] = field(default_factory=dict)
    cut_off: list[Known] = field(default_factory=list)
    seen: Counter[bytes] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0


def lacking_features(truth: Truth, known: Iterable[Known]) -> set[bytes]:
    """Names of photos whose features are lost (their file was damaged or deleted), or are those of
    a thumbnail: the photo itself tells more."""
    whole = [had for had in known if had.content_state == "ok" and had.digest is not None]
    have = truth.features.have_whole([had.digest for had in whole if had.digest is not None])
    return {had.name for had in whole if had.digest not in have}


def native(root_path: bytes, folder: bytes, name: bytes) -> bytes:
    """The native path of a relative place, as the bytes that `os.fsencode` gives."""
    separator = os.sep.encode()
    inside = folder.replace(b"/", separator) if separator != b"/" else folder
    top = root_path if root_path.endswith(separator) else root_path + separator  # "/" and "Y:\\" do
    return top + separator.join(part for part in (inside, name) if part)


def survey_root(
    truth: Truth,
    found: FoundRoot,
    *,
    below: bytes = b"",
    stop: Callable[[], bool] = lambda: False,
    looked_at: Callable[[int, str], None] = lambda count, current: None,
    list_folder: Callable[..., object] = os.scandir,
) -> RootSurvey:
    """Compare a root that is online, or one folder below it, with the catalog."""
    assert found.path is not None
    survey = RootSurvey(found, below=below or None)
    ignore = Ignore(found.row.ignore)
    root_path = os.fsencode(found.path)
    visited: set[bytes] = set()
    total = 0
    for folder in walk_folder(found.path, ignore, below=below, list_folder=list_folder):
        if stop():
            break
        visited.add(folder.path)
        total += len(folder.photos)
        looked_at(total, os.fsdecode(folder.path))
        _take_folder(truth, survey, root_path, folder)
    else:
        _take_unvisited(truth.catalog, survey, visited, below, ignore)
    return survey


def _take_folder(truth: Truth, survey: RootSurvey, root_path: bytes, folder: Folder) -> None:
    row = survey.found.row
    survey.skipped.update(folder.other)
    if folder.error is not None:
        survey.unlisted[folder.path] = folder.error
        return
    with truth.catalog.reading() as conn:
        known = known_rows.known_in(conn, row.key, folder.path)
    plan = plan_folder(known, folder.photos, lacking_features(truth, known.values()))
    survey.seen[first_level(folder.path)] += len(folder.photos)
    survey.unchanged += plan.unchanged
    survey.back += plan.back
    survey.to_read += [
        ToRead(row.key, root_path, folder.path, sighting, had) for sighting, had in plan.read
    ]
    survey.away += [(folder.path, sighting, had) for sighting, had in plan.away]
    _take_gone(survey, folder, plan)


def _take_gone(survey: RootSurvey, folder: Folder, plan: FolderPlan) -> None:
    left_out = set(folder.ignored)
    for had in plan.gone:
        if had.name in left_out:
            survey.hidden.append(had)
        else:
            survey.gone.append((folder.path, had))
    if left_out:
        survey.skipped["ignored"] += len(left_out)


def _take_unvisited(
    catalog: Catalog, survey: RootSurvey, visited: set[bytes], below: bytes, ignore: Ignore
) -> None:
    """Known folders that the walk did not meet: unlistable above them, ignored, or gone."""
    with catalog.reading() as conn:
        folders = known_rows.folders_of(conn, survey.found.row.key)
        for folder in folders:
            if folder in survey.unlisted or (folder not in visited and _inside(folder, below)):
                known = known_rows.known_in(conn, survey.found.row.key, folder).values()
                present = [had for had in known if had.state != "missing"]
                if _under_any(folder, survey.unlisted):
                    survey.cut_off += present
                elif _left_out(folder, ignore):
                    survey.hidden += present
                else:
                    survey.gone += [(folder, had) for had in present]


def _inside(folder: bytes, below: bytes) -> bool:
    return not below or folder == below or folder.startswith(below + b"/")


def _under_any(folder: bytes, tops: Iterable[bytes]) -> bool:
    return any(_inside(folder, top) for top in tops)


def _left_out(folder: bytes, ignore: Ignore) -> bool:
    parts = folder.split(b"/")
    return any(
        ignore.ignored(b"/".join(parts[: depth + 1]), True) is not None
        for depth in range(len(parts))
    )
