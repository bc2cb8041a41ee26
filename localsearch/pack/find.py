"""Where packs and their networks lie, and the copy that a store keeps of its own.

Knows places and names; never what is in a pack beyond that it loads. Invariant: a copy in a store
is complete as soon as it has a manifest, because that is written last.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from localsearch.durable import copy_file, make_folder
from localsearch.errors import LibraryError, PackDamaged, PackError, PackMissing
from localsearch.pack.load import Pack, load_pack
from localsearch.pack.manifest import MANIFEST

_HOUSE = Path(__file__).resolve().parents[1]
_CARD = "MODEL_CARD.md"
LARGE = 64 << 20
"""Bytes of a network above which a store keeps no copy of it: half a gigabyte a library is much."""


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
        f"there is no pack {str(name_or_path)!r}; looked in {looked}",
        hint=f"there are: {there}; others: localsearch packs list --available",
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

    Without networks of more than LARGE bytes: `network_file` finds them. Synced; does nothing where
    an intact copy is there, and makes a damaged one anew. Raises LibraryFull, LibraryReadOnly,
    LibraryError.
    """
    target = store / "packs" / pack.pack_digest[:16]
    with contextlib.suppress(PackMissing, PackDamaged):
        if load_pack(target).pack_digest == pack.pack_digest:
            return target
    from localsearch.pack.elsewhere import ELSEWHERE, elsewhere_of, tell_elsewhere

    for folder in (target.parent, target):
        _ensure_folder(folder)
    apart = large_networks(pack)
    names = sorted(set(pack.manifest.files) - set(apart))
    if (pack.folder / _CARD).is_file():
        names.append(_CARD)
    # Manifest away first, written last: a copy with a manifest is whole.
    for name in (MANIFEST, ELSEWHERE, *names):
        (target / name).unlink(missing_ok=True)
    if apart:
        tell_elsewhere(target, apart, elsewhere_of(pack.folder).folder or pack.folder.absolute())
    for name in (*names, MANIFEST):
        _copy(pack.folder / name, target / name)
    return target


def large_networks(pack: Pack) -> tuple[str, ...]:
    """The networks of a pack that are too large to be copied into each store."""
    text = None if pack.text is None else pack.text.network
    names = [each.network for each in pack.image.networks]
    names += [] if text is None else [text.network]
    return tuple(name for name in names if pack.manifest.files[name].bytes > LARGE)


def network_file(pack: Pack, name: str) -> Path:
    """Where a network of a pack lies: in its folder, else where the same file is installed.

    That is a pack of this name, the user's first, or where it was when the store took its copy.
    Raises PackMissing, which tells what still works.
    """
    own = pack.folder / name
    if own.is_file():
        return own
    from localsearch.pack.elsewhere import elsewhere_of  # most networks lie beside their manifest

    wanted = pack.manifest.files[name].blake3
    former = elsewhere_of(pack.folder).folder
    folders = [place / pack.name for place in pack_places()]
    for folder in folders if former is None else [*folders, former]:
        with contextlib.suppress(PackError):
            for other, entry in load_pack(folder).manifest.files.items():
                if entry.blake3 == wanted and (folder / other).is_file():
                    return folder / other
    raise PackMissing(
        f"the network {name} of the pack {pack.name} is not on this machine; concepts, and "
        "likeness to photos that are known, work without it",
        hint=f"install the pack {pack.name} again: `localsearch packs list` shows what is there",
    )


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
