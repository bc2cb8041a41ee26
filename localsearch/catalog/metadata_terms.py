"""Which inputs may contain a document: terms of the metadata, kept beside it.

A *term* is 63 bits of blake3 of one path of a document and what stands there. Terms only propose:
two things may share one, and a list forgets which of its elements held what; the whole document
decides, by `contains`. Invariant: an input's terms are those of its document, written in the same
transaction; a document without a key has none.

Containment: an object needs every key that is asked for; a list needs, for each element that is
asked for, one that contains it; scalars are equal by value (1 is 1.0; true is not 1, "1" is not
1). Asking for null under a key finds null there, and documents without the key.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from blake3 import blake3

from localsearch.catalog.lists import chunks, execute_in, select_in

if TYPE_CHECKING:
    import numpy.typing as npt

DEEPEST: Final = 100
"""Levels that a document may have. Far above what anyone writes, far below Python's recursion."""

MOST_TERMS: Final = 512
"""A document of more terms, or deeper than `DEEPEST` (older versions took any), has only the term
`LARGE`, and is proposed to every question."""

LARGE: Final = 0
"""The term of large documents; no hash is 0."""

COUNTED: Final = 4096
"""Guesses at sizes count so far and no farther: some 0.2 ms."""

_FEW: Final = 1000
_ASKED: Final = 32
_ELEMENT: Final = "e"
_KEY: Final = "k"
_BITS: Final = 2**63 - 1
_BATCH: Final = 10_000


def check_depth(document: Any) -> bool:
    """Whether a document (of dicts, lists, tuples and scalars) is at most `DEEPEST` levels deep."""
    level = [document]
    for _ in range(DEEPEST + 1):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return True
    return False


def terms_of(document: Mapping[str, Any]) -> list[int]:
    """The terms that are stored of a document, ascending."""
    if not document:
        return []
    found: set[int] = set()
    for term in _walk(document, asked=False):
        found.add(term)
        if len(found) > MOST_TERMS:
            return [LARGE]
    return sorted(found)


def put(conn: sqlite3.Connection, key: int, text: str) -> None:
    """Keep the terms of an input's new document (JSON text) in place of the old ones."""
    conn.execute("DELETE FROM metadata_terms WHERE input = ?", (key,))
    _insert(conn, [(key, text)])


def put_all(conn: sqlite3.Connection) -> None:
    """Keep the terms of every input; there must be none yet."""
    found = conn.execute("SELECT key, metadata FROM inputs WHERE metadata <> '{}' ORDER BY key")
    while batch := found.fetchmany(_BATCH):
        _insert(conn, batch)


def renew(conn: sqlite3.Connection, keys: Iterable[int]) -> None:
    """Make the terms of these inputs anew from their documents."""
    for chunk in chunks(keys):
        execute_in(conn, "DELETE FROM metadata_terms WHERE input IN (...)", chunk)
        sql = "SELECT key, metadata FROM inputs WHERE key IN (...)"
        _insert(conn, dict(select_in(conn, sql, chunk)).items())


def check(conn: sqlite3.Connection) -> list[int]:
    """Keys of inputs whose terms are not those of their documents, ascending."""
    stored = conn.execute("SELECT input, term FROM metadata_terms ORDER BY input, term")
    found = conn.execute("SELECT key, metadata FROM inputs WHERE metadata <> '{}' ORDER BY key")
    wrong: set[int] = set()
    kept = _grouped(stored)
    held = next(kept, None)
    for key, text in found:
        while held is not None and held[0] < key:
            wrong.add(held[0])
            held = next(kept, None)
        mine: list[int] = []
        if held is not None and held[0] == key:
            mine, held = held[1], next(kept, None)
        if mine != _terms_of_text(text):
            wrong.add(key)
    if held is not None:
        wrong.update([held[0], *(input for input, _ in kept)])
    return sorted(wrong)


def candidates(
    conn: sqlite3.Connection, document: Mapping[str, Any]
) -> npt.NDArray[np.int64] | None:
    """Keys of inputs that may contain a document, ascending; None where any may (nulls only)."""
    counts = _counts(conn, document)
    if not counts:
        return None
    asked = sorted(counts, key=lambda term: counts[term])
    found = _keys_of(conn, asked[0])
    for term in asked[1:]:
        if len(found) <= _FEW:  # reading so many documents costs less than one more list
            break
        found = np.intersect1d(found, _keys_of(conn, term), assume_unique=True)
    found = np.concatenate([found, _keys_of(conn, LARGE)])
    found.sort()
    return found


