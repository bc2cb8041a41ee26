"""Where the photo folders are today: the same place, another drive letter or mount, or away.

It never takes one drive for another: a folder whose volume differs and that holds none of the
remembered photos is not the root, whatever it is called.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from localsearch import machine
from localsearch.catalog.roots import RootRow
from localsearch.deferred import dataclass


@dataclass(frozen=True, slots=True)
class FoundRoot:
    """A root and where it is now (None: offline, with the reason), perhaps with a note."""

    row: RootRow
    path: Path | None
    reason: str = ""
    note: str = ""


def find_root(row: RootRow, store: Path, *, home: bool = False) -> FoundRoot:
    """Look where the root was last seen, beside its store, and on volumes that bear its id.

    `home`: the store lies in this root, so wherever the store is, there is the root: also when
    both were copied and the original is still in its place.
    """
    last = Path(os.fsdecode(row.path))
    if home and store.parent != last and _can_be_listed(store.parent):
        return FoundRoot(row, store.parent, note=f"root {row.name} found again at {store.parent}")
    if _can_be_listed(last):
        if not _another_volume(row, last):
            return FoundRoot(row, last)
        reason = f"another drive is at {last}"
    elif last.exists():
        reason = f"{last} cannot be listed"
    else:
        reason = f"{last} is not there"
    for place in (*_moved_with_store(row, store), *_same_volume_elsewhere(row)):
        note = f"root {row.name} found again at {place}"
        return FoundRoot(row, place, note=note)
    return FoundRoot(row, None, reason=reason)


def place_below(root: Path, path: Path) -> bytes | None:
    """Where a path lies in a root, as relative bytes with "/"; None outside of it.

    Links lead to the same place: the folders are compared as they are named and as they resolve
    (macOS: /tmp is a link), the file itself stays as it is named.
    """
    for top in (root, root.resolve()):
        for candidate in (path, path.parent.resolve() / path.name):
            if candidate == top or top in candidate.parents:
                inside = candidate.relative_to(top).as_posix()
                return b"" if inside == "." else os.fsencode(inside)
    return b"" if path.resolve() == root.resolve() else None


def identity_of(path: Path) -> tuple[str | None, bytes]:
    """(volume id or None, path inside the volume as bytes with "/") of a folder."""
    volume = machine.volume_of(path)
    try:
        inside = path.resolve().relative_to(volume.mount.resolve()).as_posix()
    except (ValueError, OSError):
        inside = ""
    return volume.id, os.fsencode(inside)


def overlapping(path: Path, rows: list[RootRow]) -> RootRow | None:
    """The root that contains `path`, or that it contains: roots may not lie in each other."""
    mine = path.resolve()
    for row in rows:
        theirs = Path(os.fsdecode(row.path)).resolve()
        if mine == theirs or mine in theirs.parents or theirs in mine.parents:
            return row
    return None


def _can_be_listed(path: Path) -> bool:
    try:
        with os.scandir(path):
            return True
    except OSError:
        return False


def _another_volume(row: RootRow, path: Path) -> bool:
    """Both ids must be known and differ, and none of the remembered photos may be there.

    Without volume ids a renamed tree and another drive look alike; then the safety stop decides.
    """
    now = machine.volume_of(path).id
    if not row.volume_id or not now or now == row.volume_id:
        return False
    return not _holds_sample(row, path)


def _moved_with_store(row: RootRow, store: Path) -> Iterator[Path]:
    """A photo folder that was renamed or copied together with the `.localsearch` in it."""
    if store.name == ".localsearch" and _holds_sample(row, store.parent):
        yield store.parent


def _same_volume_elsewhere(row: RootRow) -> Iterator[Path]:
    if not row.volume_id:
        return
    for volume in machine.mounts():
        if volume.id == row.volume_id:
            place = volume.mount / os.fsdecode(row.volume_path or b"")
            if _can_be_listed(place) and _holds_sample(row, place):
                yield place


def sample_is_stale(row: RootRow, path: Path) -> bool:
    """Whether too few of the remembered photos are left to know the root by."""
    return 2 * sum(_present(row, path)) <= len(row.sample)


def _holds_sample(row: RootRow, path: Path) -> bool:
    return any(_present(row, path))


def _present(row: RootRow, path: Path) -> Iterator[bool]:
    for relative, size in row.sample:
        try:
            yield (path / os.fsdecode(relative)).stat().st_size == size
        except OSError:
            yield False
