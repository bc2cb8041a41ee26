"""Hints for the command line: those of the library speak to programs, which have arguments.

Words only; decides nothing and changes no code.
"""

from __future__ import annotations

import re
from pathlib import Path

import localsearch as ls

_OF_PROGRAMS = re.compile(r"read_only|read-only|lock_timeout|\w=|\bopen it without\b")
_COMMAND = re.compile(
    r"\blocalsearch (?=(?:sync|search|roots|purge|failures|show|status|verify)\b)"
)
_ADVICE: tuple[tuple[type[ls.LocalsearchError], str], ...] = (
    (ls.LibraryBusy, "another localsearch is writing; try again when it is done"),
    (ls.LibraryReadOnly, "searches work; for changes make the library's folder writable"),
    (ls.LibraryFull, "free some space, then try again"),
    (ls.LibraryError, "run localsearch sync once with the right to write in the library's folder"),
)
_LONGEST = 60  # characters of a name in a message
REINSTALL = "pip install --force-reinstall localsearch"


def hint_of(error: ls.LocalsearchError, library: Path | None) -> str:
    """What a person at a terminal can do; names `library` where the command named it."""
    hint = error.hint
    if _is_our_pack(error):
        hint = f"run: {REINSTALL}"
    elif _OF_PROGRAMS.search(hint):
        hint = next((told for kind, told in _ADVICE if isinstance(error, kind)), hint)
    if library is not None and "--library" not in hint:
        hint = _COMMAND.sub(lambda _: f'localsearch --library "{library}" ', hint)
    return hint


def _is_our_pack(error: ls.LocalsearchError) -> bool:
    """Whether a pack that came along with the program is damaged."""
    house = Path(ls.__file__).parent
    places = (house / "_packs", house.parent / "weights")
    return isinstance(error, ls.PackDamaged) and any(str(one) in error.message for one in places)


def short(text: str) -> str:
    """A name as it stands in a message: not longer than a line."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
