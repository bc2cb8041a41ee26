"""A pack of the catalogue comes to this computer: asked for by name, resumable, verified whole.

The only file outside `net` that makes anything be fetched, and only when it is called. Invariants:
what has the name of a pack was compared byte by byte with the catalogue before; whatever ends a
pull, the next one goes on where it ended.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from localsearch.deferred import dataclass
from localsearch.errors import InputError, PackDamaged, PackMissing
from localsearch.net import Trust
from localsearch.net.hosts import checked
from localsearch.packs import own
from localsearch.packs.catalogue import Entry, entry_of
from localsearch.packs.coming import Patience, bring
from localsearch.packs.installed import PackInfo, show_pack
from localsearch.packs.meter import Meter, OnProgress
from localsearch.packs.standing import check_room, is_there, looked_through

HUB = "https://huggingface.co"
MIRROR = "LOCALSEARCH_HUB"
PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did. `fetched` is in bytes; 0 and `already` where the pack was there."""

    pack: PackInfo
    fetched: int
    already: bool


def pull_pack(
    name: str,
    *,
    catalogue: Path | None = None,
    replace: bool = False,
    before: Callable[[Entry, int], None] = lambda entry, missing: None,
    progress: OnProgress = None,
    stop: threading.Event | None = None,
    patience: Patience = PATIENCE,
) -> Pulled:
    """Fetch a pack of the catalogue into the user's own packs.

    `before` hears what will be fetched from where under which terms, and how many bytes are
    missing, before a socket is opened; what it raises ends the pull. Raises PackMissing (not in
    the catalogue, or no files published), PackError (another pack has the name), PackUnreachable,
    PackDamaged, LibraryBusy (another process pulls it), LibraryFull, Cancelled.
    """
    entry = entry_of(name, catalogue)
    if not entry.files:
        raise _unpublished(entry)
    base, trust = _address(entry.base)
    there = is_there(name, entry.pack_digest, replace=replace)
    if there is not None:
        return Pulled(show_pack(there), 0, True)
    before(entry._replace(base=base), _missing(entry))
    with own.changing(name, f"pulling the pack {name}") as folder:
        coming = own.coming_folder(name, entry.pack_digest[:16])
        check_room(coming, _missing(entry))
        meter = Meter("download", entry.bytes, progress, stop)
        for file in entry.files:
            bring(file, f"{base}/{file.name}", coming, trust, patience, meter)
        _install(entry, coming, folder)
    return Pulled(show_pack(folder), meter.moved, False)


def _install(entry: Entry, coming: Path, folder: Path) -> None:
    """The last look, then the name; what else of that name began to come is not wanted now."""
    try:
        looked_through(coming, entry.name, entry.pack_digest)
    except PackDamaged:
        own.drop(coming)  # whole by the catalogue and yet no pack: the catalogue is wrong
        raise
    own.put(coming, folder)
    for other in own.began(entry.name):
        own.leave(other)


def _missing(entry: Entry) -> int:
    """Bytes that an earlier pull did not bring. Makes nothing."""
    coming = own.coming_path(entry.name, entry.pack_digest[:16])
    here = 0
    for file in entry.files:
        came = max(_size(coming / file.name), _size(coming / f"{file.name}.part"))
        here += min(came, file.bytes)
    return entry.bytes - here


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _address(base: str) -> tuple[str, Trust]:
    """Where a folder of the hub is asked for: at the hub, or at the mirror that the user named."""
    mirror = os.environ.get(MIRROR, "").strip().rstrip("/")
    mirrored = bool(mirror) and base.startswith(f"{HUB}/")
    if mirrored:
        try:
            checked(mirror)
        except InputError as fault:
            raise InputError(
                f"{MIRROR} names no hub: {fault.message}",
                hint=f"it stands for {HUB}, as https://HOST or http://HOST:PORT",
            ) from fault
        base = mirror + base.removeprefix(HUB)
    parts = checked(base)
    plain = frozenset({(parts.hostname or "").lower()}) if parts.scheme == "http" else frozenset()
    return base, Trust(plain, private=mirrored)


def _unpublished(entry: Entry) -> PackMissing:
    return PackMissing(
        f"no files of {entry.name} are published that this catalogue could check",
        hint=f"make it once, on any computer: localsearch packs export {entry.export}; "
        "then carry the folder: localsearch packs add DIR",
    )
