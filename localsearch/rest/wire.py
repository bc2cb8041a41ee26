"""What travels between this room and the one that answers: JSON objects, ids in paths.

Never opens anything; it knows shapes only.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

Json = dict[str, Any]
"""A JSON object. The old classes have methods called `dict`, so the type needs another name."""

BATCH = 128
"""Inputs in one call at most, as the old client promised its service."""


def escaped(name: object) -> str:
    """An id as one segment of a path."""
    return quote(str(name), safe="")


def plain(value: Any) -> Any:
    """A value as JSON would carry it, with its own lists and objects; long texts are not copied.

    Raises TypeError for what JSON cannot carry, as the old client's encoder did.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {_key(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _key(name: object) -> str:
    if isinstance(name, str):
        return name
    if isinstance(name, bool):
        return "true" if name else "false"
    if isinstance(name, int | float):
        return repr(name)
    if name is None:
        return "null"
    raise TypeError(f"keys of JSON objects are text, not {type(name).__name__}")
