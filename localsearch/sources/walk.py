"""Walks a photo folder: which photos it shows, folder by folder, without opening them.

Names are raw bytes (what `os.fsencode` gives), relative paths use `/` on every system. Folders
come in ascending order of their relative path, so that a catalog can be merged with the walk.
Never writes; reads a file's first bytes only where its suffix tells nothing, and never those of
a cloud placeholder, since reading would fetch it. Imports no decoder.
"""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from operator import attrgetter
from pathlib import Path
from typing import Any

from localsearch.deferred import NamedTuple, dataclass
from localsearch.sources.formats import SUFFIX_KINDS, format_of, kind_of_suffix
from localsearch.sources.ignore import HIDDEN, Ignore, built_in_rule, is_photos_library
from localsearch.sources.placeholders import is_placeholder, stands_for

ListFolder = Callable[..., Any]
"""Like `os.scandir`: takes the folder's path as bytes, gives entries or raises OSError."""

_SNIFFED = 4096
_DOT = ord(".")
_KINDS: dict[bytes, str] = {os.fsencode(suffix): kind for suffix, kind in SUFFIX_KINDS.items()}
_STORE_MARKS = frozenset((b"segments", b"packs", b"thumbs.sqlite", b"sync.lock", b"publish.lock"))


class Sighting(NamedTuple):
    """A photo as the folder shows it. A tuple, not a dataclass: 100,000 of them are made 3x as
    fast. `placeholder`: its data is not on this disk."""

    name: bytes
    size: int
    mtime_ns: int
    placeholder: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """What one folder shows.

    `path` is relative to the root, b"" for the root itself. `ignored` are names of photos that
    a rule of the user's hides, `ignored_folders` names of folders so hidden (not entered).
    `other` counts the files that are no photos by kind. `error`: why it cannot be listed.
    """

    path: bytes
    photos: list[Sighting] = field(default_factory=list)
    ignored: list[bytes] = field(default_factory=list)
    other: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    ignored_folders: list[bytes] = field(default_factory=list)


def walk_folder(
    root: Path, ignore: Ignore, *, below: bytes = b"", list_folder: ListFolder = os.scandir
) -> Iterator[Folder]:
    """Every folder of `root` (or of its folder `below`), in ascending order of `Folder.path`.

    Never raises for what lies below: a folder that cannot be listed is given with its error.
    Links to folders outside the root are followed, once each; links into the root are not: what
    they show is seen where it lies.
    """
    walk = _Walk(os.fsencode(root), ignore, list_folder)
    pending = [below]
    while pending:
        # A heap, because "a", "a-b", "a/c" is the order of bytes and a plain descent gives a, a/c.
        path = heapq.heappop(pending)
        folder, subfolders = walk.look(path)
        for name in subfolders:
            heapq.heappush(pending, path + b"/" + name if path else name)
        yield folder


def look_at_file(root: Path, relative: bytes, ignore: Ignore) -> Folder:
    """One file as a walk would show it: a Folder with just this file in one of its lists."""
    path, _, name = relative.rpartition(b"/")
    folder = Folder(path)
    if ignore.hides(path, True) is not None if path else False:
        _count(folder, "hidden")
        return folder
    walk = _Walk(os.fsencode(root), ignore, os.scandir)
    if built_in_rule(path or os.fsencode(root), name, False) not in (None, HIDDEN):
        _count(folder, "hidden")
        return folder
    try:
        walk.take_file(folder, _Named(walk.native(path), name))
    except OSError:
        _count(folder, "unreadable")
    return folder


class _Named:
    """One entry, as `os.scandir` would give it."""

    def __init__(self, folder: bytes, name: bytes) -> None:
        self.name = name
        self.path = os.path.join(folder, name)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return os.stat(self.path, follow_symlinks=follow_symlinks)


