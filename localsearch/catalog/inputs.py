"""Inputs as they change: new, other content, moved, gone, back, removed, purged.

Never deletes anything but by `purge`, and never looks at a disk. Invariants: a row is one content
of one input, handed out in rising order and never again; what stops being live leaves its row in
a grave; what comes back, or has new content, takes a new row. So whoever holds a row holds
something that is right for ever or dead for ever.

*Live*: neither removed nor missing. *Featured*: live, with a content that could be indexed, which
is a fact of the row: being offline does not change it.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, overload

from localsearch.catalog import graves, metadata_terms
from localsearch.catalog.input_reads import digests_in_use
from localsearch.catalog.lists import chunks, execute_in, select_in
from localsearch.catalog.places import folded
from localsearch.catalog.settings import next_value
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError, LibraryError, LibraryMissing
from localsearch.records import ELSEWHERE, FAILED, STATES, Facts

LONGEST_ID = 255

IGNORED = "left out by an ignore rule"
"""Reason of the missing inputs whose files are there: a rule hides them. They are never purged as
missing, and never taken for the place that a photo moved from."""

_INSERT = """INSERT INTO inputs (key, row, id, root, folder, name, folded, digest, size, mtime_ns,
state, reason, content_state, content_reason, created_ms, modified_ms, source_url, metadata,
width, height, format, taken_at, taken_raw, lat, lon, camera)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_REPLACE = """UPDATE inputs SET row = ?, digest = ?, size = ?, mtime_ns = ?, state = ?, reason = ?,
content_state = ?, content_reason = ?, modified_ms = ?, width = ?, height = ?, format = ?,
taken_at = ?, taken_raw = ?, lat = ?, lon = ?, camera = ? WHERE key = ?"""


class Placed(NamedTuple):
    """Where a new input stands."""

    key: int
    row: int
    id: str


class Purged(NamedTuple):
    """How many inputs went, and contents that no input has any more: features to forget."""

    inputs: int
    orphans: list[bytes]


class _Standing(NamedTuple):
    """What decides over rows."""

    key: int
    row: int
    state: str
    content_state: str
    content_reason: str
    removed: int
    featured: int

    @property
    def live(self) -> bool:
        return not self.removed and self.state != "missing"


