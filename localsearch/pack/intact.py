"""Whether the files of a pack are those that its manifest names.

Never repairs and never writes into a pack. Invariant: a pack passes either because every byte was
read and matched, or because nothing about its files changed since that was done (a stamp of size,
modification time and file number, kept in the user's cache folder). Beside the stamp lies what the
manifest says, so that an unchanged one is not parsed again: `tomllib` takes 5 ms to import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

from localsearch.durable import replace_file
from localsearch.errors import LocalsearchError, PackDamaged
from localsearch.log import logger
from localsearch.pack.digests import file_digest
from localsearch.pack.manifest import MANIFEST, Manifest

Stamps = dict[str, list[int]]


def kept_manifest(folder: Path) -> dict[str, Any] | None:
    """What the manifest said when all files were last read whole and matched; None where that was
    never, or where any of them changed since."""
    try:
        kept = json.loads(_stamp_path(folder).read_text(encoding="utf-8"))
        files, raw = kept["files"], kept["manifest"]
        same = MANIFEST in files and files == {name: _stamp(folder / name) for name in files}
        return raw if same and isinstance(raw, dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_files(folder: Path, manifest: Manifest, raw: Mapping[str, Any]) -> None:
    """Raise PackDamaged (file, expected, found) unless the files are as the manifest says.

    Reads every byte; `raw`, the manifest as it was read, is kept with the stamp. What is told to
    lie elsewhere may be absent.
    """
    stamps = _stamps_of(folder, manifest)
    for name, entry in manifest.files.items():
        if name not in stamps:  # of a store's copy: it lies elsewhere
            continue
        found = _digest(folder / name)
        if found != entry.blake3:
            raise PackDamaged(
                f"{folder / name} is damaged: expected {entry.blake3}, found {found}",
                hint="install the pack anew",
            )
    _keep(folder, raw, stamps)


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as fault:
        raise PackDamaged(f"{path} cannot be read: {fault.strerror or fault}") from fault


def _stamp(path: Path) -> list[int]:
    """Size, mtime and file number."""
    info = path.stat()
    return [info.st_size, info.st_mtime_ns, info.st_ino]


def _stamps_of(folder: Path, manifest: Manifest) -> Stamps:
    """The stamp of each file; a wrong size needs no digest to be damage."""
    stamps: Stamps = {}
    for name in (MANIFEST, *sorted(manifest.files)):
        try:
            stamp = _stamp(folder / name)
        except OSError as fault:
            if isinstance(fault, FileNotFoundError) and _is_elsewhere(folder, name):
                continue
            raise PackDamaged(
                f"{folder / name} is absent or cannot be read ({fault.strerror})",
                hint="install the pack anew",
            ) from fault
        expected = manifest.files[name].bytes if name in manifest.files else stamp[0]
        if stamp[0] != expected:
            raise PackDamaged(
                f"{folder / name} is damaged: expected {expected} bytes, found {stamp[0]}",
                hint="install the pack anew",
            )
        stamps[name] = stamp
    return stamps


def _is_elsewhere(folder: Path, name: str) -> bool:
    from localsearch.pack.elsewhere import elsewhere_of  # few packs have a file elsewhere

    return name in elsewhere_of(folder).names


def _stamp_path(folder: Path) -> Path:
    from platformdirs import user_cache_path

    name = blake3(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return user_cache_path("localsearch", appauthor=False) / "pack-stamps" / f"{name}.json"


def _keep(folder: Path, raw: Mapping[str, Any], stamps: Stamps) -> None:
    path = _stamp_path(folder)
    content = json.dumps({"manifest": raw, "files": stamps})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content.encode("utf-8"))
    except (OSError, LocalsearchError) as fault:
        # A cache that cannot be written costs a check of some 10 ms at each start, no more.
        logger().debug("no stamp of the pack was kept: %s", fault)
