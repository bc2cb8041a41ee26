"""Inputs as searches and people see them: by row, id, place, content, state and path.

Never writes. Invariant: a row that is asked for and is no input's row any more is left out, never
answered with its successor.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from localsearch.catalog.lists import select_in
from localsearch.catalog.places import folded, joined
from localsearch.catalog.settings import LARGEST_ROW, current_value
from localsearch.deferred import NamedTuple
from localsearch.records import FAILED

if TYPE_CHECKING:
    import numpy.typing as npt

LIVE = "+inputs.removed = 0 AND inputs.state <> 'missing'"
"""Live in SQL: not removed and not missing. "+": nearly all are, so the index on it is no help."""

FEATURED = f"{LIVE} AND inputs.content_state = 'ok' AND inputs.digest IS NOT NULL"
"""Live, and with a content that could be indexed."""

_COLUMNS = """inputs.key, inputs.row, inputs.id, inputs.root, roots.name, inputs.folder,
inputs.name, inputs.digest, inputs.size, inputs.mtime_ns, inputs.width, inputs.height,
inputs.format, inputs.state, inputs.reason, inputs.content_state, inputs.content_reason,
inputs.removed, inputs.created_ms, inputs.modified_ms, inputs.taken_at, inputs.taken_raw,
inputs.lat, inputs.lon, inputs.camera, inputs.source_url, inputs.metadata"""
_SELECT = f"SELECT {_COLUMNS} FROM inputs LEFT JOIN roots ON roots.key = inputs.root"


class InputRow(NamedTuple):
    """All columns of one input. Paths are bytes relative to the root, with `/`.

    `state` is what holds now; `content_state` what is known of its content, also while it is
    missing or offline. Times end in their unit, since 1970 in UTC.
    """

    key: int
    row: int
    id: str
    root: int | None
    root_name: str | None
    folder: bytes | None
    name: bytes | None
    digest: bytes | None
    size: int | None
    mtime_ns: int | None
    width: int | None
    height: int | None
    format: str | None
    state: str
    reason: str
    content_state: str
    content_reason: str
    removed: bool
    created_ms: int
    modified_ms: int
    taken_at: str | None
    taken_raw: str | None
    lat: float | None
    lon: float | None
    camera: str | None
    source_url: str | None
    metadata: dict[str, Any]

    @property
    def relative(self) -> bytes | None:
        """folder/name (absolute where there is no root); None without a file."""
        if self.folder is None or self.name is None:
            return None
        return joined(self.folder, self.name)

    @property
    def live(self) -> bool:
        """Found by searches: neither removed nor missing."""
        return not self.removed and self.state != "missing"


def by_rows(conn: sqlite3.Connection, rows: Sequence[int]) -> list[InputRow]:
    """Inputs of these rows in the order asked; dead rows are left out."""
    wanted = [int(row) for row in rows]
    sql = f"{_SELECT} WHERE inputs.row IN (...)"
    found = {one.row: one for one in map(_made, select_in(conn, sql, wanted))}
    return [found[row] for row in wanted if row in found]


def by_id(conn: sqlite3.Connection, id: str) -> InputRow | None:
    """The input of a public id, whatever its state."""
    if not is_text(id):
        return None
    return _first(conn.execute(f"{_SELECT} WHERE inputs.id = ?", (id,)))


def is_text(text: str) -> bool:
    """Whether SQLite can take it: bytes that are no Unicode come as halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def by_ids(conn: sqlite3.Connection, ids: Sequence[str]) -> list[InputRow]:
    """Inputs of these ids in the order asked; unknown ids are left out."""
    wanted = [id for id in ids if is_text(id)]
    sql = f"{_SELECT} WHERE inputs.id IN (...)"
    found = {one.id: one for one in map(_made, select_in(conn, sql, wanted))}
    return [found[id] for id in wanted if id in found]


def by_keys(conn: sqlite3.Connection, keys: Sequence[int]) -> list[InputRow]:
    """Inputs of these keys, ascending by key; unknown keys are left out."""
    sql = f"{_SELECT} WHERE inputs.key IN (...)"
    found = {one.key: one for one in map(_made, select_in(conn, sql, keys))}
    return [found[key] for key in sorted(found)]


def keys_after(conn: sqlite3.Connection, key: int, limit: int) -> list[int]:
    """The next keys above one, ascending; whatever the state, removed ones too.

    A key stays an input's for ever, so a walk by key meets each input once, however many change
    their rows meanwhile.
    """
    sql = "SELECT key FROM inputs WHERE key > ? ORDER BY key LIMIT ?"
    return [found for (found,) in conn.execute(sql, (key, limit))]


def count_all(conn: sqlite3.Connection) -> int:
    """How many inputs there are, in any state, removed ones too."""
    return int(conn.execute("SELECT count(*) FROM inputs").fetchone()[0])