def put_new(
    conn: sqlite3.Connection,
    *,
    root: int | None,
    folder: bytes | None,
    name: bytes | None,
    digest: bytes | None,
    size: int | None,
    mtime_ns: int | None,
    facts: Facts | None,
    state: str,
    now_ms: int,
    reason: str = "",
    id: str | None = None,
    source_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Placed:
    """Add an input; without `id` it gets one of 32 hex digits.

    Folder and name None: no file (keep its bytes with `contents.put`). Raises InputError for an
    id or a path that another input has.
    """
    _check_state(state)
    id = secrets.token_hex(16) if id is None else _checked_id(conn, id)
    place = None if folder is None or name is None else folded(folder, name)
    row = next_value(conn, "row")
    key = row  # the first row of an input: as unique as rows are, without a counter of its own
    reason = _storable(reason)
    identity = (key, row, id, root, folder, name, place, digest, size, _int64(mtime_ns))
    document = document_of(metadata or {})
    told = (now_ms, now_ms, _storable(source_url), document)
    content = (_content_state(state, digest), reason)
    values = (*identity, state, reason, *content, *told, *_columns(facts))
    try:
        conn.execute(_INSERT, values)
    except sqlite3.IntegrityError as error:
        raise _taken(error, folder, name) from error
    if document != "{}":
        metadata_terms.put(conn, key, document)
    if state == "missing":
        graves.put(conn, [row])
    return Placed(key, row, id)


def replace_content(
    conn: sqlite3.Connection,
    key: int,
    *,
    digest: bytes | None,
    size: int | None,
    mtime_ns: int | None,
    facts: Facts | None,
    state: str,
    now_ms: int,
    reason: str = "",
) -> int:
    """Other content at the same place: a new row, which is given; id, tags, metadata stay."""
    _check_state(state)
    before = _standing(conn, key)
    row = next_value(conn, "row")
    if before.live:
        graves.put(conn, [before.row])
    reason = _storable(reason)
    told = (state, reason, _content_state(state, digest), reason, now_ms)
    values = (row, digest, size, _int64(mtime_ns), *told, *_columns(facts), key)
    conn.execute(_REPLACE, values)
    return row


def move(
    conn: sqlite3.Connection,
    key: int,
    *,
    root: int | None,
    folder: bytes,
    name: bytes,
    size: int | None,
    mtime_ns: int | None,
    now_ms: int,
) -> int:
    """The same content at another place, where it is present; gives its row.

    The row is a new one only if the input was missing. InputError if the place is another's.
    """
    try:
        conn.execute(
            "UPDATE inputs SET root = ?, folder = ?, name = ?, folded = ?, size = ?,"
            " mtime_ns = ?, modified_ms = ? WHERE key = ?",
            (root, folder, name, folded(folder, name), size, _int64(mtime_ns), now_ms, key),
        )
    except sqlite3.IntegrityError as error:
        raise _taken(error, folder, name) from error
    return _change_state(conn, _standing(conn, key), "ok", "", now_ms)


def exchange_places(conn: sqlite3.Connection, first: int, second: int) -> None:
    """Let two inputs stand in each other's place; their contents, states and rows stay theirs."""
    sql = "SELECT root, folder, name, folded, size, mtime_ns FROM inputs WHERE key = ?"
    (one,) = conn.execute(sql, (first,)).fetchall()
    (other,) = conn.execute(sql, (second,)).fetchall()
    put = (
        "UPDATE inputs SET root = ?, folder = ?, name = ?, folded = ?, size = ?, mtime_ns = ?"
        " WHERE key = ?"
    )
    # No file bears this name: places are unique, and one of the two has to step aside.
    conn.execute(
        "UPDATE inputs SET name = ? WHERE key = ?", (b"\0" + secrets.token_bytes(8), first)
    )
    conn.execute(put, (*one, second))
    conn.execute(put, (*other, first))


def set_state(
    conn: sqlite3.Connection, keys: Iterable[int], state: str, reason: str, now_ms: int
) -> int:
    """Say where inputs are, or that they failed; gives how many changed.

    "ok" means present again: with a content that had failed it becomes that failure again.
    "offline" leaves what is missing missing. A word of failure takes the features away.
    """
    _check_state(state)
    changed = 0
    for chunk in chunks(keys):
        for before in _standings(conn, chunk):
            after = before.content_state if state == "ok" else state
            hidden = state == "offline" and before.state == "missing"
            if hidden or (after == before.state and after not in FAILED):
                continue
            _change_state(conn, before, state, _storable(reason), now_ms)
            changed += 1
    return changed


def touch(conn: sqlite3.Connection, key: int, size: int | None, mtime_ns: int | None) -> None:
    """The same content with another time of change: looked at, found equal."""
    conn.execute(
        "UPDATE inputs SET size = ?, mtime_ns = ? WHERE key = ?", (size, _int64(mtime_ns), key)
    )


def set_removed(conn: sqlite3.Connection, key: int, removed: bool, now_ms: int) -> int:
    """Hide an input, or bring it back (on a new row); gives its row. The file is not touched."""
    before = _standing(conn, key)
    if bool(before.removed) == removed:
        return before.row
    conn.execute(
        "UPDATE inputs SET removed = ?, modified_ms = ? WHERE key = ?", (int(removed), now_ms, key)
    )
    return _settle(conn, before, live=not removed and before.state != "missing")


def renew_rows(conn: sqlite3.Connection, digests: Iterable[bytes]) -> int:
    """Give live inputs of contents whose features were replaced new rows; gives how many.

    What segments hold of their old rows is no longer what the features say.
    """
    sql = "SELECT key FROM inputs WHERE content_state = 'ok' AND digest IN (...)"
    keys = [key for (key,) in select_in(conn, sql, list(digests))]
    renewed = 0
    for chunk in chunks(dict.fromkeys(keys)):
        for before in _standings(conn, chunk):
            if before.live:
                _settle(conn, before, live=True, other=True)
                renewed += 1
    return renewed


def purge(conn: sqlite3.Connection, keys: Iterable[int]) -> Purged:
    """Delete inputs with their tags and bytes for good; unknown keys are passed over."""
    count = 0
    contents: set[bytes] = set()
    for chunk in chunks(dict.fromkeys(keys)):
        graves.put(conn, [one.row for one in _standings(conn, chunk) if one.live])
        sql = "SELECT digest FROM inputs WHERE digest IS NOT NULL AND key IN (...)"
        contents.update(digest for (digest,) in select_in(conn, sql, chunk))
        count += execute_in(conn, "DELETE FROM inputs WHERE key IN (...)", chunk)
    orphans = contents - digests_in_use(conn, contents)
    return Purged(count, sorted(orphans))


def forget_root(conn: sqlite3.Connection, key: int) -> Purged:
    """Drop a root and purge its inputs; the photos themselves are not touched."""
    keys = [row[0] for row in conn.execute("SELECT key FROM inputs WHERE root = ?", (key,))]
    gone = purge(conn, keys)
    conn.execute("DELETE FROM roots WHERE key = ?", (key,))
    return gone


def set_metadata(
    conn: sqlite3.Connection, key: int, metadata: Mapping[str, Any], now_ms: int
) -> None:
    """Replace the user's own document. InputError for what JSON cannot hold."""
    document = document_of(metadata)
    conn.execute(
        "UPDATE inputs SET metadata = ?, modified_ms = ? WHERE key = ?", (document, now_ms, key)
    )
    metadata_terms.put(conn, key, document)


def set_source(conn: sqlite3.Connection, key: int, url: str | None, now_ms: int) -> None:
    """Keep where the user says that an input came from; text as given."""
    conn.execute(
        "UPDATE inputs SET source_url = ?, modified_ms = ? WHERE key = ?",
        (_storable(url), now_ms, key),
    )


def set_id(conn: sqlite3.Connection, key: int, id: str, now_ms: int) -> None:
    """Give an input another id, as an import does. InputError if it is another input's."""
    conn.execute(
        "UPDATE inputs SET id = ?, modified_ms = ? WHERE key = ?",
        (_checked_id(conn, id), now_ms, key),
    )


def _change_state(
    conn: sqlite3.Connection, before: _Standing, state: str, reason: str, now_ms: int
) -> int:
    content = (before.content_state, before.content_reason)
    if state == "ok":
        state, reason = content
    elif state not in ELSEWHERE:
        content = (state, reason)
    conn.execute(
        "UPDATE inputs SET state = ?, reason = ?, content_state = ?, content_reason = ?,"
        " modified_ms = ? WHERE key = ?",
        (state, reason, *content, now_ms, before.key),
    )
    lost = bool(before.featured) and content[0] != "ok"
    return _settle(conn, before, live=not before.removed and state != "missing", other=lost)


def _settle(conn: sqlite3.Connection, before: _Standing, *, live: bool, other: bool = False) -> int:
    """The law of rows. `other`: what segments hold of the old row is no longer true."""
    if before.live and (other or not live):
        graves.put(conn, [before.row])
    if not other and (before.live or not live):
        return before.row
    row = next_value(conn, "row")
    conn.execute("UPDATE inputs SET row = ? WHERE key = ?", (row, before.key))
    return row


def _standing(conn: sqlite3.Connection, key: int) -> _Standing:
    found = _standings(conn, [key])
    if not found:
        raise LibraryMissing(f"there is no input with key {key}")
    return found[0]


def _standings(conn: sqlite3.Connection, keys: Iterable[int]) -> list[_Standing]:
    sql = (
        "SELECT key, row, state, content_state, content_reason, removed,"
        " content_state = 'ok' AND digest IS NOT NULL FROM inputs WHERE key IN (...)"
    )
    return [*map(_Standing._make, select_in(conn, sql, keys))]


def _check_state(state: str) -> None:
    if state not in STATES:
        raise LibraryError(f"{state!r} is no state of an input")


def _content_state(state: str, digest: bytes | None) -> str:
    """ "not-on-this-disk" of a content: nothing is known of it yet."""
    if state not in ELSEWHERE:
        return state
    return "not-on-this-disk" if digest is None else "ok"


def check_id(id: str) -> None:
    """Raise InputError for what can be no id."""
    if not id or not id.isprintable() or len(id) > LONGEST_ID:
        raise InputError(f"{id!r} cannot be an id", hint=f"1 to {LONGEST_ID} printable characters")


def _checked_id(conn: sqlite3.Connection, id: str) -> str:
    check_id(id)
    if conn.execute("SELECT 1 FROM inputs WHERE id = ?", (id,)).fetchone() is not None:
        raise InputError(f"there is an input with the id {id!r}", hint="choose another id")
    return id


def _taken(
    error: sqlite3.IntegrityError, folder: bytes | None, name: bytes | None
) -> InputError | LibraryError:
    if "UNIQUE" in str(error) and "inputs.name" in str(error):
        return InputError(f"another input has the path {folder!r} / {name!r}")
    return LibraryError(f"the catalog refused an input: {error}")


def _columns(facts: Facts | None) -> tuple[Any, ...]:
    if facts is None:
        return (None,) * 8
    taken = (_storable(facts.taken_at), _storable(facts.taken_raw))
    size = (facts.width, facts.height, _storable(facts.format))
    return (*size, *taken, facts.lat, facts.lon, _storable(facts.camera))


def document_of(metadata: Mapping[str, Any]) -> str:
    """A user's document as it is stored. InputError for what JSON cannot hold."""
    try:
        text = json.dumps(dict(metadata), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"metadata must be a JSON object: {error}") from error
    if not metadata_terms.check_depth(dict(metadata)):
        raise InputError(f"metadata may be nested {metadata_terms.DEEPEST} levels deep, not more")
    return text


@overload
def _storable(text: str) -> str: ...
@overload
def _storable(text: str | None) -> str | None: ...
def _storable(text: str | None) -> str | None:
    """Text that SQLite takes: a picture's own words may hold halves of characters."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def _int64(number: int | None) -> int | None:
    """A file may claim to be of the year 9999: held at the last nanosecond that fits."""
    return None if number is None else max(-(2**63), min(number, 2**63 - 1))
