"""Dies at one step of many: for crash tests, in a child process."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any


def die_at(step: int, *targets: tuple[ModuleType, str]) -> None:
    """End this process, as a crash would, at that call (from 0) of all the functions named."""
    left = [step]
    for module, name in targets:
        setattr(module, name, _dying(getattr(module, name), name, left))


def _dying(real: Any, name: str, left: list[int]) -> Any:
    def call(*args: Any, **named: Any) -> Any:
        if left[0] == 0:
            if name == "sync_file":  # what was not synced may be cut anywhere
                args[0].truncate(args[0].tell() // 2)
            os._exit(9)
        left[0] -= 1
        return real(*args, **named)

    return call
