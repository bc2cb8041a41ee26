"""Relative paths as bytes: joined, folded for look-ups, matched by globs. Pure.

Never touches a disk and never turns bytes into a native path. Invariant: bytes are the truth of a
path; text made of them here is for comparing only and cannot be turned back.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from typing import Final, TypeAlias

from localsearch.deferred import NamedTuple
from localsearch.errors import InputError

Piece: TypeAlias = tuple[str, str]
"""A piece of a pattern as it is written, and as a regular expression."""

_ANY_FOLDERS: Final = "(?:[^/]*/)*"
_ENDS_A_FOLDER: Final = (re.escape("/"), _ANY_FOLDERS)
_ANY_DEPTH: Final[Piece] = ("**", ".*")
_ANY_NAME: Final[Piece] = ("*", "[^/]*")
_COMPOSED: Final = b";K`"
"""ASCII that NFC makes of other characters (Greek question mark, Kelvin, varia)."""


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
    matches = _whole(glob, [regex for _, regex in _pieces(_comparable(os.fsencode(glob)))])
    return lambda folder, name: matches(joined(folder, name))


class Glob(NamedTuple):
    """A pattern taken apart at its last `/`, so that each folder is looked at once.

    `start` is plain text that every matching folder, with its `/`, begins with. A path matches if
    `folders` takes its folder and `names` its name (None: any); `is_whole` says that this is not
    enough and `matches` must be asked as well. `prefix` and `suffix`: plain ASCII that every
    matching name of ASCII begins and ends with; `is_affix`: and that is all of it.
    """

    start: bytes
    folders: Callable[[bytes], bool]
    names: Callable[[bytes], bool] | None
    prefix: bytes
    suffix: bytes
    is_affix: bool
    is_whole: bool
    matches: Callable[[bytes, bytes], bool]


def taken_apart(glob: str) -> Glob:
    """The same pattern as `glob_matcher(glob)`, for many paths. Raises InputError likewise."""
    pieces = _pieces(_comparable(os.fsencode(glob)))
    start = _start(pieces)
    cut = max((at for at, (_, regex) in enumerate(pieces, 1) if regex in _ENDS_A_FOLDER), default=0)
    above, last = pieces[:cut], pieces[cut:]
    if last and last[0] == _ANY_DEPTH:  # it crosses folders, and goes on into the name
        above, last = [*above, _ANY_DEPTH], [_ANY_NAME, *last[1:]]
    is_whole = _ANY_DEPTH in last
    prefix = b"" if is_whole else _plain(last)
    suffix = b"" if is_whole else _plain(last[len(prefix) :][::-1])[::-1]
    affix = (*_literals(prefix), _ANY_NAME, *_literals(suffix))
    folders = _whole(glob, [".*"] if is_whole else [regex for _, regex in above])
    return Glob(
        start=start,
        folders=lambda folder: folders(joined(folder, b"")),
        names=None if is_whole or last == [_ANY_NAME] else _whole(glob, [r for _, r in last]),
        prefix=prefix,
        suffix=suffix,
        is_affix=not is_whole and tuple(last) == affix,
        is_whole=is_whole,
        matches=glob_matcher(glob),
    )


def _comparable(path: bytes) -> str:
    text = path.decode("utf-8", "surrogateescape")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _whole(glob: str, regexes: list[str]) -> Callable[[bytes], bool]:
    """A test of the whole of a path, or of a part of one."""
    try:
        pattern = re.compile("".join(regexes), re.DOTALL)
    except re.error as error:
        raise InputError(f"{glob!r} is no path pattern: {error}") from error
    return lambda path: pattern.fullmatch(_comparable(path)) is not None


def _start(pieces: list[Piece]) -> bytes:
    """The plain text that a pattern begins with, up to its last `/`.

    Of ASCII without those signs that a path in another Unicode form may hold as others.
    """
    plain = _plain(pieces)
    end = next((at for at, one in enumerate(plain) if one in _COMPOSED), len(plain))
    return plain[: plain.rfind(b"/", 0, end) + 1]


def _plain(pieces: list[Piece]) -> bytes:
    """The ASCII characters that stand for themselves, up to the first piece that does not."""
    plain: list[str] = []
    for text, regex in pieces:
        if len(text) != 1 or not text.isascii() or regex != re.escape(text):
            break
        plain.append(text)
    return "".join(plain).encode()


def _literals(plain: bytes) -> list[Piece]:
    return [(one, re.escape(one)) for one in plain.decode()]


def _pieces(glob: str) -> list[Piece]:
    """The pattern as (text, regular expression) of its signs and characters."""
    parts: list[Piece] = []
    at = 0
    while at < len(glob):
        regex, after = _piece(glob, at)
        parts.append(("**" if regex == ".*" else glob[at:after], regex))
        at = after
    return parts


def _piece(glob: str, at: int) -> tuple[str, int]:
    """The regular expression of the glob's next piece, and where the one after it starts."""
    if glob.startswith("**", at):
        after = at + 2
        while after < len(glob) and glob[after] == "*":
            after += 1
        starts_name = at == 0 or glob[at - 1] == "/"
        if starts_name and glob.startswith("/", after):
            return _ANY_FOLDERS, after + 1
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
