"""Relative paths as bytes: joined, folded for look-ups, matched by globs. Pure.

Never touches a disk and never turns bytes into a native path. Invariant: bytes are the truth of a
path; text made of them here is for comparing only and cannot be turned back.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable

from localsearch.errors import InputError


def joined(folder: bytes, name: bytes) -> bytes:
    """`folder/name`; a name of the top folder (b"") stands alone."""
    return folder + (b"" if not folder or folder.endswith(b"/") else b"/") + name


def folded(folder: bytes, name: bytes) -> str:
    """NFC casefold of a path: macOS hands out NFD, and hands are not careful with capitals."""
    text = joined(folder, name).decode("utf-8", "replace")
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def below(folder: bytes) -> tuple[bytes, bytes]:
    """Bounds (inclusive, exclusive) of the folders strictly under a folder, in byte order."""
    stem = folder.rstrip(b"/")
    return stem + b"/", stem + b"0"  # "0" is the byte after "/"


def glob_matcher(glob: str) -> Callable[[bytes, bytes], bool]:
    """A test of (folder, name): `*` and `?` stay within a name, `**` crosses folders.

    `[abc]`, `[a-z]`, `[!a]` as in shells; case counts; NFC and NFD are the same.
    Raises InputError for a set that is none, such as `[z-a]`.
    """
    try:
        pattern = re.compile(_regex(_comparable(os.fsencode(glob))), re.DOTALL)
    except re.error as error:
        raise InputError(f"{glob!r} is no path pattern: {error}") from error

    def matches(folder: bytes, name: bytes) -> bool:
        return pattern.fullmatch(_comparable(joined(folder, name))) is not None

    return matches


def _comparable(path: bytes) -> str:
    text = path.decode("utf-8", "surrogateescape")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _regex(glob: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(glob):
        text, at = _piece(glob, at)
        parts.append(text)
    return "".join(parts)


def _piece(glob: str, at: int) -> tuple[str, int]:
    """The regular expression of the glob's next piece, and where the one after it starts."""
    if glob.startswith("**", at):
        after = at + 2
        while after < len(glob) and glob[after] == "*":
            after += 1
        starts_name = at == 0 or glob[at - 1] == "/"
        if starts_name and glob.startswith("/", after):
            return "(?:[^/]*/)*", after + 1
        return ".*", after
    one = glob[at]
    if one == "*":
        return "[^/]*", at + 1
    if one == "?":
        return "[^/]", at + 1
    if one == "[":
        return _set(glob, at)
    return re.escape(one), at + 1


def _set(glob: str, at: int) -> tuple[str, int]:
    """`[...]`; a `[` that is never closed is a plain character."""
    end = glob.find("]", at + 2 + (glob[at + 1 : at + 2] in ("!", "^")))
    if end < 0:
        return re.escape("["), at + 1
    inner = glob[at + 1 : end]
    negated = inner[0] in "!^"
    members = re.sub(r"([\[\]\\&~|^])", r"\\\1", inner[1:] if negated else inner)
    return f"(?!/)[{'^' if negated else ''}{members}]", end + 1
