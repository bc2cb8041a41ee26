"""Tells files whose data is not on this disk: cloud placeholders. Never opens one.

Windows marks them by file attributes (OneDrive, Dropbox, iCloud), macOS by a flag (APFS dataless);
before macOS 14, iCloud left a hidden `.IMG_1.jpg.icloud` in the place of `IMG_1.jpg`.
"""

from __future__ import annotations

import os

# winnt.h: FILE_ATTRIBUTE_OFFLINE, _RECALL_ON_OPEN, _RECALL_ON_DATA_ACCESS
_WINDOWS_AWAY = 0x1000 | 0x40000 | 0x400000
_MACOS_DATALESS = 0x40000000  # sys/stat.h: SF_DATALESS
_ICLOUD_END = b".icloud"


def is_placeholder(status: os.stat_result) -> bool:
    """Whether reading the file would fetch it from somewhere else."""
    attributes = getattr(status, "st_file_attributes", 0)
    return bool(attributes & _WINDOWS_AWAY or getattr(status, "st_flags", 0) & _MACOS_DATALESS)


def stands_for(name: bytes) -> bytes | None:
    """The name of the photo that an iCloud stub stands for; None for every other file."""
    if name.startswith(b".") and name.endswith(_ICLOUD_END) and len(name) > len(_ICLOUD_END) + 1:
        return name[1 : -len(_ICLOUD_END)]
    return None
