"""The bytes of a job, whole and of one moment.

Never decodes and never writes. Invariant: what is returned was the whole content of the file
between two looks at its size and time that agree; else it is refused, to be read another time.
"""

from __future__ import annotations

import os
import stat

from localsearch.deferred import dataclass
from localsearch.errors import PictureError
from localsearch.pipeline.job import Job
from localsearch.sources.limits import Limits, check_bytes


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes with the size and time of their file; `mtime_ns` is None without one."""

    data: bytes
    size: int
    mtime_ns: int | None


def content_of(job: Job, limits: Limits) -> Content:
    """Raises PictureError: `unreadable` (gone, forbidden, changed since), `too-large`."""
    if job.path is None:
        data = job.data if job.data is not None else b""
        check_bytes(len(data), limits)
        return Content(data, len(data), None)
    try:
        return _content_of_file(job.path, job.size, limits)
    except (OSError, ValueError) as fault:  # ValueError: a NUL in the path
        reason = getattr(fault, "strerror", None) or str(fault)
        raise PictureError("unreadable", f"the file cannot be read: {reason}") from fault


def _content_of_file(path: str | bytes, planned: int, limits: Limits) -> Content:
    # Looked at before it is opened: to open a named pipe would wait for its writer.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise PictureError("unreadable", "this is no regular file")
    with open(path, "rb") as file:
        before = os.fstat(file.fileno())
        check_bytes(before.st_size, limits)
        data = file.read(before.st_size + 1)
        after = os.fstat(file.fileno())
    unchanged = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if not unchanged or not len(data) == before.st_size == planned:
        raise PictureError("unreadable", "the file was changed while it was read")
    return Content(data, before.st_size, before.st_mtime_ns)
