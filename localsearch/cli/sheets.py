"""Contact sheets: the hits of a search as one HTML file, written where the user or the cache says.

Writes that one file only; never one in or beside a photo folder unless the user names it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import localsearch as ls

if TYPE_CHECKING:
    from localsearch.sheet import SheetRow

_CONCEPTS = 5
_KINDS: dict[int, type[ls.LocalsearchError]] = {
    errno.EACCES: ls.LibraryReadOnly,
    errno.EPERM: ls.LibraryReadOnly,
    errno.EROFS: ls.LibraryReadOnly,
    errno.ENOSPC: ls.LibraryFull,
    getattr(errno, "EDQUOT", errno.ENOSPC): ls.LibraryFull,
}


def cache_folder() -> Path:
    """The program's own cache folder, where sheets and the demo lie."""
    from platformdirs import user_cache_path

    return user_cache_path("localsearch", appauthor=False)


def write_sheet(library: ls.Library, title: str, hits: Iterable[ls.Hit], target: Path) -> Path:
    """Write the sheet of `hits` to `target`, over what stood there.

    Raises LibraryReadOnly, LibraryFull (the place cannot be written), InputError (it is no place).
    """
    from localsearch.sheet import contact_sheet

    rows = [_row(library, hit) for hit in hits]
    html = contact_sheet(title, rows)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(html, encoding="utf-8", errors="replace")
    except OSError as fault:
        kind = _KINDS.get(fault.errno or 0, ls.InputError)
        raise kind(
            f"cannot write {target}: {fault.strerror or fault}",
            hint="name another file: --sheet FILE",
        ) from fault
    return target


def show_sheet(path: Path) -> bool:
    """Open the sheet in the user's browser; False where there is none."""
    import webbrowser

    try:
        return webbrowser.open(path.absolute().as_uri())
    except webbrowser.Error:
        return False


def _row(library: ls.Library, hit: ls.Hit) -> SheetRow:
    from localsearch.sheet import SheetRow

    path = str(hit.path) if hit.path else ""
    return SheetRow(
        image=_thumbnail(library, hit.id),
        caption=hit.path.name if hit.path else hit.id,
        path=path,
        score=hit.score,
        concepts=tuple((one.name, one.value) for one in hit.concepts[:_CONCEPTS]),
    )


def _thumbnail(library: ls.Library, id: str) -> bytes | None:
    """The small picture; None where the store keeps none and the photo is not there now."""
    try:
        return library.thumbnail(id)
    except (ls.LibraryMissing, ls.PictureError):
        return None
