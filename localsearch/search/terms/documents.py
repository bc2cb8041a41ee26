"""Metadata as they are asked for: one canonical JSON text, and pairs where these are enough.

Invariant: documents that are equal as JSON (1 is 1.0, true is not 1; order of keys is none) have
one text; what `pairs_text` writes, `from_pairs` reads back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from localsearch.errors import InputError
from localsearch.search.words import BARE, Item, query_error, quoted

# A key that needs no quotes: dots part keys, the rest are signs of the grammar.
_KEY: Final = re.compile(r"[^\s\"(),=<>.]+")
_DEEPEST: Final = 100  # levels, as in what can be kept (`catalog.metadata_terms`)
_HINT: Final = 'as metadata:album=home, metadata:a.b=1 or metadata:"{""a"": [1]}"'


def canonical(document: str | Mapping[str, Any]) -> str:
    """The one text of a JSON object. InputError if it is none, holds nothing, or no JSON can."""
    try:
        text = document
        if isinstance(text, Mapping):
            text = json.dumps(dict(text), allow_nan=False)
        found = _whole(json.loads(text, parse_constant=_no_constant))
        told = _dumped(found)
        told.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"metadata must be JSON: {error}", hint=_HINT) from error
    if not isinstance(found, dict) or not found:
        raise InputError(f"metadata are a mapping with at least one key, not {told}", hint=_HINT)
    return told


def pairs_text(document: Mapping[str, Any]) -> str | None:
    """`a.b=1,c="two words"`, or None where only the whole JSON text tells it."""
    pairs = list(_pairs((), document))
    if not all(path and _is_plain(path, value) for path, value in pairs):
        return None
    return ",".join(f"{'.'.join(path)}={_value_text(value)}" for path, value in pairs)


def from_pairs(items: Sequence[Item]) -> str:
    """The canonical text of what stands after `metadata:`; QueryError points at what is none.

    `key=value`, or one JSON object in quotes. A bare value is a number, true, false or null where
    it is one; a quoted value is a text. Dots part the keys of a bare key.
    """
    if len(items) == 1 and items[0].second is None:
        return canonical(items[0].value)
    document: dict[str, Any] = {}
    for item in items:
        if item.second is None:
            raise query_error(f"expected KEY=VALUE, found {item.value}", item.column, hint=_HINT)
        path = [item.value] if item.in_quotes else item.value.split(".")
        value = item.second if item.second_in_quotes else value_of(item.second)
        if not _put(document, path, value):
            told = f"{item.value} cannot be read as a key, or is given twice"
            raise query_error(told, item.column, hint=_HINT)
    return canonical(document)


def value_of(bare: str) -> Any:
    """A value without quotes: a number, true, false or null where it is one, else a text."""
    try:
        found = json.loads(bare, parse_constant=_no_constant)
        return found if not isinstance(found, float) or math.isfinite(found) else bare
    except (ValueError, RecursionError):
        return bare


def _put(document: dict[str, Any], path: Sequence[str], value: Any) -> bool:
    """Whether a value can stand at a path where nothing stands yet; then it does."""
    place: Any = document
    for key in path[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            return False
    if path[-1] in place or (len(path) > 1 and "" in path):
        return False
    place[path[-1]] = value
    return True


def _pairs(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _pairs((*path, key), inner)
    else:
        yield path, value


def _is_plain(path: tuple[str, ...], value: Any) -> bool:
    return not isinstance(value, dict | list) and all(_KEY.fullmatch(key) for key in path)


def _value_text(value: Any) -> str:
    if not isinstance(value, str):
        return _dumped(value)
    bare = BARE.fullmatch(value) and value_of(value) == value
    return quoted(value) if bare else '"' + value.replace('"', '""') + '"'


def _whole(value: Any, levels: int = _DEEPEST) -> Any:
    """JSON with every whole number as an int. ValueError below so many levels."""
    if isinstance(value, dict | list) and not levels:
        raise ValueError(f"more than {_DEEPEST} levels")
    if isinstance(value, dict):
        return {key: _whole(inner, levels - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner, levels - 1) for inner in value]
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ValueError("a number that no float holds")
    return int(value) if value.is_integer() else value


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
