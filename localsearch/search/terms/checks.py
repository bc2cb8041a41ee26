"""What a term takes: texts and numbers, checked once, in the form that terms keep and print.

Pure. Invariant: whatever cannot be used is an InputError that names the argument and shows what
was given; equal values are kept alike, so that equal terms print alike.
"""

from __future__ import annotations

import math
import os
from numbers import Real

from localsearch.errors import InputError
from localsearch.search.words import number_text


def text_of(value: object, what: str) -> str:
    """A text that is not empty, as it was given."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{what} is a text that is not empty, not {value!r}")
    return value


def path_of(value: object, what: str) -> str:
    """A text that can stand for a path: bytes that are no Unicode are lone surrogates in it."""
    text = text_of(value, what)
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is a text that a path can be, not {text!r}") from error
    return text


def number_in(value: object, what: str, least: float, most: float, *, hint: str = "") -> float:
    """A finite number from `least` to `most`; also of numpy."""
    number = math.nan
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:  # a whole number beyond every float
            number = math.inf
    if not math.isfinite(number) or not least <= number <= most:
        allowed = (
            f"from {short(least)} to {short(most)}"
            if math.isfinite(most)
            else (f"from {short(least)} on" if math.isfinite(least) else "that is finite")
        )
        raise InputError(f"{what} is a number {allowed}, not {value!r}", hint=hint)
    return number + 0.0  # -0.0 becomes 0.0


def fraction(value: object, what: str) -> float:
    """A number from 0 to 1."""
    return number_in(value, what, 0.0, 1.0)


def floor_text(floor: float | None) -> str:
    """How `at_least` or `min_score` is written."""
    return "" if floor is None else f">={number_text(floor)}"


def short(value: float) -> str:
    """The shortest text of a number, whole ones without a point; reads back as the same float."""
    return number_text(value).removesuffix(".0")
