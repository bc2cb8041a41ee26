"""A catalog as a dictionary: what the tests compare the real one with."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from localsearch.catalog import graves, inputs
from localsearch.catalog.inputs import Placed
from localsearch.records import Facts

NOW_MS = 1_700_000_000_000
FACTS = Facts(
    640, 480, "jpeg", "2024-05-01T10:00:00", "2024:05:01 10:00:00", 48.1, 11.6, "Some Camera"
)


def digest_of(number: int) -> bytes:
    """A digest like no other."""
    return number.to_bytes(4, "big") * 8


def put(conn: sqlite3.Connection, number: int, **changes: Any) -> Placed:
    """A photo at folder/<number>.jpg, outside every root unless told otherwise."""
    values: dict[str, Any] = {
        "root": None,
        "folder": b"/folder",
        "name": b"%d.jpg" % number,
        "digest": digest_of(number),
        "size": number,
        "mtime_ns": number,
        "facts": FACTS,
        "state": "ok",
        "now_ms": NOW_MS,
    }
    return inputs.put_new(conn, **{**values, **changes})


def grave_rows(conn: sqlite3.Connection) -> list[int]:
    """Rows in graves, in the order of burial."""
    return [row for _, row in graves.since(conn, 0)]


@dataclass
class Photo:
    """What the model knows of an input."""

    row: int
    digest: bytes | None
    state: str
    content: str
    removed: bool = False
    tags: dict[str, bool] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return not self.removed and self.state != "missing"

    @property
    def featured(self) -> bool:
        return self.live and self.content == "ok" and self.digest is not None
