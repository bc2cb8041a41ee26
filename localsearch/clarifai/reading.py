"""Reads what clients send: JSON that is not quite JSON, numbers as text, fields that are null.

Pure. Invariants: whatever cannot be read is a Fault with a cause, never another exception; texts
that are given hold no halves of characters; null and "not there" are the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from localsearch.clarifai.answer import BAD_FORMAT, BAD_REQUEST, Fault, Json
from localsearch.deferred import NamedTuple

PER_PAGE: Final = 20
MOST_PER_PAGE: Final = 1000
"""More is cut to it silently; nobody knows what the era's service did."""

MOST_ITEMS: Final = 128
"""Items of one batch, as the clients check it themselves."""

_LAST_PAGE: Final = 2**31
_HALVES: Final = re.compile("[\ud800-\udfff]")
_UNQUOTED: Final = re.compile(r'("base64"\s*:\s*)(?=[A-Za-z0-9+/_-]{16})')
"""The guide prints a cURL line that leaves out the quote before the base64."""

_MOST_LEVELS: Final = 200


def body_of(body: bytes | bytearray | Mapping[str, Any] | None) -> Json:
    """The JSON object of a request; nothing, blanks and null are an empty one.

    Lenient where clients are sloppy: line ends inside texts, a byte order mark. The content type
    says nothing reliable, so nobody looks at it.
    """
    if body is None or isinstance(body, Mapping):
        return dict(body or {})
    raw = bytes(body)
    text = raw.decode("utf-8-sig", "replace").strip()
    found = _parsed(text) if text else None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Fault(BAD_FORMAT, f"the body is a JSON object, not {kind_of(found)}")
    if b"\\ud" in raw or b"\\uD" in raw:
        found = _whole_characters(found)
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, strict=False, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        mended = _UNQUOTED.sub(r'\1"', text)
        if mended != text:
            return _parsed(mended)
        raise Fault(BAD_FORMAT, f"the body is not JSON: {error}"[:200]) from error


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _whole_characters(value: Any, levels: int = _MOST_LEVELS) -> Any:
    """The same without lone halves of characters, which nothing can store or send."""
    if not levels:
        raise Fault(BAD_FORMAT, "the body is nested too deep")
    if isinstance(value, str):
        return _HALVES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole_characters(each, levels - 1) for each in value]
    if isinstance(value, dict):
        return {
            _HALVES.sub("\ufffd", key): _whole_characters(each, levels - 1)
            for key, each in value.items()
        }
    return value


def kind_of(value: object) -> str:
    """A word of JSON for what a value is."""
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def shown(value: object) -> str:
    """A value as a message repeats it, cut short."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:80]}..."


def object_of(value: object, name: str, code: int) -> Json:
    """An object; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Fault(code, f"{name} is an object, not {kind_of(value)}")
    return value


def list_of(value: object, name: str, code: int) -> list[Any]:
    """A list; null is an empty one, and one object stands for a list of it."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise Fault(code, f"{name} is a list, not {kind_of(value)}")
    return value


def text_of(value: object, name: str, code: int) -> str:
    """A text; null and blanks are "", a whole number is its digits."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Fault(code, f"{name} is a text, not {kind_of(value)}")
    return value if value.strip() else ""


def number_of(value: object, name: str, code: int) -> float | None:
    """A finite number; null is None. One client sends numbers as texts."""
    if value is None:
        return None
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = _float(value)
    elif isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = math.nan
    if not math.isfinite(number):
        raise Fault(code, f"{name} is a number, not {shown(value)}")
    return number


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def truth_of(value: object, name: str, code: int) -> bool:
    """A concept's value as yes or no: absent is yes, 0 is no, true before 1 (bool is an int)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    number = number_of(value, name, code)
    return number is None or number != 0


def flag_of(value: object) -> bool:
    """A switch; what is no yes is a no."""
    return value is True or value == 1 or (isinstance(value, str) and value.lower() == "true")


class Paging(NamedTuple):
    """Which page, counted from 1, of how many items."""

    page: int
    per_page: int

    @property
    def start(self) -> int:
        """How many items stand before it."""
        return (self.page - 1) * self.per_page

    def cut(self, items: list[Any]) -> list[Any]:
        """This page of a whole list; empty past its end."""
        return items[self.start : self.start + self.per_page]


def paging_of(query: str, body: Mapping[str, Any]) -> Paging:
    """From the body's `pagination`, else from the query string; what is missing or < 1 counts as
    the default, whole numbers written as floats or texts as what they are."""
    asked = parse_qs(query, keep_blank_values=True, errors="replace") if query else {}
    told = body.get("pagination")
    told = told if isinstance(told, dict) else {}

    def one(name: str, default: int, most: int) -> int:
        for value in (told.get(name), *asked.get(name, ())[-1:]):
            number = _whole(value)
            if number is not None and number >= 1:
                return min(number, most)
        return default

    return Paging(one("page", 1, _LAST_PAGE), one("per_page", PER_PAGE, MOST_PER_PAGE))


def _whole(value: object) -> int | None:
    try:
        number = number_of(value, "a page", BAD_REQUEST)
    except Fault:
        return None
    return None if isinstance(value, bool) or number is None else int(number)


def items_of(body: Json, name: str, code: int) -> list[Json]:
    """The items of a batch: a list of objects, at least one and at most 128."""
    items = list_of(body.get(name), name, code)
    if not items:
        raise Fault(code, f"{name} is a list with at least one item")
    if len(items) > MOST_ITEMS:
        raise Fault(code, f"{name} holds {len(items)} items; {MOST_ITEMS} are the most at once")
    return [object_of(each, f"each of {name}", code) for each in items]