def by_source(conn: sqlite3.Connection, url: str) -> list[InputRow]:
    """Inputs that came from exactly this URL, by row; whatever their state, removed ones too."""
    if not is_text(url):
        return []
    sql = f"{_SELECT} WHERE inputs.source_url = ? ORDER BY inputs.row"
    return [*map(_made, conn.execute(sql, (url,)))]


def by_place(
    conn: sqlite3.Connection, root: int | None, folder: bytes, name: bytes
) -> InputRow | None:
    """The input of exactly this path (root None: `folder` is absolute)."""
    place = "inputs.root IS NULL" if root is None else "inputs.root = ?"
    values = (folder, name) if root is None else (root, folder, name)
    sql = f"{_SELECT} WHERE {place} AND inputs.folder = ? AND inputs.name = ?"
    if root is None:
        sql += " AND inputs.name IS NOT NULL"  # the partial index asks for it
    return _first(conn.execute(sql, values))


def like_place(
    conn: sqlite3.Connection, root: int | None, folder: bytes, name: bytes
) -> list[InputRow]:
    """Inputs whose path is the same but for capitals and Unicode form, exact one first."""
    sql = f"{_SELECT} WHERE inputs.folded = ? AND inputs.root IS ? ORDER BY inputs.key"
    found = [*map(_made, conn.execute(sql, (folded(folder, name), root)))]
    return sorted(found, key=lambda one: (one.folder, one.name) != (folder, name))


def by_digest(conn: sqlite3.Connection, digest: bytes) -> list[InputRow]:
    """Inputs with this content, live ones first, then by row."""
    sql = f"{_SELECT} WHERE inputs.digest = ? ORDER BY inputs.row"
    found = [*map(_made, conn.execute(sql, (digest,)))]
    return sorted(found, key=lambda one: not one.live)


def digests_in_use(conn: sqlite3.Connection, digests: Iterable[bytes]) -> set[bytes]:
    """Those digests that at least one input has, whatever its state."""
    sql = "SELECT DISTINCT digest FROM inputs WHERE digest IN (...)"
    return {digest for (digest,) in select_in(conn, sql, digests)}


def rows_from(
    conn: sqlite3.Connection, select: str, values: Sequence[Any] = ()
) -> npt.NDArray[np.uint32]:
    """Column `row` of a SELECT, ascending.

    As one text that SQLite joins: a third of the time of as many tuples (1,000,000: 0.2 s).
    """
    (text,) = conn.execute(f"SELECT group_concat(row) FROM ({select})", values).fetchone()
    return rows_of_text([text])


def rows_of_text(texts: Iterable[str | None]) -> npt.NDArray[np.uint32]:
    """The rows of texts that `group_concat(row)` gave, ascending."""
    found = [np.fromstring(text, np.uint32, sep=",") for text in texts if text]
    rows = np.concatenate(found) if found else np.empty(0, np.uint32)
    rows.sort()
    return rows


def rows_of_state(conn: sqlite3.Connection, state: str) -> npt.NDArray[np.uint32]:
    """Rows of inputs in a state, ascending; removed ones are in none."""
    return rows_from(conn, "SELECT row FROM inputs WHERE removed = 0 AND state = ?", (state,))


def rows_not_removed(conn: sqlite3.Connection) -> npt.NDArray[np.uint32]:
    """Rows of all inputs in any state but the removed ones, ascending."""
    return rows_from(conn, "SELECT row FROM inputs WHERE removed = 0")


def rows_live(conn: sqlite3.Connection) -> npt.NDArray[np.uint32]:
    """Rows of inputs that are neither removed nor missing, ascending; failed ones too."""
    return rows_from(conn, "SELECT row FROM inputs WHERE removed = 0 AND state <> 'missing'")


def rows_of_ids(conn: sqlite3.Connection, ids: Iterable[str]) -> npt.NDArray[np.uint32]:
    """Rows of inputs with these ids, ascending, in any state."""
    known = [id for id in ids if is_text(id)]
    found = select_in(conn, "SELECT group_concat(row) FROM inputs WHERE id IN (...)", known)
    return np.unique(rows_of_text(text for (text,) in found))


def rootless_featured(conn: sqlite3.Connection) -> list[InputRow]:
    """Inputs outside every root that should have features: single files, and kept bytes."""
    return [*map(_made, conn.execute(f"{_SELECT} WHERE {FEATURED} AND inputs.root IS NULL"))]


def featured_rows(conn: sqlite3.Connection) -> npt.NDArray[np.uint32]:
    """Rows of live inputs that have features, ascending."""
    return rows_from(conn, f"SELECT row FROM inputs WHERE {FEATURED}")


