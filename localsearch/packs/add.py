"""A pack from a folder or a zip, for computers without a network: copied, verified, then named.

Opens no socket, never changes the source. Only files that the manifest names are read, each up to
the length it says, and written under these plain names: a zip cannot place anything elsewhere or
fill the disk. Invariant: until every byte was compared, no name leads to the copy.
"""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from localsearch.deferred import NamedTuple
from localsearch.durable import replacing
from localsearch.errors import InputError, PackDamaged, PackError
from localsearch.pack.manifest import MANIFEST, Manifest, manifest_of
from localsearch.packs import own
from localsearch.packs.installed import PackInfo, show_pack
from localsearch.packs.meter import Meter, OnProgress
from localsearch.packs.standing import check_room, is_there, looked_through

_BESIDE = ("MODEL_CARD.md", "LICENSE", "NOTICE")
"""Files that a pack may have though its manifest names none of them."""
_LONGEST_TEXT = 4 << 20
_CHUNK = 1 << 20


class _Source(NamedTuple):
    """A folder or a zip: the lengths of its files, and a way to open one."""

    path: Path
    lengths: dict[str, int]
    open: Callable[[str], IO[bytes]]


def add_pack(
    path: Path,
    *,
    replace: bool = False,
    progress: OnProgress = None,
    stop: threading.Event | None = None,
) -> tuple[PackInfo, bool]:
    """Copy a pack into the user's own packs; True with it: it was there already.

    Raises InputError (neither folder nor zip), PackMissing (no pack in it), PackDamaged, PackError
    (another pack has the name), LibraryBusy, LibraryFull, Cancelled; then nothing is left of it.
    """
    with _opened(path) as source:
        manifest = _manifest(source)
        name = manifest.name
        own.own_folder(name)  # InputError before anything else
        there = is_there(name, manifest.pack_digest, replace=replace)
        if there is not None:
            return show_pack(there), True
        wanted = _wanted(source, manifest)
        with own.changing(name, f"adding the pack {name}") as folder:
            coming = own.coming_folder(name, "added")
            own.drop(coming)  # of one that died
            coming = own.coming_folder(name, "added")
            try:
                check_room(coming, sum(wanted.values()))
                meter = Meter("copy", sum(wanted.values()), progress, stop)
                for file, length in wanted.items():
                    _copy(source, file, length, coming / file, meter)
                looked_through(coming, name, manifest.pack_digest)
                own.put(coming, folder)
            finally:
                own.drop(coming)
    return show_pack(folder), False


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    if path.is_dir():
        yield _folder(path)
    elif path.is_file():  # anything else may never end
        with _unzipped(path) as archive:
            yield _zip(path, archive)
    else:
        raise InputError(f"{path} is neither a folder nor a file", hint="name a pack or its zip")


def _folder(path: Path) -> _Source:
    lengths = {one.name: one.stat().st_size for one in path.iterdir() if one.is_file()}
    return _Source(path, lengths, lambda name: (path / name).open("rb"))


@contextmanager
def _unzipped(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as fault:
        raise InputError(f"{path} is no zip, or was cut short", hint="copy it again") from fault
    except OSError as fault:
        raise InputError(f"{path} cannot be read: {fault.strerror or fault}") from fault
    with archive:
        yield archive


def _zip(path: Path, archive: zipfile.ZipFile) -> _Source:
    """The files beside the one manifest of a zip, at its top or in its one folder."""
    members = [one for one in archive.infolist() if not one.is_dir()]
    tops = [
        one.filename.removesuffix(MANIFEST)
        for one in members
        if one.filename.rpartition("/")[2] == MANIFEST and one.filename.count("/") <= 1
    ]
    if len(tops) != 1:
        raise InputError(
            f"{path} holds {len(tops) or 'no'} packs at its top",
            hint=f"zip one pack: a {MANIFEST} and its files, or the folder of these",
        )
    found: dict[str, zipfile.ZipInfo] = {}
    for one in members:
        name = one.filename.removeprefix(tops[0])
        if one.filename.startswith(tops[0]) and name in found:
            raise PackDamaged(f"{path} holds {name} twice")
        if one.filename.startswith(tops[0]):
            found[name] = one
    lengths = {name: one.file_size for name, one in found.items()}
    return _Source(path, lengths, lambda name: archive.open(found[name]))


def _manifest(source: _Source) -> Manifest:
    import tomllib

    if MANIFEST not in source.lengths:
        raise InputError(
            f"there is no pack in {source.path}: {MANIFEST} is absent",
            hint="name the folder or zip that packs export made",
        )
    if source.lengths[MANIFEST] > _LONGEST_TEXT:
        raise PackDamaged(f"{source.path}: {MANIFEST} is too long")
    text = b"".join(_chunks(source, MANIFEST, _LONGEST_TEXT))
    try:
        raw: dict[str, Any] = tomllib.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise PackDamaged(f"{source.path}: {MANIFEST} cannot be read: {fault}") from fault
    return manifest_of(raw, source.path)


def _wanted(source: _Source, manifest: Manifest) -> dict[str, int]:
    """The files to copy and their lengths, the manifest last. Raises PackDamaged."""
    wanted = {}
    for name, entry in sorted(manifest.files.items()):
        found = source.lengths.get(name)
        if found != entry.bytes:
            there = "it is absent" if found is None else f"found {found}"
            raise PackDamaged(
                f"{source.path}: {name} is damaged: expected {entry.bytes} bytes, {there}",
                hint="copy the pack again from where it was made",
            )
        wanted[name] = entry.bytes
    for name in (*_BESIDE, MANIFEST):
        if source.lengths.get(name, _LONGEST_TEXT + 1) <= _LONGEST_TEXT:
            wanted[name] = source.lengths[name]
    return wanted


def _copy(source: _Source, name: str, length: int, target: Path, meter: Meter) -> None:
    """Copy a file up to its length; that it is no other is found by its digest."""
    meter.file(name)
    with replacing(target) as to:
        for chunk in _chunks(source, name, length):
            to.write(chunk)
            meter.came(len(chunk))


def _chunks(source: _Source, name: str, length: int) -> Iterator[bytes]:
    """The bytes of a file of the source, never more than `length`.

    Raises PackDamaged, PackError, InputError.
    """
    try:
        with source.open(name) as file:
            while length and (chunk := file.read(min(_CHUNK, length))):
                length -= len(chunk)
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError) as fault:
        raise PackDamaged(f"{source.path}: {name}: {fault}") from fault
    except (NotImplementedError, RuntimeError) as fault:  # a method or a password
        raise InputError(
            f"{source.path}: {name}: {fault}", hint="zip it without a password, deflated or stored"
        ) from fault
    except OSError as fault:
        reason = fault.strerror or fault
        raise PackError(f"{source.path}: {name} cannot be read: {reason}") from fault
