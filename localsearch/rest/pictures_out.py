"""URLs of pictures for programs in this process: files on this disk.

A photo's own file where it has one. A picture that came as bytes has none: its bytes, which the
library keeps, are written to the program's cache when its URL is told, under a name that is always
the same, and deleted with it. No other file is ever written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from localsearch.errors import LocalsearchError

if TYPE_CHECKING:
    from localsearch import Input, Library

_SUFFIXES = {"jpeg": ".jpg", "tiff": ".tif", "jpeg2000": ".jp2"}
_FILE_NAME = re.compile(
    r"(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[^\W_][\w .-]{0,79}(?<![ .])", re.IGNORECASE
)
"""What every system takes as a name: on Windows some words mean devices."""


class PicturesOut:
    """The `file:` URLs of a library's pictures."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._folder: Path | None = None

    def url_of(self, one: Input) -> str:
        """The `file:` URL of an input's picture; of the place where it would be, if it is away."""
        if one.path is not None:
            return one.path.as_uri()
        file = self._file_of(one)
        if not _is_there(file, one.size):
            self._write(one, file)
        return file.as_uri()

    def forget(self, ids: Iterable[str] | None) -> None:
        """Delete what was written for these inputs; None: for all."""
        place = self._place()
        if not place.is_dir():
            return
        names = (one.name for one in place.iterdir()) if ids is None else map(_digest, ids)
        for folder in [place / name for name in names]:
            for file in folder.glob("*"):
                file.unlink(missing_ok=True)
            if folder.is_dir():
                folder.rmdir()

    def _place(self) -> Path:
        if self._folder is None:
            from platformdirs import user_cache_path

            cache = user_cache_path("localsearch", appauthor=False)
            self._folder = cache / "pictures" / _digest(str(self._library.store))
        return self._folder

    def _file_of(self, one: Input) -> Path:
        # A folder for each, since ids may differ in capitals only. The file is called as the id
        # where that can be a name: so its URL is known again when a search asks with it.
        kind = (one.format or "").lower()
        suffix = _SUFFIXES.get(kind, f".{kind}" if kind.isalnum() else "")
        name = one.id if _FILE_NAME.fullmatch(one.id) else "picture"
        return self._place() / _digest(one.id) / f"{name}{suffix}"

    def _write(self, one: Input, file: Path) -> None:
        """Write the picture; where that fails there is none, and the answer stands all the same."""
        try:
            data = self._library.original(one.id).data
            if data is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        except (OSError, LocalsearchError):
            return


def _is_there(file: Path, size: int | None) -> bool:
    try:
        return file.stat().st_size == size
    except OSError:
        return False


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
