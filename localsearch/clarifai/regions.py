"""Regions of a picture that a user marked: kept beside the input and shown again, never searched.

Never looks at a picture. Invariant: what is kept has no nulls and only the fields that the
strictest client knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import localsearch as ls
from localsearch.clarifai.answer import BAD_INPUT, Json
from localsearch.clarifai.reading import list_of, object_of

KIND: Final = "regions"
"""The kind of the notes (frozen: it stands in stores); their ids are those of the inputs."""

_FIELDS: Final = ("id", "region_info", "data")


def regions_told(value: Any) -> list[Json] | None:
    """The regions of an item; None where none were told, [] where they are to go."""
    if value is None:
        return None
    found = []
    for each in list_of(value, "data.regions", BAD_INPUT):
        region = object_of(each, "each of data.regions", BAD_INPUT)
        found.append(_whole({name: region.get(name) for name in _FIELDS}))
    return [each for each in found if each]


def regions_of(library: ls.Library, ids: Sequence[str]) -> dict[str, list[Json]]:
    """The regions of inputs, by id; an input without any has no entry."""
    notes = library.notes(KIND, ids) if ids else ()
    return {one.id: list(one.document["regions"]) for one in notes}


def keep_regions(library: ls.Library, told: Mapping[str, Sequence[Json] | None]) -> None:
    """Put the regions of inputs in place of those before; None and [] leave none."""
    kept = {id: {"regions": list(regions)} for id, regions in told.items() if regions}
    if kept:
        library.put_notes(KIND, kept)
    for note in library.notes(KIND, [id for id in told if id not in kept]):
        library.forget_note(KIND, note.id)


def _whole(value: Any, levels: int = 50) -> Any:
    """The same without nulls, and without what lies too deep to be sensible."""
    if isinstance(value, dict) and levels:
        kept = {key: _whole(inner, levels - 1) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner is not None}
    if isinstance(value, list) and levels:
        kept_items = [_whole(inner, levels - 1) for inner in value]
        return [inner for inner in kept_items if inner is not None]
    return None if isinstance(value, dict | list) else value
