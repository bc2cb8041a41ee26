"""Checks what callers hand to the library, once, at its door; gives it in the form used inside.

Pure and light: opens nothing and imports nothing heavy. Invariant: whatever cannot be used is an
InputError that names the argument, shows what was given and says what is allowed.
"""

from __future__ import annotations

import operator
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable
from numbers import Real
from pathlib import Path
from typing import Any

from localsearch.errors import InputError
from localsearch.library.places import AnyPath, absolute
from localsearch.records import STATES

Stop = threading.Event | Callable[[], bool] | None
"""How callers tell a long call to stop: an Event, or a function that gives True."""

_SHOWN = 60  # characters of a wrong value that a message repeats


def refused(name: str, value: object, allowed: str) -> InputError:
    """The error for an argument that cannot be used."""
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return InputError(f"{name} is {allowed}, not {shown}")


def text(value: object, name: str) -> str:
    """A text, which may be empty."""
    if not isinstance(value, str):
        raise refused(name, value, "a text")
    return value


def texts(value: object, name: str) -> list[str]:
    """One text or several, each once, in order."""
    if isinstance(value, str):
        return [value]
    items = _items(value, name, "a text or several of them")
    return list(dict.fromkeys(text(item, f"each item of {name}") for item in items))


def any_path(value: object, name: str) -> AnyPath:
    """A path as it was given."""
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(given, str) or not given or "\0" in given:
        raise refused(name, value, "a path: a text or a pathlib.Path")
    try:
        os.fsencode(given)
    except UnicodeEncodeError as error:
        raise refused(name, value, "a path: a text of Unicode characters") from error
    return given


def path(value: object, name: str) -> Path:
    """A path, made absolute."""
    given = any_path(value, name)
    try:
        return absolute(given)
    except RuntimeError as error:
        raise refused(name, given, "a path, and ~ an account of this computer") from error


def paths(value: object, name: str) -> list[Path]:
    """One path or several, made absolute."""
    if isinstance(value, str | os.PathLike):
        return [path(value, name)]
    items = _items(value, name, "a path or several of them")
    return [path(item, f"each item of {name}") for item in items]


def whole(value: object, name: str, *, least: int = 1) -> int:
    """A whole number from `least` on; also of numpy."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise refused(name, value, f"a whole number from {least} on")
    return number


def fraction(value: object, name: str) -> float:
    """A number from 0 to 1; also of numpy."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
    if not 0.0 <= number <= 1.0:  # false for NaN as well
        raise refused(name, value, "a number from 0 to 1")
    return number


def flag(value: object, name: str) -> bool:
    """True or False: a text such as "no" would count as true."""
    if not isinstance(value, bool):
        raise refused(name, value, "True or False")
    return value


def state(value: object) -> str | None:
    """A word of `records.STATES`, or None."""
    if value is None:
        return None
    if not isinstance(value, str) or value not in STATES:
        raise refused("state", value, f"None or one of {', '.join(STATES)}")
    return value


def function(value: Any, name: str) -> Any:
    """Something to call, or None."""
    if value is not None and not callable(value):
        raise refused(name, value, "a function or None")
    return value


def stop(value: Any) -> Callable[[], bool]:
    """A stop flag as a question: an Event (of any library), a function, or None for never."""
    asked: Any = getattr(value, "is_set", value)
    if asked is None:
        return lambda: False
    if not callable(asked):
        raise refused("stop", value, "an Event, a function that gives True to stop, or None")
    told: Callable[[], bool] = asked
    return told


def patterns(value: object) -> tuple[str, ...]:
    """Ignore rules, one or several. A text is one rule, not its letters."""
    from localsearch.sources.ignore import Ignore

    found = tuple(texts(value, "ignore"))
    for rule in found:
        try:
            Ignore([rule])
        except re.error as error:
            raise refused("ignore", rule, f"patterns as in .gitignore ({error})") from error
    return found


def root_name(value: object) -> str | None:
    """The name of a root, None for that of its folder.

    "/" would part it from the paths in it, and control characters garble what is printed.
    """
    if value is None:
        return None
    name = text(value, "name")
    unfit = "/" in name or any(unicodedata.category(c) in ("Cc", "Cs") for c in name)
    if unfit or not name.strip():
        raise refused("name", name, "a root's name: not empty, without / and control characters")
    return name


def sources(value: Any) -> Iterable[Any]:
    """Several sources; a single one is refused, since a text would be taken for its letters."""
    single = isinstance(value, str | bytes | bytearray | memoryview | os.PathLike | dict)
    if single or not isinstance(value, Iterable):
        raise refused("sources", value, "several sources, as [source, ...]")
    return value


def _items(value: object, name: str, allowed: str) -> Iterable[object]:
    if isinstance(value, bytes | bytearray) or not isinstance(value, Iterable):
        raise refused(name, value, allowed)
    return value
