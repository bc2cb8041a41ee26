"""Searches: one snapshot, one run, and hits only for the rows of the page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from blake3 import blake3

from localsearch.catalog import described, roots, tags
from localsearch.catalog import input_reads as reads
from localsearch.catalog.input_reads import InputRow
from localsearch.deferred import dataclass
from localsearch.errors import Cancelled, LibraryMissing, LibrarySegmentDamaged, PictureError
from localsearch.later import Later
from localsearch.library import arguments
from localsearch.library.parts import Parts
from localsearch.library.shown import shown_concepts
from localsearch.pack import SHOWN
from localsearch.records import Hit, Input, Ranked
from localsearch.scores import value_of
from localsearch.search.grammar import parse
from localsearch.search.page import (
    Lookups,
    Page,
    Place,
    Stream,
    folded_page_of,
    hits_later,
    offset_of,
    page_of,
    stream_of,
)
from localsearch.search.run import chunks, run, run_all
from localsearch.search.snapshot import GraphView, Snapshot
from localsearch.search.terms import VISUAL, Like, Term, Text, leaves_of
from localsearch.search.terms.visual import Region

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.library import originals
    from localsearch.records import Explanation
    from localsearch.segments.live_set import LiveSet
    from localsearch.sources import forms
else:
    forms = Later("localsearch.sources.forms")
    originals = Later("localsearch.library.originals")

T = TypeVar("T")
_NEW_SNAPSHOTS = 3  # for a file that is gone: each publish between two looks may sweep one


def tree_of(parts: Parts, query: Term | str) -> Term:
    """A query as a tree; text is parsed with the concepts of the pack and the taught ones."""
    if isinstance(query, str):
        with parts.truth.catalog.reading() as conn:
            known = parts.known.current(conn)
        return parse(query, known, parts.pack.words)
    if not isinstance(query, Term):
        raise arguments.refused("query", query, "a term, or text as for localsearch.parse")
    return query


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Asked:
    """A search that can go on: `vectors` keeps the query pictures, which may be read only once,
    and `graphs` the one that answered the first page, if any did: the others answer by it too.
    """

    parts: Parts
    tree: Term
    limit: int
    min_score: float
    stop: Callable[[], bool]
    concepts: int
    vectors: dict[tuple[object, ...], npt.NDArray[np.float32]] = field(default_factory=dict)
    graphs: list[GraphView | None] = field(default_factory=list)
    fold: bool = False

    def check(self) -> None:
        """Raise Cancelled if the caller does not want the answer any more."""
        if self.stop():
            raise Cancelled("the search was called off")


def asked(
    parts: Parts,
    query: Term | str,
    limit: int,
    min_score: float,
    stop: arguments.Stop,
    concepts: int = SHOWN,
    fold: bool = False,
) -> Asked:
    """A search, its arguments checked. Raises InputError, QueryError."""
    return Asked(
        parts,
        tree_of(parts, query),
        arguments.whole(limit, "limit"),
        arguments.fraction(min_score, "min_score"),
        arguments.stop(stop),
        arguments.whole(concepts, "concepts"),
        fold=arguments.flag(fold, "fold"),
    )


def search(asked: Asked, page: int) -> Page:
    """One page of hits; see `Library.search`."""
    parts, limit = asked.parts, asked.limit
    offset = offset_of(arguments.whole(page, "page"), limit)

    def use_all(snapshot: Snapshot) -> Page:
        result = run_all(snapshot, asked.tree, min_score=asked.min_score)
        asked.check()
        lookups, again = lookups_of(parts, snapshot, asked.concepts), partial(search, asked)
        return folded_page_of(snapshot, result, lookups, limit=limit, page=page, again=again)

    def use(snapshot: Snapshot) -> Page:
        result = run(snapshot, asked.tree, limit=limit, offset=offset, min_score=asked.min_score)
        asked.check()
        lookups = lookups_of(parts, snapshot, asked.concepts)
        return page_of(snapshot, result, lookups, page=page, again=partial(search, asked))

    return with_snapshot(asked, use_all if asked.fold else use)


def inputs_found(asked: Asked, page: int) -> list[tuple[float, Input]]:
    """One page as inputs with their scores; see `Library.search_inputs`."""
    limit = asked.limit
    offset = offset_of(arguments.whole(page, "page"), limit)

    def use(snapshot: Snapshot) -> list[tuple[float, Input]]:
        result = run(snapshot, asked.tree, limit=limit, offset=offset, min_score=asked.min_score)
        asked.check()
        rows = result.ranked.rows.tolist()
        scores = dict(zip(rows, value_of(result.ranked.scores).tolist(), strict=True))
        there = {one.row: one for one in reads.by_rows(snapshot.conn, rows)}
        found = described.inputs_of(snapshot.conn, [there[row] for row in rows if row in there])
        return [(scores[one.row], one) for one in found]

    return with_snapshot(asked, use)


def scan(asked: Asked) -> Iterator[Hit]:
    """All hits, best first. Ranked once, now; made into hits as they are asked for."""

    def use(snapshot: Snapshot) -> Stream:
        return stream_of(snapshot, run_all(snapshot, asked.tree, min_score=asked.min_score))

    return _hits(asked, with_snapshot(asked, use))


def _hits(asked: Asked, stream: Stream) -> Iterator[Hit]:
    """Hits of a ranking, 256 at a time, each in a snapshot of its own."""
    for ranked in chunks(stream.result.ranked):
        yield from with_snapshot(asked, partial(_hits_now, asked, stream, ranked))


def _hits_now(asked: Asked, stream: Stream, ranked: Ranked, snapshot: Snapshot) -> list[Hit]:
    lookups = lookups_of(asked.parts, snapshot, asked.concepts)
    return hits_later(stream, snapshot, ranked, lookups)


def explained(asked: Asked) -> Explanation:
    """How the first page is found; see `Library.explain`."""
    from localsearch.search.explain import explain

    def use(snapshot: Snapshot) -> Explanation:
        return explain(snapshot, asked.tree, limit=asked.limit, min_score=asked.min_score)

    return with_snapshot(asked, use)


def with_snapshot(asked: Asked, use: Callable[[Snapshot], T]) -> T:
    """Run `use` on a snapshot; again where a segment turns out to be gone or damaged.

    One that is gone was swept, most likely, after a newer list had been named: a new snapshot
    knows. One that is still named, and each that is damaged, is set aside and answered from the
    features, which the notes of `status` tell.
    """
    parts = asked.parts
    aside: set[str] = set()
    tries = 0
    while True:
        asked.check()
        try:
            with parts.truth.catalog.reading() as conn:
                snapshot = _snapshot(asked, conn)
                try:
                    return use(snapshot)
                finally:
                    asked.vectors.update(snapshot.vectors)
        except LibrarySegmentDamaged as error:
            if error.missing and tries < _NEW_SNAPSHOTS:
                tries += 1
                continue
            if not error.segment or error.segment in aside:
                raise
            aside.add(error.segment)
            parts.live.set_aside(error.segment)


def _snapshot(asked: Asked, conn: sqlite3.Connection) -> Snapshot:
    parts = asked.parts
    if not any(isinstance(leaf, VISUAL) for leaf in leaves_of(asked.tree)):
        graph = None
    elif asked.graphs:
        graph = asked.graphs[0]
    else:
        graph = parts.graph.view(conn)
        asked.graphs.append(graph)
    live = parts.live.current(conn, parts.truth.features)
    return Snapshot(
        conn,
        live,
        parts.pack,
        partial(query_vector, parts, conn, live),
        graph=graph,
        check=asked.check,
        vectors=dict(asked.vectors),
        known=parts.known.current(conn),
    )


def query_vector(
    parts: Parts, conn: sqlite3.Connection, live: LiveSet, term: Like | Text
) -> npt.NDArray[np.float32]:
    """The vector of a text, or of a query picture: the stored one where its content is known."""
    if isinstance(term, Text):
        return parts.models.vector_of_text(term.query)
    if term.id is not None:
        return _vector_of_input(parts, conn, live, term, term.id)
    data = _bytes_of(term)
    if term.region is not None:
        return _vector_of_part(parts, data, term.region)
    # Looked for before a network is loaded: without one, likeness to known photos still works.
    digest = blake3(data).digest()
    stored = parts.truth.features.of([digest]).get(digest)
    if stored is not None:
        return stored[0].astype(np.float32)
    outcome = parts.models.outcome_of(data)
    if outcome.refusal is not None:
        raise PictureError(outcome.refusal.state, f"the query picture: {outcome.refusal.reason}")
    assert outcome.vector is not None
    return outcome.vector.astype(np.float32)


def _vector_of_input(
    parts: Parts, conn: sqlite3.Connection, live: LiveSet, term: Like, public_id: str
) -> npt.NDArray[np.float32]:
    row = reads.by_id(conn, public_id)
    if row is None:
        raise LibraryMissing(f"there is no input with the id {public_id!r}")
    digest = content_of(row)
    if term.region is not None:
        return _vector_of_part(parts, originals.bytes_again(parts, conn, row, digest), term.region)
    if row.row in live.rows:
        halves = live.halves_of(np.array([row.row], np.uint32)).astype(np.float32)
        return halves.reshape(-1)
    stored = parts.truth.features.of([digest]).get(digest)
    if stored is None:
        raise LibraryMissing(f"the features of {public_id!r} are lost", hint="sync again")
    return stored[0].astype(np.float32)


def _vector_of_part(parts: Parts, data: bytes, region: Region) -> npt.NDArray[np.float32]:
    try:
        return parts.models.vector_of_part(data, region).astype(np.float32)
    except PictureError as fault:
        raise PictureError(fault.state, f"the query picture: {fault.reason}") from fault


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


def lookups_of(parts: Parts, snapshot: Snapshot, concepts: int = SHOWN) -> Lookups:
    """How rows become hits, in the transaction of a snapshot."""
    conn = snapshot.conn
    paths = roots.paths_now(conn)
    return Lookups(
        inputs=partial(reads.by_rows, conn),
        tags=partial(tags.tags_of, conn),
        place=partial(_place_of, paths),
        concepts=partial(
            shown_concepts,
            parts.pack,
            parts.truth.features,
            snapshot.live,
            limit=concepts,
            taught=snapshot.concepts.taught,
        ),
    )


def _place_of(paths: dict[int, Path], row: InputRow) -> Place:
    return Place(described.path_of(row, paths), row.root_name, described.is_available(row))
