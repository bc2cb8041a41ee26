"""Paths as clients spell them: double slashes, a slash at the end, apps in front, ids escaped.

Pure. Invariant: a path is split before anything in it is decoded, so an id may hold a slash.
"""

from __future__ import annotations

from urllib.parse import unquote

_VERSIONS = ("v1", "v2")


def split_query(path: str, query: str) -> tuple[str, str]:
    """Path and query string, also where the query still hangs on the path."""
    path, mark, rest = path.partition("?")
    return path, query or (rest if mark else "")


def segments_of(path: str) -> tuple[str, tuple[str, ...]]:
    """The version that stands in front ("" without one), and what follows it, decoded.

    `users/{u}/apps/{a}` says whose data it is; there is one app here, so it says nothing.
    """
    raw = [each for each in path.split("/") if each]
    version = raw.pop(0) if raw and raw[0].lower() in _VERSIONS else ""
    if len(raw) >= 4 and raw[0] == "users" and raw[2] == "apps":
        raw = raw[4:]
    parts = tuple(_decoded(each) for each in raw)
    return version.lower(), parts


def _decoded(segment: str) -> str:
    plain = segment.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return unquote(plain, errors="replace")
