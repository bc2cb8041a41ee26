"""A file's bytes, mapped into memory, without holding the file open where that can be had.

Python's own `mmap` keeps a descriptor for each mapping until 3.13, and macOS lets a process have
256 of them: a store of some dozen segments beside an app's own files comes near. So on POSIX an
older Python asks the C library itself. Never writes. Invariant: the mapping lives as long as a
view of it does, whatever was closed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import weakref
from pathlib import Path
from typing import Any


class Mapping:
    """The bytes of a file: `view`. Made by `map_file`; close it when done."""

    def __init__(self, held: Any) -> None:
        self._held = held
        self.view = memoryview(held).cast("B").toreadonly()

    def close(self) -> None:
        """Give the mapping back; with views still held it goes when the last of them goes."""
        with contextlib.suppress(BufferError):
            self.view.release()
        held, self._held = self._held, b""
        if isinstance(held, mmap.mmap):
            with contextlib.suppress(BufferError):
                held.close()


def map_file(path: Path) -> Mapping:
    """Map a whole file, or read it where that cannot be done. Raises OSError."""
    with open(path, "rb") as file:
        length = os.fstat(file.fileno()).st_size
        if not length:
            return Mapping(b"")
        try:
            return Mapping(_mapped(file.fileno(), length))
        except (OSError, ValueError):
            return Mapping(file.read())  # file systems that cannot map


def _mapped(descriptor: int, length: int) -> Any:
    if sys.version_info >= (3, 13) and os.name != "nt":
        return mmap.mmap(descriptor, length, access=mmap.ACCESS_READ, trackfd=False)
    if os.name == "posix" and sys.maxsize > 2**32:
        with contextlib.suppress(AttributeError):
            return _mapped_by_c(descriptor, length)
    return mmap.mmap(descriptor, length, access=mmap.ACCESS_READ)


def _mapped_by_c(descriptor: int, length: int) -> Any:
    """An array over a mapping of the C library's; unmapped when nothing looks at it any more."""
    import ctypes

    c = ctypes.CDLL(None, use_errno=True)
    c.mmap.restype = ctypes.c_void_p
    c.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64]
    c.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    place = c.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if place in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    held = (ctypes.c_ubyte * length).from_address(place)
    # Not at exit: another thread may still be reading, and the system takes it back anyway.
    weakref.finalize(held, c.munmap, place, length).atexit = False
    return held
