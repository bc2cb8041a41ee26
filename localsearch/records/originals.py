"""The picture of an input as it was added, for who shows it elsewhere."""

from __future__ import annotations

from pathlib import Path

from localsearch.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Original:
    """An encoded picture: a file (`path`), or bytes that the library keeps (`data`).

    `media_type` is told by its first bytes, `tag` differs whenever the bytes do. `substitute`: it
    is the thumbnail, since the photo is not there now.
    """

    path: Path | None
    data: bytes | None
    size: int
    media_type: str
    tag: str
    modified_ns: int | None = None
    substitute: bool = False
