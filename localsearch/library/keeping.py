"""Notes: small documents that a program keeps with a library. Never looks into one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from localsearch.catalog import notes as rows
from localsearch.library import arguments
from localsearch.library.parts import Parts
from localsearch.records import Note


def notes(parts: Parts, kind: str, ids: Iterable[str] | None) -> tuple[Note, ...]:
    """The notes of a kind, all or of some ids, in the order of making."""
    wanted = None if ids is None else arguments.texts(ids, "ids")
    with parts.truth.catalog.reading() as conn:
        if wanted is None:
            found = parts.notes.all_of(conn, arguments.text(kind, "kind"))
        else:
            found = parts.notes.of_ids(conn, arguments.text(kind, "kind"), wanted)
    return tuple(Note(one.id, json.loads(one.text), _rfc3339(one.made_ms)) for one in found)


def put_notes(parts: Parts, kind: str, documents: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep some, in place of older ones; all of them or none."""
    now_ms = time.time_ns() // 1_000_000
    arguments.text(kind, "kind")
    for id, document in documents.items():
        arguments.text(id, "id")
        if not isinstance(document, Mapping):
            raise arguments.refused("a document", document, "a mapping that JSON can hold")
    with parts.truth.catalog.writing("note") as conn:
        for id, document in documents.items():
            rows.put(conn, kind, id, dict(document), now_ms)


def forget_note(parts: Parts, kind: str, id: str) -> bool:
    """Drop one; False if there was none."""
    with parts.truth.catalog.writing("note") as conn:
        return rows.forget(conn, arguments.text(kind, "kind"), arguments.text(id, "id"))


def _rfc3339(ms: int) -> str:
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