class _Walk:
    """One walk: the root, and the real folders that links have led to so far."""

    def __init__(self, root: bytes, ignore: Ignore, list_folder: ListFolder) -> None:
        self._root, self._ignore, self._list = root, ignore, list_folder
        self._real_root = os.path.realpath(root)
        self._followed: list[bytes] = []

    def look(self, path: bytes) -> tuple[Folder, list[bytes]]:
        """The folder at a relative path, and the names of the folders in it to be entered."""
        native = self.native(path)
        try:
            entries = sorted(self._list(native), key=attrgetter("name"))
        except OSError as fault:
            return Folder(path, error=fault.strerror or str(fault)), []
        folder = Folder(path)
        if _is_store(entries):
            folder.other["localsearch store"] = len(entries)
            return folder, []
        shows_files = not is_photos_library(path or self._root)
        subfolders = []
        for entry in entries:
            try:
                if entry.is_dir():
                    if self._enters(folder, entry):
                        subfolders.append(entry.name)
                elif shows_files:
                    self.take_file(folder, entry)
                else:
                    _count(folder, "hidden")
            except OSError:
                _count(folder, "unreadable")
        folder.photos.sort()
        return folder, subfolders

    def native(self, path: bytes) -> bytes:
        if not path:
            return self._root
        separator = os.sep.encode()
        inside = path if separator == b"/" else path.replace(b"/", separator)
        return self._root.rstrip(separator) + separator + inside

    def _enters(self, folder: Folder, entry: os.DirEntry[bytes]) -> bool:
        if built_in_rule(folder.path or self._root, entry.name, True) is not None:
            return False
        if self._ignore.has_rules and self._user_rule(folder, entry.name, True):
            folder.ignored_folders.append(entry.name)
            return False
        return not _is_link(entry) or self._follows(entry.path)

    def _follows(self, link: bytes) -> bool:
        """Whether a link leads somewhere that this walk does not see anyway."""
        target = os.path.realpath(link)
        if any(_within(target, seen) for seen in (self._real_root, *self._followed)):
            return False
        if _within(self._real_root, target):
            return False
        self._followed.append(target)
        return True

    def take_file(self, folder: Folder, entry: os.DirEntry[bytes] | _Named) -> None:
        """Runs once a file: a walk of 100,000 files spends half its time here, the rest in stat."""
        name = entry.name
        if name[0] == _DOT:
            self._take_hidden(folder, entry)
            return
        kind = _KINDS.get(name[name.rfind(b".") :].lower(), "")
        if kind and kind != "photo":
            _count(folder, kind)
            return
        status = entry.stat()
        placeholder = is_placeholder(status)
        if not stat.S_ISREG(status.st_mode):
            _count(folder, "special")
        elif not kind and (kind := _sniffed(entry, placeholder)) != "photo":
            _count(folder, kind)
        elif self._ignore.has_rules and self._user_rule(folder, name, False):
            folder.ignored.append(name)
        else:
            folder.photos.append(Sighting(name, status.st_size, status.st_mtime_ns, placeholder))

    def _take_hidden(self, folder: Folder, entry: os.DirEntry[bytes] | _Named) -> None:
        """Out, but for the stub that iCloud leaves of a photo."""
        name = stands_for(entry.name)
        if name is None or kind_of_suffix(os.fsdecode(name[name.rfind(b".") :])) != "photo":
            _count(folder, "hidden")
        elif self._ignore.has_rules and self._user_rule(folder, name, False):
            folder.ignored.append(name)
        else:
            status = entry.stat()
            folder.photos.append(Sighting(name, status.st_size, status.st_mtime_ns, True))

    def _user_rule(self, folder: Folder, name: bytes, is_folder: bool) -> str | None:
        relative = folder.path + b"/" + name if folder.path else name
        return self._ignore.user_rule(relative, is_folder)


def _sniffed(entry: os.DirEntry[bytes] | _Named, placeholder: bool) -> str:
    """ "photo" or another kind, by content: for files whose suffix tells nothing."""
    if placeholder:
        return "unknown"
    with open(entry.path, "rb") as file:
        form = format_of(file.read(_SNIFFED))
    return form.kind if form is not None else "unknown"


def _count(folder: Folder, kind: str) -> None:
    folder.other[kind] = folder.other.get(kind, 0) + 1


def _is_store(entries: Iterable[os.DirEntry[bytes]]) -> bool:
    """A store has its catalog and something else that only stores have."""
    names = {entry.name for entry in entries}
    if b"catalog.sqlite" not in names:
        return False
    return not _STORE_MARKS.isdisjoint(names) or any(n.startswith(b"features-") for n in names)


def _is_link(entry: os.DirEntry[bytes]) -> bool:
    """A symbolic link, or a junction of Windows (which `is_symlink` does not tell)."""
    if entry.is_symlink():
        return True
    if os.name != "nt":
        return False
    tag = getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0)
    return tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", 0xA0000003)


def _within(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep.encode()) + os.sep.encode())
