"""Where packs lie, and the copy that a store keeps of its own.

Knows places and names; never what is in a pack beyond that it loads. Invariant: a copy in a store
is complete as soon as it has a manifest, because that is written last.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from localsearch.durable import copy_file, make_folder
from localsearch.errors import LibraryError, PackDamaged, PackMissing
from localsearch.pack.load import Pack, load_pack
from localsearch.pack.manifest import MANIFEST

_HOUSE = Path(__file__).resolve().parents[1]
_CARD = "MODEL_CARD.md"


def pack_places() -> tuple[Path, ...]:
    """The folders that hold packs by name, first one first: the user's, ours, a checkout's."""
    from platformdirs import user_data_path

    own = user_data_path("localsearch", appauthor=False) / "packs"
    return own, _HOUSE / "_packs", _HOUSE.parent / "weights"


def find_pack(name_or_path: str | Path) -> Path:
    """The folder of a pack: of that path, or of that name in one of `pack_places`.

    A `str` is a path when it has a separator in it. Raises PackMissing, which tells where it
    looked and which packs there are.
    """
    if isinstance(name_or_path, Path) or _is_path(name_or_path):
        tried = [Path(name_or_path).expanduser()]
    else:
        tried = [place / name_or_path for place in pack_places()]
    for folder in tried:
        if (folder / MANIFEST).is_file():
            return folder
    there = ", ".join(sorted({folder.name for folder in available_packs()})) or "none"
    looked = ", ".join(str(folder) for folder in tried)
    raise PackMissing(
        f"there is no pack {str(name_or_path)!r}; looked in {looked}", hint=f"there are: {there}"
    )


def available_packs() -> list[Path]:
    """The folders of all packs that a name finds, by name; an earlier place hides a later one."""
    found: dict[str, Path] = {}
    for place in pack_places():
        with contextlib.suppress(OSError):
            for folder in place.iterdir():
                if (folder / MANIFEST).is_file():
                    found.setdefault(folder.name, folder)
    return [found[name] for name in sorted(found)]


def copy_query_side(pack: Pack, store: Path) -> Path:
    """Keep a copy of `pack` in `<store>/packs/<digest>/` and return that folder.

    Synced; does nothing where an intact copy is there, and makes a damaged one anew. Raises
    LibraryFull, LibraryReadOnly, LibraryError.
    """
    target = store / "packs" / pack.pack_digest[:16]
    with contextlib.suppress(PackMissing, PackDamaged):
        if load_pack(target).pack_digest == pack.pack_digest:
            return target
    for folder in (target.parent, target):
        _ensure_folder(folder)
    names = sorted(pack.manifest.files)
    if (pack.folder / _CARD).is_file():
        names.append(_CARD)
    # Manifest away first, written last: a copy with a manifest is whole.
    for name in (MANIFEST, *names):
        (target / name).unlink(missing_ok=True)
    for name in (*names, MANIFEST):
        _copy(pack.folder / name, target / name)
    return target


def _copy(source: Path, target: Path) -> None:
    try:
        copy_file(source, target)
    except LibraryError:
        # Another process that copies the same pack was first: same digest, same bytes.
        if not target.exists() or target.stat().st_size != source.stat().st_size:
            raise


def _ensure_folder(folder: Path) -> None:
    try:
        make_folder(folder)
    except LibraryError:
        if not folder.is_dir():
            raise


def _is_path(text: str) -> bool:
    separators = {os.sep, os.altsep or os.sep, "/"}
    return text.startswith("~") or any(mark in text for mark in separators)
