"""Concepts that a user taught: their names, their examples, and a probe for each encoder.

Never trains and never reads a feature. Invariants: an id is given once and stays over a change of
name; an example is a content, known again by its digest, and by its input where that has other
content since; whatever changes what a search would find raises the counter `taught`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from localsearch.catalog.lists import select_in
from localsearch.catalog.settings import current_value, next_value
from localsearch.deferred import NamedTuple

COUNTER = "taught"  # frozen

_PROBE = """direction, scale, offset, floor, taught_probes.positives, taught_probes.negatives,
found, wrong, precision"""


class Example(NamedTuple):
    """One content that was shown. `input` is its input's key, None for one that was purged;
    `sampled`: it was taken at random, nobody looked at it.
    """

    digest: bytes
    input: int | None
    positive: bool
    sampled: bool


class ProbeRow(NamedTuple):
    """What was learned for one encoder: `direction` is float32 [D], little-endian; a photo's
    probability is sigmoid(scale * cosine + offset), listed from `floor` (16 bits) on.

    `found` of the `positives` and `wrong` of the `negatives` had a half or more when they were
    left out; `precision` is the average precision of that, None if it cannot be told.
    """

    direction: bytes
    scale: float
    offset: float
    floor: int
    positives: int
    negatives: int
    found: int
    wrong: int
    precision: float | None


class TaughtRow(NamedTuple):
    """A concept; `probe` is that of the encoder that was asked for, None if it has none."""

    key: int
    id: str
    name: str
    folded: str
    made_ms: int
    probe: ProbeRow | None


def generation(conn: sqlite3.Connection) -> int:
    """A number that rises whenever a concept is taught, renamed or forgotten; 0: never."""
    return current_value(conn, COUNTER)


def all_of(conn: sqlite3.Connection, encoder_digest: str) -> list[TaughtRow]:
    """All concepts by name, each with its probe for an encoder."""
    sql = (
        f"SELECT key, id, name, folded, taught.made_ms, {_PROBE} FROM taught"
        " LEFT JOIN taught_probes ON taught_probes.taught = taught.key"
        " AND taught_probes.encoder_digest = ? ORDER BY folded"
    )
    return [
        TaughtRow(
            key, id, name, folded, made_ms, ProbeRow(*probe) if probe[0] is not None else None
        )
        for key, id, name, folded, made_ms, *probe in conn.execute(sql, (encoder_digest,))
    ]


def put(conn: sqlite3.Connection, id: str, name: str, folded: str, made_ms: int) -> int:
    """A new concept, as yet without examples; gives its key."""
    next_value(conn, COUNTER)
    done = conn.execute(
        "INSERT INTO taught (id, name, folded, made_ms) VALUES (?, ?, ?, ?) RETURNING key",
        (id, name, folded, made_ms),
    )
    return int(done.fetchone()[0])


def put_examples(conn: sqlite3.Connection, key: int, examples: Iterable[Example]) -> None:
    """Let these be a concept's examples; its probes were learned from others and go."""
    next_value(conn, COUNTER)
    conn.execute("DELETE FROM taught_examples WHERE taught = ?", (key,))
    conn.execute("DELETE FROM taught_probes WHERE taught = ?", (key,))
    conn.executemany(
        "INSERT INTO taught_examples (taught, digest, input, positive, sampled)"
        " VALUES (?, ?, ?, ?, ?)",
        ((key, *one) for one in examples),
    )


def put_probe(
    conn: sqlite3.Connection, key: int, encoder_digest: str, probe: ProbeRow, made_ms: int
) -> None:
    """Keep what was learned for an encoder; probes of other encoders stay."""
    next_value(conn, COUNTER)
    conn.execute(
        "INSERT OR REPLACE INTO taught_probes (taught, encoder_digest, direction, scale, offset,"
        " floor, positives, negatives, found, wrong, precision, made_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (key, encoder_digest, *probe, made_ms),
    )


def examples_of(conn: sqlite3.Connection, key: int) -> list[Example]:
    """The examples of a concept, by digest."""
    sql = (
        "SELECT digest, input, positive, sampled FROM taught_examples WHERE taught = ?"
        " ORDER BY digest"
    )
    return [
        Example(digest, input, bool(positive), bool(sampled))
        for digest, input, positive, sampled in conn.execute(sql, (key,))
    ]


def rename(conn: sqlite3.Connection, key: int, name: str, folded: str) -> None:
    """Give a concept another name."""
    next_value(conn, COUNTER)
    conn.execute("UPDATE taught SET name = ?, folded = ? WHERE key = ?", (name, folded, key))


def forget(conn: sqlite3.Connection, key: int) -> None:
    """Drop a concept with its examples and probes."""
    next_value(conn, COUNTER)
    conn.execute("DELETE FROM taught WHERE key = ?", (key,))


def digests_now(conn: sqlite3.Connection, keys: Iterable[int]) -> dict[int, bytes]:
    """The present content of inputs that could be indexed, by key."""
    sql = (
        "SELECT key, digest FROM inputs WHERE content_state = 'ok' AND digest IS NOT NULL"
        " AND key IN (...)"
    )
    return dict(select_in(conn, sql, keys))
