"""The file of a backup: a zip of stored members, the list of them with their digests at its end.

Never compresses (features and thumbnails do not shrink), never follows a name. Invariants: a
reader takes only names that a backup holds, so that nothing is written outside the store; each
member is compared with its blake3, and the list with the one in the zip's comment, so that what
was cut or changed is never taken for a library.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from blake3 import blake3

from localsearch.deferred import dataclass
from localsearch.durable import replacing
from localsearch.errors import InputError, LibraryDamaged, LibraryTooNew

VERSION: Final = 1  # frozen: a reader refuses every higher number
LIST: Final = "manifest.json"  # frozen; the last member
_COMMENT: Final = b"localsearch backup blake3:"  # frozen; then the digest of the list
_NAMES: Final = re.compile(
    r"catalog\.sqlite|features-[0-9a-f]{16}\.sqlite|thumbs\.sqlite"
    r"|packs/[0-9a-f]{16}/(?!\.)[A-Za-z0-9_.\-]{1,100}"
)
_CHUNK: Final = 1 << 20
_LONGEST_LIST: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup."""

    bytes: int
    blake3: str


class Writer:
    """Adds files to a backup that is being written; see `writing`."""

    def __init__(self, archive: zipfile.ZipFile, step: Callable[[int], None]) -> None:
        self._zip, self._step = archive, step
        self.members: dict[str, Member] = {}

    def add(self, name: str, source: Path) -> None:
        """Add a file under a name, a mebibyte at a time."""
        assert _NAMES.fullmatch(name), name
        digest, count = blake3(), 0
        with source.open("rb") as file, self._zip.open(_info(name), "w", force_zip64=True) as to:
            while chunk := file.read(_CHUNK):
                to.write(chunk)
                digest.update(chunk)
                count += len(chunk)
                self._step(len(chunk))
        self.members[name] = Member(count, digest.hexdigest())

    def end(self, about: Mapping[str, Any]) -> None:
        """Write the list; `about` tells of the library."""
        files = {name: {"bytes": m.bytes, "blake3": m.blake3} for name, m in self.members.items()}
        body = {"version": VERSION, "localsearch": "backup", **about, "files": files}
        text = json.dumps(body, indent=1).encode()
        self._zip.writestr(_info(LIST), text)
        self._zip.comment = _COMMENT + blake3(text).hexdigest().encode()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)  # of 1980: equal libraries make equal files
    info.external_attr = 0o600 << 16
    return info


@contextmanager
def writing(file: IO[bytes], step: Callable[[int], None]) -> Iterator[Writer]:
    """Write a backup into an open file; `step` hears of bytes and stops it by raising."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        yield Writer(archive, step)


class Reader:
    """An open backup whose list is sound; `about` is the list without its files."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self._zip = path, archive
        body = _list_of(path, archive)
        self.members = _members(path, archive, body.pop("files", None))
        self.about: dict[str, Any] = body

    def extract(self, name: str, target: Path, step: Callable[[int], None]) -> None:
        """Write a member to a new file, compared with its digest. Raises LibraryDamaged."""
        digest, member = blake3(), self.members[name]
        try:
            with self._zip.open(name) as source, replacing(target) as file:
                while chunk := source.read(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    step(len(chunk))
        except (zipfile.BadZipFile, EOFError) as fault:
            raise _damaged(self.path, f"{name}: {fault}") from fault
        if digest.hexdigest() != member.blake3:
            found = f"{name}: expected blake3 {member.blake3}, found {digest.hexdigest()}"
            raise _damaged(self.path, found)


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open a backup. Raises InputError (not there), LibraryDamaged, LibraryTooNew."""
    if path.exists() and not path.is_file():  # a device may never end
        raise InputError(f"{path} is no file", hint="name the file that backup wrote")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as fault:
        raise _damaged(path, "it was cut short, or is no backup") from fault
    except OSError as fault:
        raise InputError(f"{path} cannot be read: {fault.strerror or fault}") from fault
    with archive:
        yield Reader(path, archive)


def _list_of(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    """The list, compared with its digest in the comment."""
    if not archive.comment.startswith(_COMMENT):
        raise InputError(f"{path} is no backup of localsearch", hint="name a file made by: backup")
    try:
        if archive.getinfo(LIST).file_size > _LONGEST_LIST:
            raise _damaged(path, "its list is too long")
        text = archive.read(LIST)
    except (KeyError, zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as fault:
        raise _damaged(path, f"its list cannot be read: {fault}") from fault
    if blake3(text).hexdigest().encode() != archive.comment[len(_COMMENT) :]:
        raise _damaged(path, "its list differs from its digest")
    try:
        body: dict[str, Any] = json.loads(text)
        version = int(body["version"])
    except (ValueError, LookupError, TypeError, RecursionError) as fault:
        raise _damaged(path, f"its list makes no sense: {fault!r}") from fault
    if version > VERSION:
        raise LibraryTooNew(
            f"{path} is a backup of version {version}, this program knows up to {VERSION}",
            hint="install a newer localsearch",
        )
    return body


def _members(path: Path, archive: zipfile.ZipFile, files: Any) -> dict[str, Member]:
    """The members as the list names them, if the zip holds just these, plainly stored."""
    try:
        found = {name: Member(int(one["bytes"]), one["blake3"]) for name, one in files.items()}
    except (AttributeError, LookupError, TypeError, ValueError) as fault:
        raise _damaged(path, f"its list makes no sense: {fault!r}") from fault
    held = [one for one in archive.infolist() if one.filename != LIST]
    for info in held:
        # The name as it stands in the file: zipfile cuts it at a NUL.
        if not _NAMES.fullmatch(info.orig_filename):
            raise _damaged(path, f"it holds {info.orig_filename!r}, which no backup does")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise _damaged(path, f"{info.filename} is not stored plainly")
        if info.filename in found and info.file_size != found[info.filename].bytes:
            raise _damaged(path, f"{info.filename} has {info.file_size} bytes")
    if sorted(info.filename for info in held) != sorted(found) or "catalog.sqlite" not in found:
        raise _damaged(path, "its members are not those of its list")
    if sum(one.bytes for one in found.values()) > path.stat().st_size:
        raise _damaged(path, "its members are longer than the file")
    return found


def _damaged(path: Path, what: str) -> LibraryDamaged:
    return LibraryDamaged(
        f"{path} is damaged: {what}", hint="nothing was changed; take another backup"
    )