def keys_with_any(conn: sqlite3.Connection) -> npt.NDArray[np.int64]:
    """Keys of all inputs that have a document with something in it, ascending."""
    found = conn.execute("SELECT DISTINCT input FROM metadata_terms ORDER BY input")
    return np.fromiter((key for (key,) in found), dtype=np.int64)


def size_of(conn: sqlite3.Connection, document: Mapping[str, Any]) -> int | None:
    """A guess at how many may contain a document, at most `COUNTED`; None: nothing is known."""
    return min(_counts(conn, document).values(), default=None)


def contains(stored: Any, asked: Any) -> bool:
    """Whether a document, or a value in one, contains what is asked for. Pure."""
    if isinstance(asked, dict):
        return isinstance(stored, dict) and all(
            contains(stored.get(key), value) for key, value in asked.items()
        )
    if isinstance(asked, list):
        return isinstance(stored, list) and _contains_elements(stored, asked)
    # Of scalars, Python takes only true and false for numbers.
    return bool(stored == asked) and isinstance(stored, bool) == isinstance(asked, bool)


def _contains_elements(stored: Sequence[Any], asked: Sequence[Any]) -> bool:
    scalars = {_scalar(one) for one in stored if not isinstance(one, dict | list)}
    nested = [one for one in stored if isinstance(one, dict | list)]
    return all(
        any(contains(one, each) for one in nested)
        if isinstance(each, dict | list)
        else _scalar(each) in scalars
        for each in asked
    )


def _walk(document: Any, *, asked: bool) -> Iterator[int]:
    """The terms of a document; of one that is asked for, without those that null need not have."""
    # By levels, not by recursion: a stored document may be as deep as it likes.
    level: list[tuple[str, Any]] = [("", document)]
    for depth in range(DEEPEST + 2):
        below: list[tuple[str, Any]] = []
        for path, value in level:
            if depth:  # that the whole is an object says nothing
                yield _term(path, value)
            if isinstance(value, dict):
                for key, inner in value.items():
                    if not (asked and inner is None):
                        below.append((f"{path}{_KEY}{len(key)}:{key}", inner))
            elif isinstance(value, list):
                below += [(path + _ELEMENT, inner) for inner in value]
        if not below:
            return
        level = below
    if not asked:  # deeper than may be: more terms than any document has
        yield from range(1, MOST_TERMS + 2)


def _term(path: str, value: Any) -> int:
    text = f"{path}={_scalar(value)}"
    digest = blake3(text.encode("utf-8", "surrogatepass")).digest(8)
    return (int.from_bytes(digest, "little") & _BITS) or 1


def _scalar(value: Any) -> str:
    """Text that is the same for equal scalars only; containers of one kind are all alike."""
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{value}'
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 1.0 is 1, and -0.0 is 0
    return repr(value)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _insert(conn: sqlite3.Connection, documents: Iterable[tuple[int, str]]) -> None:
    conn.executemany(
        "INSERT INTO metadata_terms (term, input) VALUES (?, ?)",
        ((term, key) for key, text in documents for term in _terms_of_text(text)),
    )


def _terms_of_text(text: str) -> list[int]:
    if text == "{}":
        return []
    try:
        return terms_of(json.loads(text))
    except RecursionError:
        return [LARGE]


def _counts(conn: sqlite3.Connection, document: Mapping[str, Any]) -> dict[int, int]:
    """How many inputs have each of the first terms asked for, counted up to `COUNTED`."""
    asked = sorted(set(_walk(document, asked=True)))[:_ASKED]
    sql = f"SELECT count(*) FROM (SELECT 1 FROM metadata_terms WHERE term = ? LIMIT {COUNTED})"
    return {term: conn.execute(sql, (term,)).fetchone()[0] for term in asked}


def _keys_of(conn: sqlite3.Connection, term: int) -> npt.NDArray[np.int64]:
    found = conn.execute("SELECT input FROM metadata_terms WHERE term = ? ORDER BY input", (term,))
    return np.fromiter((key for (key,) in found), dtype=np.int64)


def _grouped(found: Iterable[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    current, terms = None, list[int]()
    for key, term in found:
        if key != current:
            if current is not None:
                yield current, terms
            current, terms = key, []
        terms.append(term)
    if current is not None:
        yield current, terms
