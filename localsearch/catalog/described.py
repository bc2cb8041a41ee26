"""Rows of the catalog as the `Input` records that users see: absolute paths, tags, times."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from localsearch.catalog import roots, tags
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.places import joined
from localsearch.records import ELSEWHERE, Input


def inputs_of(conn: sqlite3.Connection, rows: Sequence[InputRow]) -> list[Input]:
    """Describe inputs, in the order given."""
    paths = roots.paths_now(conn)
    tagged = tags.tags_of(conn, [row.key for row in rows])
    return [_describe(row, paths, tagged.get(row.key, {})) for row in rows]


def path_of(row: InputRow, root_paths: dict[int, Path]) -> Path | None:
    """The absolute native path of an input, None for one without a file."""
    if row.name is None:
        return None
    relative = os.fsdecode(joined(row.folder or b"", row.name))
    # One path, not three joined: a page of hits has twenty.
    return Path(relative) if row.root is None else root_paths[row.root] / relative


def is_available(row: InputRow) -> bool:
    """Whether its picture can be opened, as far as the last sync knows."""
    return row.state not in ELSEWHERE


def _describe(row: InputRow, root_paths: dict[int, Path], tagged: dict[str, bool]) -> Input:
    relative = row.relative if row.root is not None else None
    return Input(
        id=row.id,
        row=row.row,
        state=row.state,
        reason=row.reason,
        path=path_of(row, root_paths),
        root=row.root_name,
        relative_path=os.fsdecode(relative) if relative is not None else None,
        available=is_available(row),
        removed=row.removed,
        digest=row.digest.hex() if row.digest is not None else None,
        size=row.size,
        width=row.width,
        height=row.height,
        format=row.format,
        created_at=_rfc3339(row.created_ms),
        modified_at=_rfc3339(row.modified_ms),
        taken_at=row.taken_at,
        lat=row.lat,
        lon=row.lon,
        camera=row.camera,
        source_url=row.source_url,
        metadata=row.metadata,
        tags=tagged,
    )


@lru_cache(maxsize=1024)  # an input that nobody changed has the same time twice
def _rfc3339(ms: int) -> str:
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
