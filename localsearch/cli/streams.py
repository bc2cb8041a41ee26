"""Standard streams as they may be: closed from the start, a pipe that nobody reads, a full disk.

Touches these three streams only. Knows no command.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys

_CLOSED = {errno.EPIPE, errno.ESHUTDOWN, *({errno.EINVAL} if os.name == "nt" else set())}
_FAILED = {errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF, getattr(errno, "EDQUOT", -1)}


def fill_closed() -> None:
    """Give streams that were closed (`>&-`) the null device.

    Its number is taken by that, so that no file of ours becomes "standard output" by chance.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def closed(fault: OSError) -> bool:
    """Whether the reader of our output went away: `| head` had enough."""
    return fault.filename is None and fault.errno in _CLOSED


def failed(fault: OSError) -> bool:
    """Whether output could not be written. Faults of files name their file, these do not."""
    return fault.filename is None and fault.errno in _FAILED


def give_up() -> None:
    """What is left in the buffers goes nowhere; Python would complain of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
