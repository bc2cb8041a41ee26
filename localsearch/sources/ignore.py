"""Which files and folders a walk leaves out: rules that always hold, and the user's own.

The user's are written as in .gitignore: `*` and `?` do not cross `/`, `**` does, a leading or
inner `/` ties a rule to the root, a trailing one to folders, `!` takes back, the last match wins.
Paths are bytes relative to the root with `/`, compared as they are, case included.
Pure: touches no disk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from localsearch.deferred import dataclass

HIDDEN = "hidden files"
_NEVER_ENTERED = frozenset(
    # The work of NAS boxes, Windows, Lightroom and earlier thumbnailers: no photos of the user's.
    (b"@eadir", b"#recycle", b"$recycle.bin", b"system volume information", b"lost+found")
)
_NEVER_ENTERED_ENDS = (b".lrdata",)
_LIBRARY_END = b".photoslibrary"
_ORIGINALS = b"originals"


@dataclass(frozen=True, slots=True)
class _Rule:
    text: str
    pattern: re.Pattern[bytes]
    folders_only: bool
    takes_back: bool


class Ignore:
    """The built-in rules and the user's `patterns`. Immutable."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = tuple(patterns)
        rules = (_rule(text) for text in self.patterns)
        self._rules = tuple(rule for rule in rules if rule is not None)[::-1]
        self.has_rules = bool(self._rules)

    def ignored(self, relative: bytes, is_folder: bool) -> str | None:
        """The rule that leaves this one file or folder out, None if none does.

        Looks at this path only: whoever has not walked there asks `hides`.
        """
        folder, _, name = relative.rpartition(b"/")
        return built_in_rule(folder, name, is_folder) or self.user_rule(relative, is_folder)

    def user_rule(self, relative: bytes, is_folder: bool) -> str | None:
        """The pattern of the user that leaves this path out."""
        for rule in self._rules:
            if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(relative):
                return None if rule.takes_back else rule.text
        return None

    def hides(self, relative: bytes, is_folder: bool = False) -> str | None:
        """The rule that leaves out this path or a folder above it."""
        parts = relative.split(b"/")
        for depth in range(1, len(parts)):
            rule = self.ignored(b"/".join(parts[:depth]), True)
            if rule is not None:
                return rule
        return self.ignored(relative, is_folder)


def is_photos_library(folder: bytes) -> bool:
    """Whether a folder of this path is a library of Apple Photos, which looks like one file."""
    return folder[-len(_LIBRARY_END) :].lower() == _LIBRARY_END


def built_in_rule(folder: bytes, name: bytes, is_folder: bool) -> str | None:
    """Design's own rules, for an entry `name` of `folder`. Dot files cover `._*`, `.thumbnails`
    and stores called `.localsearch`."""
    if name.startswith(b"."):
        return HIDDEN
    if is_photos_library(folder) and not (is_folder and name.lower() == _ORIGINALS):
        return "inside a Photos library only originals/"
    lower = name.lower() if is_folder else b""
    if lower in _NEVER_ENTERED or lower.endswith(_NEVER_ENTERED_ENDS):
        return name.decode("utf-8", "replace")
    return None


def _rule(text: str) -> _Rule | None:
    """One line of the user's; None for blanks and comments."""
    pattern = text.rstrip()
    if not pattern or pattern.startswith("#"):
        return None
    takes_back = pattern.startswith("!")
    pattern = pattern[1:] if pattern[:1] in ("!", "\\") else pattern
    folders_only = pattern.endswith("/")
    pattern = pattern.rstrip("/")
    tied = "/" in pattern
    body = _expression(pattern.lstrip("/").encode("utf-8", "surrogateescape"))
    start = b"" if tied else rb"(?:.*/)?"
    return _Rule(text, re.compile(start + body, re.DOTALL), folders_only, takes_back)


_TOKEN = re.compile(rb"/\*\*/|^\*\*/|/\*\*$|\*+|\?|\[!?\]?[^\]/]*\]|\\.|[^*?\[\\/]+|.", re.DOTALL)


def _expression(pattern: bytes) -> bytes:
    """A regular expression for a gitignore pattern without its marks."""
    return b"".join(_piece(token) for token in _TOKEN.findall(pattern))


def _piece(token: bytes) -> bytes:
    fixed = {
        b"/**/": rb"/(?:.*/)?",
        b"**/": rb"(?:.*/)?",
        b"/**": rb"/.*",
        b"?": rb"[^/]",
    }
    if token in fixed:
        return fixed[token]
    if token.startswith(b"*"):
        return rb"[^/]*"
    if len(token) > 2 and token.startswith(b"["):
        inner = token[1:-1].replace(b"\\", b"\\\\").replace(b"[", b"\\[")
        return b"[" + (b"^" + inner[1:] if inner.startswith(b"!") else inner) + b"]"
    return re.escape(token[1:] if len(token) == 2 and token.startswith(b"\\") else token)
