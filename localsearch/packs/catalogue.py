"""The packs that can be fetched: where their files are, how long, with which digests and terms.

Reads one TOML file; never opens a socket. Invariant: an Entry with files can be checked whole
before anything of it is used; one without names no file that nobody has looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localsearch.deferred import NamedTuple
from localsearch.errors import PackError, PackMissing
from localsearch.net.proxies import is_loopback
from localsearch.pack import find
from localsearch.pack.manifest import MANIFEST

FORMAT = 1  # frozen: a reader refuses every higher number
CATALOGUE = "catalogue.toml"
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
"""Names of packs are those of folders on every system, and no two differ in case only."""

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("summary", "licence", "source", "trained_on", "training_terms")


class RemoteFile(NamedTuple):
    """A file of a pack where it is published: its name there and here, its length, its SHA-256."""

    name: str
    bytes: int
    sha256: str


class Entry(NamedTuple):
    """A pack of the catalogue.

    `export` is the command line that makes it from its source. `base` is the folder of its files
    on the web and `pack_digest` the digest of the pack that they are; without `files` none are
    published, or none that the makers of this catalogue could check.
    """

    name: str
    summary: str
    licence: str
    source: str
    trained_on: str
    training_terms: str
    export: str
    version: int
    pack_digest: str
    base: str
    files: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int:
        """What there is to fetch."""
        return sum(file.bytes for file in self.files)


def read_catalogue(path: Path | None = None) -> dict[str, Entry]:
    """The entries by name, of the catalogue that comes along or of a file. Raises PackError."""
    import tomllib

    path = _own() if path is None else path
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        if raw["format"] > FORMAT:
            raise PackError(
                f"{path} has format {raw['format']}, this program reads up to {FORMAT}",
                hint="update localsearch",
            )
        packs = raw.get("packs", {})
        return {name: _entry(name, packs[name], path) for name in packs}
    except OSError as fault:
        raise PackError(f"{path} cannot be read: {fault.strerror or fault}") from fault
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise PackError(f"{path} is no catalogue: {fault}") from fault
    except (KeyError, TypeError, AttributeError) as fault:
        raise PackError(f"{path} is no catalogue: {fault!r}") from fault


def entry_of(name: str, path: Path | None = None) -> Entry:
    """The entry of a name. Raises PackMissing, which names those that there are; PackError."""
    entries = read_catalogue(path)
    if name not in entries:
        there = ", ".join(sorted(entries)) or "none"
        raise PackMissing(
            f"the catalogue has no pack {name!r}",
            hint=f"there are: {there}; any other OpenCLIP model: localsearch packs export",
        )
    return entries[name]


def _own() -> Path:
    for place in find.pack_places()[1:]:
        if (place / CATALOGUE).is_file():
            return place / CATALOGUE
    raise PackError("the catalogue of packs did not come along", hint="reinstall localsearch")


def _entry(name: str, raw: Mapping[str, Any], path: Path) -> Entry:
    files = tuple(_file(name, one, path) for one in raw.get("files", ()))
    texts = {text: _text(name, raw, text, path) for text in _TEXTS}
    entry = Entry(
        name=name,
        **texts,
        export=str(raw.get("export", "")),
        version=int(raw.get("version", 0)),
        pack_digest=str(raw.get("pack_digest", "")),
        base=str(raw.get("base", "")).rstrip("/"),
        files=files,
    )
    if not NAME.fullmatch(name):
        raise PackError(f"{path}: {name!r} is no name of a pack")
    names = {file.name.lower() for file in files}
    if files and (len(names) < len(files) or MANIFEST not in names):
        raise PackError(f"{path}: the files of {name} are not each named once, {MANIFEST} too")
    if files and not _SHA256.fullmatch(entry.pack_digest):
        raise PackError(f"{path}: {name} has files but no digest of the pack")
    if files and not _may_be_asked(entry.base):
        raise PackError(f"{path}: the base of {name} does not begin with https://")
    return entry


def _file(name: str, raw: Mapping[str, Any], path: Path) -> RemoteFile:
    file = RemoteFile(raw["name"], raw["bytes"], raw["sha256"])
    whole = type(file.bytes) is int and file.bytes >= 0
    if not (whole and _FILE.fullmatch(file.name) and _SHA256.fullmatch(file.sha256)):
        raise PackError(f"{path}: a file of {name} has no plain name, length or SHA-256: {raw}")
    return file


def _text(name: str, raw: Mapping[str, Any], key: str, path: Path) -> str:
    if not isinstance(raw.get(key), str):
        raise PackError(f"{path}: {name} does not tell its {key}")
    return str(raw[key])


def _may_be_asked(base: str) -> bool:
    """https; http only of this computer, which only a catalogue of the user's own names."""
    parts = urlsplit(base)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
