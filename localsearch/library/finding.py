"""Searches: one snapshot, one run, and hits only for the rows of the page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from localsearch.catalog import described, roots, tags
from localsearch.catalog import input_reads as reads
from localsearch.catalog.input_reads import InputRow
from localsearch.errors import LibraryMissing, LibrarySegmentDamaged, PictureError
from localsearch.library import arguments
from localsearch.library.parts import Parts
from localsearch.records import ConceptValue, Hit
from localsearch.scores import value_of
from localsearch.search.grammar import parse
from localsearch.search.page import Lookups, Page, Place, hits_of, offset_of, page_of
from localsearch.search.run import Result, chunks, run, run_all
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Like, Term
from localsearch.sources import forms

T = TypeVar("T")
_SHOWN_CONCEPTS = 5


def tree_of(parts: Parts, query: Term | str) -> Term:
    """A query as a tree; text is parsed with the vocabulary of the pack."""
    if isinstance(query, str):
        return parse(query, parts.pack.vocabulary)
    if not isinstance(query, Term):
        raise arguments.refused("query", query, "a term, or text as for localsearch.parse")
    return query


@dataclass(frozen=True, slots=True)
class _Asked:
    """A search that can go on: `vectors` keeps the query pictures, which may be read only once."""

    parts: Parts
    tree: Term
    limit: int
    min_score: float
    vectors: dict[tuple[object, ...], npt.NDArray[np.float32]] = field(default_factory=dict)


def search(parts: Parts, tree: Term, limit: int, page: int, min_score: float) -> Page:
    """One page of hits; see `Library.search`."""
    return _page(_Asked(parts, tree, limit, min_score), page)


def _page(asked: _Asked, page: int) -> Page:
    parts, limit = asked.parts, asked.limit
    offset = offset_of(page, limit)

    def use(snapshot: Snapshot) -> Page:
        snapshot.vectors.update(asked.vectors)
        result = run(snapshot, asked.tree, limit=limit, offset=offset, min_score=asked.min_score)
        asked.vectors.update(snapshot.vectors)
        lookups = lookups_of(parts, snapshot.conn)
        return page_of(snapshot, result, lookups, page=page, again=partial(_page, asked))

    return with_snapshot(parts, use)


def scan(parts: Parts, tree: Term, min_score: float) -> Iterator[Hit]:
    """All hits, best first. Ranked once, now; made into hits as they are asked for."""
    return _hits(
        parts,
        *with_snapshot(
            parts, lambda snapshot: (snapshot, run_all(snapshot, tree, min_score=min_score))
        ),
    )


def _hits(parts: Parts, snapshot: Snapshot, result: Result) -> Iterator[Hit]:
    """Hits of a ranking, 256 at a time, each in a transaction of its own."""
    for ranked in chunks(result.ranked):
        with parts.truth.catalog.reading() as conn:
            hits = hits_of(snapshot, result, ranked, lookups_of(parts, conn))
        yield from hits


def with_snapshot(parts: Parts, use: Callable[[Snapshot], T]) -> T:
    """Run `use` on a snapshot; a segment that turns out damaged is set aside and it runs again."""
    aside: set[str] = set()
    while True:
        try:
            with parts.truth.catalog.reading() as conn:
                live = parts.live.current(conn)
                vector = partial(query_vector, parts, conn)
                return use(Snapshot(conn, live, parts.pack, vector))
        except LibrarySegmentDamaged as error:
            if not error.segment or error.segment in aside:
                raise
            aside.add(error.segment)
            parts.live.set_aside(error.segment)


def query_vector(parts: Parts, conn: sqlite3.Connection, term: Like) -> npt.NDArray[np.float32]:
    """The vector of a query picture: the stored one where its content is known, else inferred."""
    if term.id is not None:
        row = reads.by_id(conn, term.id)
        if row is None:
            raise LibraryMissing(f"there is no input with the id {term.id!r}")
        digest = content_of(row)
        stored = parts.truth.features.of([digest]).get(digest)
        if stored is None:
            raise LibraryMissing(f"the features of {term.id!r} are lost", hint="sync again")
        return stored[0].astype(np.float32)
    outcome = parts.models.outcome_of(_bytes_of(term))
    if outcome.refusal is not None:
        raise PictureError(outcome.refusal.state, f"the query picture: {outcome.refusal.reason}")
    assert outcome.digest is not None
    stored = parts.truth.features.of([outcome.digest]).get(outcome.digest)
    vector = stored[0] if stored is not None else outcome.vector
    assert vector is not None
    return vector.astype(np.float32)


def content_of(row: InputRow) -> bytes:
    """The digest of an input that could be indexed; PictureError says why another could not."""
    if row.digest is None or row.content_state != "ok":
        why = row.content_reason or row.reason
        state = row.content_state if row.content_state != "ok" else row.state
        raise PictureError(state, f"the picture of {row.id!r} is {state}: {why}")
    return row.digest


def _bytes_of(term: Like) -> bytes:
    if term.base64 is not None:
        return forms.from_base64(term.base64)
    return forms.encoded_of(term.data if term.data is not None else term.source).data


def lookups_of(parts: Parts, conn: sqlite3.Connection) -> Lookups:
    """How rows become hits, in the transaction `conn`."""
    paths = roots.paths_now(conn)
    return Lookups(
        inputs=partial(reads.by_rows, conn),
        tags=partial(tags.tags_of, conn),
        place=partial(_place_of, paths),
        concepts=partial(_top_concepts, parts),
    )


def _place_of(paths: dict[int, Path], row: InputRow) -> Place:
    return Place(described.path_of(row, paths), row.root_name, described.is_available(row))


def _top_concepts(parts: Parts, rows: Sequence[InputRow]) -> list[tuple[ConceptValue, ...]]:
    digests = [row.digest or b"" for row in rows]
    vectors, logits, found = parts.truth.features.arrays_of(digests)
    told = iter(concepts_of(parts, vectors[found], logits[found], limit=_SHOWN_CONCEPTS))
    return [next(told) if has else () for has in found.tolist()]


def concepts_of(
    parts: Parts,
    vectors: npt.NDArray[np.float16],
    logits: npt.NDArray[np.float16],
    *,
    limit: int,
    at_least: float = 0.0,
) -> list[tuple[ConceptValue, ...]]:
    """The most probable concepts of photos, best first; ties in the order of the vocabulary."""
    concepts = parts.pack.vocabulary.concepts
    told = []
    for line in parts.pack.probabilities(vectors, logits):
        order = np.argsort(-line.astype(np.int32), kind="stable")[:limit]
        values = value_of(line[order]).tolist()
        told.append(
            tuple(
                ConceptValue(concepts[index].id, concepts[index].name, value)
                for index, value in zip(order.tolist(), values, strict=True)
                if value >= at_least
            )
        )
    return told
