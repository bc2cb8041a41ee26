"""`python -m localsearch`, and the scripts `localsearch` and `lsearch`. Holds nothing else."""

from __future__ import annotations

import sys

from localsearch.cli.main import run


def main() -> None:
    """Run the command line on `sys.argv` and exit with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
