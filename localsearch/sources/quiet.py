"""Keeps Pillow's warnings of one decode from being printed or raised, in this thread only.

Warning filters and loggers are globals of the process. `warnings.catch_warnings` swaps the whole
list and so changes what other threads see (and may put back a stale list): not used. Instead one
filter stands in the list whose patterns match only in a thread that is inside `quiet()`; it is
invisible to everybody else. (A filter's pattern is anything that has `match`.)
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast


class _QuietThread(threading.local):
    """Stands as pattern in a warning filter and as filter at Pillow's one chatty logger."""

    depth: int = 0

    def match(self, _text: str) -> bool:
        return self.depth > 0

    def filter(self, _record: logging.LogRecord) -> bool:
        return self.depth == 0


_quiet_thread = _QuietThread()
_FILTER: Any = ("ignore", _quiet_thread, Warning, None, 0)
# Pillow says "More samples per pixel than can be decoded" at error level, then raises.
_CHATTY = logging.getLogger("PIL.TiffImagePlugin")


@contextmanager
def quiet() -> Iterator[None]:
    """Within this block, in this thread, warnings go nowhere. May be nested."""
    filters = cast("list[Any]", warnings.filters)
    if not filters or filters[0] is not _FILTER:
        # Others (pytest, `-W error`, catch_warnings) put filters before ours or drop it.
        filters[:] = [_FILTER, *(item for item in filters if item is not _FILTER)]
    _CHATTY.addFilter(cast("Any", _quiet_thread))  # does nothing the second time
    _quiet_thread.depth += 1
    try:
        yield
    finally:
        _quiet_thread.depth -= 1