def live_featured_rows(
    conn: sqlite3.Connection, after: int = 0, up_to: int = LARGEST_ROW
) -> list[tuple[int, bytes]]:
    """(row, digest) of live rows in (after, up_to] that have features, ascending."""
    sql = f"SELECT row, digest FROM inputs WHERE {FEATURED} AND row > ? AND row <= ? ORDER BY row"
    return conn.execute(sql, (after, up_to)).fetchall()


def contents_after(conn: sqlite3.Connection, row: int, limit: int) -> list[tuple[int, bytes]]:
    """(row, digest) of inputs with a content that could be indexed, above a row, ascending.

    Whatever their state, removed ones too. New content, and what comes back, takes a higher row:
    so a walk that has come to its end has met every content there is.
    """
    sql = (
        "SELECT row, digest FROM inputs WHERE content_state = 'ok' AND digest IS NOT NULL"
        " AND row > ? ORDER BY row LIMIT ?"
    )
    return conn.execute(sql, (row, limit)).fetchall()


def count_contents(conn: sqlite3.Connection) -> int:
    """How many different contents there are that could be indexed."""
    sql = (
        "SELECT count(DISTINCT digest) FROM inputs WHERE content_state = 'ok'"
        " AND digest IS NOT NULL"
    )
    return int(conn.execute(sql).fetchone()[0])


def count_by_state(conn: sqlite3.Connection) -> dict[str, int]:
    """Inputs by state; removed ones are in none."""
    sql = "SELECT state, count(*) FROM inputs WHERE removed = 0 GROUP BY state"
    return dict(conn.execute(sql).fetchall())


def count_removed(conn: sqlite3.Connection) -> int:
    """How many inputs are hidden because the user removed them."""
    return int(conn.execute("SELECT count(*) FROM inputs WHERE removed = 1").fetchone()[0])


def keys_of_state(conn: sqlite3.Connection, state: str) -> list[int]:
    """Keys of inputs in a state, by row; removed ones are in none."""
    sql = "SELECT key FROM inputs WHERE removed = 0 AND state = ? ORDER BY row"
    return [key for (key,) in conn.execute(sql, (state,))]


def keys_gone(conn: sqlite3.Connection, but_reason: str) -> list[int]:
    """Keys of missing inputs, removed ones too, but for those missing for one reason."""
    sql = "SELECT key FROM inputs WHERE state = 'missing' AND reason <> ? ORDER BY row"
    return [key for (key,) in conn.execute(sql, (but_reason,))]


def keys_removed(conn: sqlite3.Connection) -> list[int]:
    """Keys of inputs that the user removed."""
    return [key for (key,) in conn.execute("SELECT key FROM inputs WHERE removed = 1")]


def last_row(conn: sqlite3.Connection) -> int:
    """The last row that was handed out, also if it is dead; 0 before the first."""
    return current_value(conn, "row")


def largest_row(conn: sqlite3.Connection) -> int:
    """The largest row that an input stands on; 0 without any."""
    return int(conn.execute("SELECT coalesce(max(row), 0) FROM inputs").fetchone()[0])


def failures(conn: sqlite3.Connection, limit: int = 1000, after: int = 0) -> list[InputRow]:
    """Inputs that could not be indexed, by row, above row `after`."""
    sql = (
        f"{_SELECT} WHERE inputs.removed = 0 AND inputs.state IN (...)"
        f" AND inputs.row > {int(after)} ORDER BY inputs.row LIMIT {int(limit)}"
    )
    return [*map(_made, select_in(conn, sql, sorted(FAILED)))]


def iterate(
    conn: sqlite3.Connection,
    *,
    after: int = 0,
    limit: int = 1000,
    state: str | None = None,
    root: int | None = None,
    removed: bool = False,
) -> list[InputRow]:
    """One page of inputs by row, above row `after`: ask again after the last one's row.

    A page, not an iterator: nobody holds a transaction open between two of them. An input that
    changes in between may come again, on its new row; none is passed over.
    """
    tests = ["+inputs.removed = ?", "inputs.row > ?"]  # "+": walk by row, not by that index
    values: list[int | str] = [int(removed), after]
    if state is not None:
        tests = ["inputs.removed = ?", "inputs.row > ?", "inputs.state = ?"]
        values.append(state)
    if root is not None:
        tests.append("+inputs.root = ?")
        values.append(root)
    sql = f"{_SELECT} WHERE {' AND '.join(tests)} ORDER BY inputs.row LIMIT ?"
    return [*map(_made, conn.execute(sql, (*values, limit)))]


def _first(found: sqlite3.Cursor) -> InputRow | None:
    row = found.fetchone()
    return None if row is None else _made(row)


def _made(columns: Sequence[Any]) -> InputRow:
    made = [*columns]
    made[17] = made[17] == 1  # removed
    made[26] = {} if made[26] == "{}" else json.loads(made[26])  # metadata
    return InputRow(*made)
