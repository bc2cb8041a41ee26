"""Photos that are twice there: groups, their best copies, and why each member is one."""

from __future__ import annotations

from pathlib import Path

from localsearch.deferred import NamedTuple, dataclass


class DuplicatePhoto(NamedTuple):
    """One member of a group. `kind`: "best", "content" (the same bytes as the best copy) or
    "picture" (re-encoded, resized, turned). `turn` leads from the best copy to it: "none",
    "mirrored", "flipped" (top and bottom), "rotated-90" (clockwise), "rotated-180",
    "rotated-270", "transposed", "transversed". `digest` is blake3 in hex; `why` a sentence.
    """

    id: str
    path: Path | None
    available: bool
    digest: str
    width: int | None
    height: int | None
    bytes: int | None
    kind: str
    turn: str
    why: str


class DuplicateGroup(NamedTuple):
    """Photos of one picture, the best copy first: most pixels, then most bytes, then oldest file.

    `kind` is "content" where all are the same bytes, else "picture". `bytes` is what the others
    take on disk.
    """

    kind: str
    members: tuple[DuplicatePhoto, ...]
    bytes: int

    @property
    def best(self) -> DuplicatePhoto:
        """The copy to keep, if only one is."""
        return self.members[0]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What `Library.duplicates` has found; the groups whose others take most come first.

    `photos` were looked at; `without_fingerprint` of them could only be compared as contents.
    `redundant` counts all members but the best copies, `bytes` what they take on disk.
    """

    groups: tuple[DuplicateGroup, ...]
    photos: int
    without_fingerprint: int
    redundant: int
    bytes: int
    notes: tuple[str, ...] = ()
