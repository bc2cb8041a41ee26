"""`python -m localsearch`, and the scripts `localsearch` and `lsearch`. Holds nothing else."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line on `sys.argv` and exit with its code."""
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
    sys.exit(code)


def _leave(number: int, frame: FrameType | None) -> None:
    # Nothing is at work yet. SystemExit could be swallowed by a package that is half imported.
    os._exit(130)


if __name__ == "__main__":
    main()
