"""`python -m localsearch`, and the scripts `localsearch` and `lsearch`. Holds nothing else."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line on `sys.argv` and exit with its code."""
    # What is imported is no garbage, and looking through it time and again takes 15 ms.
    gc.set_threshold(50_000)
    ended: list[int] = []
    atexit.register(_end, ended)  # the first to be registered is the last to be called
    # Imports take a moment, in which Ctrl-C must end quietly too: so they come after this.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from localsearch.cli.main import run

    try:
        if signal.getsignal(signal.SIGINT) is _leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    ended.append(code)
    sys.exit(code)


def _end(ended: list[int]) -> None:
    """End here, when all threads have ended and whoever wanted to be called was: Python would now
    take every module apart, which takes 30 ms, and the system frees all at once."""
    if ended:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(ended[0])


def _leave(number: int, frame: FrameType | None) -> None:
    # Nothing is at work yet. SystemExit could be swallowed by a package that is half imported.
    os._exit(130)


if __name__ == "__main__":
    main()
