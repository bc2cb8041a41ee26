"""Whether the files of a pack are those that its manifest names.

Never repairs and never writes into a pack. Invariant: a pack passes either because every byte was
read and matched, or because nothing about its files changed since that was done (a stamp of size,
modification time and file number, kept in the user's cache folder).
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from blake3 import blake3

from localsearch.durable import replace_file
from localsearch.errors import LocalsearchError, PackDamaged
from localsearch.pack.digests import file_digest
from localsearch.pack.manifest import MANIFEST, Manifest

_log = logging.getLogger("localsearch")

Stamp = dict[str, list[int]]


def check_files(folder: Path, manifest: Manifest, *, whole: bool) -> None:
    """Raise PackDamaged (file, expected, found) unless the files are as the manifest says.

    Reads every byte when `whole`, or when they have no stamp or another one.
    """
    stamp = _stamp_of(folder, manifest)
    if not whole and stamp == _kept_stamp(folder, manifest):
        return
    for name, entry in manifest.files.items():
        found = _digest(folder / name)
        if found != entry.blake3:
            raise PackDamaged(
                f"{folder / name} is damaged: expected {entry.blake3}, found {found}",
                hint="install the pack anew",
            )
    _keep_stamp(folder, manifest, stamp)


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as fault:
        raise PackDamaged(f"{path} cannot be read: {fault.strerror or fault}") from fault


def _stamp_of(folder: Path, manifest: Manifest) -> Stamp:
    """Size, mtime and file number of each file; a wrong size needs no digest to be damage."""
    stamp: Stamp = {}
    for name in (MANIFEST, *sorted(manifest.files)):
        try:
            info = (folder / name).stat()
        except OSError as fault:
            raise PackDamaged(
                f"{folder / name} is absent or cannot be read ({fault.strerror})",
                hint="install the pack anew",
            ) from fault
        expected = manifest.files[name].bytes if name in manifest.files else info.st_size
        if info.st_size != expected:
            raise PackDamaged(
                f"{folder / name} is damaged: expected {expected} bytes, found {info.st_size}",
                hint="install the pack anew",
            )
        stamp[name] = [info.st_size, info.st_mtime_ns, info.st_ino]
    return stamp


def _stamp_path(folder: Path) -> Path:
    from platformdirs import user_cache_path

    name = blake3(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return user_cache_path("localsearch", appauthor=False) / "pack-stamps" / f"{name}.json"


def _kept_stamp(folder: Path, manifest: Manifest) -> Stamp | None:
    try:
        kept = json.loads(_stamp_path(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("pack_digest") != manifest.pack_digest:
        return None
    files = kept.get("files")
    return files if isinstance(files, dict) else None


def _keep_stamp(folder: Path, manifest: Manifest, stamp: Stamp) -> None:
    path = _stamp_path(folder)
    content = json.dumps({"pack_digest": manifest.pack_digest, "files": stamp})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content.encode("utf-8"))
    except (OSError, LocalsearchError) as fault:
        # A cache that cannot be written costs a check of some 10 ms at each start, no more.
        _log.debug("no stamp of the pack was kept: %s", fault)
