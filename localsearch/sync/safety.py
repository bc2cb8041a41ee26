"""What becomes of photos that are gone: missing, offline, or a stop. Pure; it only counts.

Invariant: a folder that may merely be unplugged never turns photos into missing ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from localsearch.deferred import dataclass

# A fifth of a folder of three photos is less than one: one or two deleted photos are no accident.
_FEW = 2
_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """A root (folder b"") or one of its first-level folders, with the photos it held and lost."""

    root: str
    folder: bytes
    held: int
    gone: int


def empty_places(held: Mapping[bytes, int], seen: Mapping[bytes, int]) -> frozenset[bytes]:
    """First-level folders that held photos and now show none; b"*" if the whole root does.

    Both map a first-level folder (b"" for files of the root itself) to a number of photos.
    """
    if sum(held.values()) > 0 and sum(seen.values()) == 0:
        return frozenset({b"*"})
    return frozenset(
        folder for folder, count in held.items() if folder and count and not seen.get(folder)
    )


def implausible(places: list[Place]) -> list[Place]:
    """The places that would lose more than a fifth of their photos (and more than two)."""
    return [p for p in places if p.gone > _FEW and p.gone > p.held * _SHARE]


def first_level(folder: bytes) -> bytes:
    """The first-level folder of a relative folder, b"" for the root itself."""
    return folder.split(b"/", 1)[0]
