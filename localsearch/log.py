"""The logger of the house, made when something is first told: importing `logging` takes 5 ms.

Never decides what is shown: programs do, at `logging.getLogger("localsearch")`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


@cache
def logger() -> Logger:
    """The logger `localsearch`."""
    import logging

    found = logging.getLogger("localsearch")
    # A library never prints: without this, Python writes warnings of a silent logger to stderr.
    found.addHandler(logging.NullHandler())
    return found
