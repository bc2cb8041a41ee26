"""File systems, volumes, and folders that a cloud service keeps in step.

Never raises; answers with a safe guess where the system does not tell. Invariant: a path that does
not exist is answered for by its nearest parent that does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

from localsearch.deferred import NamedTuple
from localsearch.machine.system import PROC, kernel32, text_of

# Kinds of file systems whose files come over a network, as the systems name them.
# fmt: off
NETWORK_KINDS = frozenset((
    "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afpfs", "webdav", "davfs", "davfs2",
    "fuse.sshfs", "fuse.davfs2", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs",
    "glusterfs", "ceph", "fuse.ceph", "afs", "9p", "ncpfs", "lustre", "beegfs", "gpfs", "ocfs2",
    "coda", "fuse.curlftpfs", "fuse.smbnetfs", "fuse.gvfsd-fuse", "remote",
))
# fmt: on

# The beginning of a folder's name -> the service that keeps it in step.
_SYNCED = (
    ("com~apple~clouddocs", "iCloud Drive"),
    ("mobile documents", "iCloud Drive"),
    ("iclouddrive", "iCloud Drive"),
    ("icloud drive", "iCloud Drive"),
    ("onedrive", "OneDrive"),
    ("dropbox", "Dropbox"),
    ("google drive", "Google Drive"),
    ("googledrive", "Google Drive"),
    ("my drive", "Google Drive"),
    ("nextcloud", "Nextcloud"),
    ("owncloud", "ownCloud"),
    ("box sync", "Box"),
    ("pcloud", "pCloud"),
    ("pclouddrive", "pCloud"),
    ("megasync", "MEGA"),
    ("synologydrive", "Synology Drive"),
    ("seafile", "Seafile"),
    ("proton drive", "Proton Drive"),
)


class FileSystem(NamedTuple):
    """The file system of a path. `rotating` is None where the system does not tell."""

    kind: str
    network: bool
    read_only: bool
    rotating: bool | None


class Volume(NamedTuple):
    """A mounted volume: an id that stays over mounts (None where there is none), and its place."""

    id: str | None
    mount: Path


class _Mount(NamedTuple):
    place: Path
    kind: str
    device: str  # "major:minor"
    source: str
    read_only: bool


def file_system_of(path: str | Path) -> FileSystem:
    """What file system `path`, or its nearest parent that exists, lies on."""
    place = _existing(Path(path))
    if sys.platform == "win32":
        return _windows_file_system(place)
    mount = _mount_of(place)
    read_only = mount.read_only if mount else False
    with contextlib.suppress(OSError):
        read_only = read_only or bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    if mount is None:
        return FileSystem(
            _darwin_kind(place), _darwin_kind(place) in NETWORK_KINDS, read_only, None
        )
    return FileSystem(mount.kind, mount.kind in NETWORK_KINDS, read_only, _rotating(mount.device))


def volume_of(path: str | Path) -> Volume:
    """The volume that `path`, or its nearest parent that exists, lies on."""
    place = _existing(Path(path))
    if sys.platform == "win32":
        return _windows_volume(place)
    mount = _mount_of(place)
    if mount is not None:
        return Volume(_ids_of_devices().get(mount.source), mount.place)
    while not os.path.ismount(place) and place != place.parent:
        place = place.parent
    return Volume(None, place)


def mounts() -> list[Volume]:
    """All mounted volumes that have an id: where a drive that came back may be now."""
    if sys.platform == "win32":
        drives = [Path(f"{letter}:\\") for letter in "CDEFGHIJKLMNOPQRSTUVWXYZAB"]
        found = [_windows_volume(drive) for drive in drives if drive.exists()]
    else:
        ids = _ids_of_devices()
        found = [Volume(ids.get(mount.source), mount.place) for mount in _mounts()]
    return [volume for volume in found if volume.id is not None]


def cloud_synced(path: str | Path) -> str | None:
    """The service that keeps the folder of `path` in step with a cloud, by well-known names."""
    parts = [part.casefold() for part in Path(path).expanduser().absolute().parts]
    if "cloudstorage" in parts[:-1]:  # macOS: ~/Library/CloudStorage/<Service>-<account>
        name = Path(path).expanduser().absolute().parts[parts.index("cloudstorage") + 1]
        return next((s for p, s in _SYNCED if name.casefold().startswith(p)), name.split("-")[0])
    for part in parts:
        for prefix, service in _SYNCED:
            # "Dropbox (Family)", "OneDrive - Company" too, but not "Dropbox backups of 2019".
            if part == prefix or part.startswith((f"{prefix} (", f"{prefix} - ")):
                return service
    return None


def _existing(path: Path) -> Path:
    place = path.expanduser().absolute()
    with contextlib.suppress(OSError, RuntimeError):
        place = place.resolve()
    with contextlib.suppress(OSError):
        while not place.exists() and place != place.parent:
            place = place.parent
    return place


def _mounts() -> list[_Mount]:
    found: list[_Mount] = []
    for line in text_of(PROC / "self" / "mountinfo").splitlines():
        first, _, second = line.partition(" - ")
        left, right = first.split(" "), second.split(" ")
        if len(left) >= 6 and len(right) >= 2:
            options = left[5].split(",")
            place = Path(_unescaped(left[4]))
            found.append(_Mount(place, right[0], left[2], _unescaped(right[1]), "ro" in options))
    return found


def _mount_of(place: Path) -> _Mount | None:
    # The last of equal places is the one on top.
    above = [m for m in _mounts() if m.place == place or m.place in place.parents]
    return max(above, key=lambda mount: len(mount.place.parts)) if above else None


def _unescaped(text: str) -> str:
    for code, mark in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, mark)
    return text


def _rotating(device: str) -> bool | None:
    block = Path("/sys/dev/block") / device
    with contextlib.suppress(OSError):
        block = block.resolve()
        for folder in (block, block.parent):  # a partition's queue is its disk's
            told = text_of(folder / "queue" / "rotational")
            if told in ("0", "1"):
                return told == "1"
    return None


def _ids_of_devices() -> dict[str, str]:
    """Device path -> UUID of its file system, as udev links them."""
    found: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for link in Path("/dev/disk/by-uuid").iterdir():
            with contextlib.suppress(OSError):
                found[str(link.resolve())] = link.name
    return found


def _darwin_kind(place: Path) -> str:
    """`f_fstypename` of statfs(2): 72 bytes into the structure with 64-bit file numbers."""
    if sys.platform != "darwin":
        return "unknown"
    with contextlib.suppress(Exception):
        system = ctypes.CDLL(None)
        call = getattr(system, "statfs$INODE64", None) or system.statfs
        room = ctypes.create_string_buffer(4096)
        if not call(os.fsencode(place), room):
            return room.raw[72:88].split(b"\0", 1)[0].decode("ascii", "replace") or "unknown"
    return "unknown"


def _windows_volume(place: Path) -> Volume:
    root, _, serial = _windows_facts(place)
    return Volume(serial, Path(root))


def _windows_file_system(place: Path) -> FileSystem:
    root, kind, _ = _windows_facts(place)
    network = root.startswith("\\\\")
    with contextlib.suppress(Exception):
        network = network or kernel32().GetDriveTypeW(root) == 4  # DRIVE_REMOTE
    return FileSystem(kind.casefold() or "unknown", network, not os.access(root, os.W_OK), None)


def _windows_facts(place: Path) -> tuple[str, str, str | None]:
    """Mount point, file system and serial number of the volume of `place`."""
    root, kind, serial = place.anchor, "", None
    with contextlib.suppress(Exception):
        text = ctypes.create_unicode_buffer(1024)
        if kernel32().GetVolumePathNameW(str(place), text, 1024):
            root = text.value
        number, name = ctypes.c_ulong(0), ctypes.create_unicode_buffer(64)
        if kernel32().GetVolumeInformationW(
            root, None, 0, ctypes.byref(number), None, None, name, 64
        ):
            kind, serial = name.value, f"{number.value:08x}"
    return root, kind, serial
