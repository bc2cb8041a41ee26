"""What a caller says of a source to be added, checked before anything is read.

Pure: reads no source. Invariant: a `NewInput` made here names exactly one source, and what it says
of it can be kept; everything else is an InputError that says what is allowed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from numbers import Real
from typing import Any

from localsearch.catalog.metadata_terms import DEEPEST, check_depth
from localsearch.deferred import dataclass
from localsearch.errors import InputError


@dataclass(frozen=True, slots=True)
class NewInput:
    """A source and what the user says of it."""

    source: Any = None
    base64: str | bytes | None = None
    data: bytes | None = None
    id: str | None = None
    tags: Mapping[str, bool] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None
    source_url: str | None = None
    place: tuple[float, float] | None = None


def item_of(source: Any) -> NewInput:
    """One item of `add_many`: a source, or a mapping with the arguments of `Library.add`."""
    if not isinstance(source, Mapping):
        return made_new(source=source)
    known = [each.name for each in fields(NewInput)]
    unknown = [str(name) for name in source if name not in known]
    if unknown:
        raise InputError(
            f"add takes no {', '.join(unknown)}", hint=f"its arguments are {', '.join(known)}"
        )
    return made_new(**source)


def made_new(**arguments: Any) -> NewInput:
    """The arguments of `Library.add`, checked. Raises InputError before anything is read."""
    new = NewInput(**{**arguments, "tags": tags_of(arguments.get("tags"))})
    check_forms(new.base64, new.data)
    if sum(given is not None for given in (new.source, new.base64, new.data)) != 1:
        raise InputError("give exactly one of source, base64 and data")
    if new.id is not None and (not isinstance(new.id, str) or not new.id.strip()):
        raise InputError(f"id is a text that is not empty, or None, not {new.id!r}")
    check_metadata(new.metadata)
    check_source_url(new.source_url)
    check_place(new.place)
    return new


def check_forms(base64: object, data: object) -> None:
    """InputError unless `base64` is a text and `data` bytes: a path is neither."""
    if base64 is not None and not isinstance(base64, str | bytes):
        raise InputError(f"base64 is a text, not a {type(base64).__name__}")
    if data is not None and not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(
            f"data is the bytes of an encoded picture, not a {type(data).__name__}",
            hint="a path or an object in memory is the source, the first argument",
        )


def check_metadata(metadata: object) -> None:
    """InputError unless it is None or a mapping that JSON can hold."""
    if metadata is None:
        return
    if not isinstance(metadata, Mapping):
        raise InputError(f"metadata is a mapping that JSON can hold, or None, not {metadata!r}")
    try:
        json.dumps(dict(metadata), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"metadata must be JSON: {error}") from error
    if not check_depth(dict(metadata)):
        raise InputError(f"metadata may be nested {DEEPEST} levels deep, not more")


def check_source_url(url: object) -> None:
    """InputError unless it is None or a text."""
    if url is not None and not isinstance(url, str):
        raise InputError(f"source_url is a text or None, not {url!r}")


def check_place(place: object) -> None:
    """InputError unless it is None or a latitude and a longitude in degrees."""
    if place is None:
        return
    numbers = place if isinstance(place, tuple | list) and len(place) == 2 else (math.nan,) * 2
    for number, most in zip(numbers, (90.0, 180.0), strict=True):
        fits = isinstance(number, Real) and not isinstance(number, bool)
        if not fits or not abs(float(number)) <= most:
            raise InputError(
                f"place is (latitude, longitude) in degrees, or None, not {place!r}",
                hint="the latitude comes first: (48.1, 11.6)",
            )


def tag_name(name: object) -> str:
    """A tag as it is kept: white space at the ends is cut, inside it becomes one space."""
    cleaned = " ".join(name.split()) if isinstance(name, str) else ""
    if not cleaned:
        raise InputError(f"a tag's name is a text that is not empty, not {name!r}")
    return cleaned


def tags_of(tags: object) -> dict[str, bool]:
    """Tags as a mapping; names alone mean that it is so."""
    if tags is None:
        return {}
    if isinstance(tags, str):
        return {tag_name(tags): True}
    if isinstance(tags, Mapping):
        wrong = [value for value in tags.values() if not isinstance(value, bool)]
        if wrong:
            raise InputError(f"the value of a tag is True or False, not {wrong[0]!r}")
        return {tag_name(name): value for name, value in tags.items()}
    if isinstance(tags, bytes) or not isinstance(tags, Iterable):
        raise InputError(f"tags are names, or a mapping of names to True or False, not {tags!r}")
    return {tag_name(name): True for name in tags}
