"""The words for what an input can be in. Frozen: they stand in stores and in JSON."""

from __future__ import annotations

STATES: tuple[str, ...] = (
    "ok",  # decoded and indexed
    "missing",  # its file is gone; tags, metadata and features are kept
    "offline",  # its drive or folder is not there now; still searchable
    "not-on-this-disk",  # a cloud placeholder: seen, never read
    "too-large",  # more bytes or pixels than the limits allow
    "unsupported",  # not a picture format that is known
    "undecodable",  # a known format, but the data is broken
    "unreadable",  # the file cannot be opened or read
    "no-decoder",  # a known format whose decoder is not installed
)
"""Every state an input can be in. Frozen words: they stand in stores and in JSON."""

FAILED: frozenset[str] = frozenset(
    {"too-large", "unsupported", "undecodable", "unreadable", "no-decoder"}
)
"""States of inputs that could not be indexed; they are tried again when the file changes."""

ELSEWHERE: frozenset[str] = frozenset({"missing", "offline", "not-on-this-disk"})
"""States that tell where the file is, not what is in it: the content's own state waits below."""
