"""One page of hits: rows become hits here, and only those of the page.

What a hit shows beyond its row and score comes from functions that `library` hands over; this
room asks each of them once a page. It never ranks and holds no transaction open: `Page.next`
asks the library again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from localsearch.deferred import NamedTuple, dataclass
from localsearch.errors import InputError
from localsearch.later import Later
from localsearch.records import ConceptValue, Hit, Ranked, Why
from localsearch.rows import Rows, RowSet
from localsearch.scores import value_of
from localsearch.search.run import Result, reasons_of
from localsearch.search.snapshot import Snapshot
from localsearch.search.terms import Sum, Term, Text, leaves_of

if TYPE_CHECKING:
    from localsearch.catalog import copies
    from localsearch.catalog.input_reads import InputRow
    from localsearch.scores import Floats
    from localsearch.search import fold, told
    from localsearch.search.snapshot import Vector
else:
    copies = Later("localsearch.catalog.copies")
    fold = Later("localsearch.search.fold")
    told = Later("localsearch.search.told")


NOTHING: Mapping[int, int] = {}


class Place(NamedTuple):
    """Where a photo lies: absolute native path (None without a file), root's name, there now."""

    path: Path | None
    root: str | None
    available: bool


class Lookups(NamedTuple):
    """How rows become hits; each function is asked once for all rows of a page.

    `inputs`: catalog rows of rows (those that are gone may be left out); `tags`: by key;
    `concepts`: the most probable ones of each input, best first, in the order asked.
    """

    inputs: Callable[[Sequence[int]], Sequence[InputRow]]
    tags: Callable[[Sequence[int]], Mapping[int, Mapping[str, bool]]]
    place: Callable[[InputRow], Place]
    concepts: Callable[[Sequence[InputRow]], Sequence[tuple[ConceptValue, ...]]]


@dataclass(frozen=True, slots=True)
class Page:
    """Hits of one page, best first; `total` counts all pages' hits, and those that are folded under
    them; `page` counts from 1.

    `route` says how they were found: postings, graph, scan, exact or catalog; `notes` what is to
    be known of free text in the query: words left out, or why nothing is relevant.
    """

    hits: tuple[Hit, ...]
    total: int
    route: str
    page: int
    _again: Callable[[], Page] | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, index: int) -> Hit:
        return self.hits[index]

    @property
    def more(self) -> bool:
        """Whether there is a page after this one."""
        return self._again is not None

    def next(self) -> Page | None:
        """The page after this one; None where this one is the last."""
        return None if self._again is None else self._again()


def offset_of(page: int, limit: int) -> int:
    """How many hits stand before a page; InputError unless both count from 1."""
    for name, value in (("page", page), ("limit", limit)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name} is a whole number from 1 on, not {value!r}")
    return (page - 1) * limit


def page_of(
    snapshot: Snapshot,
    result: Result,
    lookups: Lookups,
    *,
    page: int,
    again: Callable[[int], Page],
) -> Page:
    """The page of a result, which is the cut of just this page; `again(page)` gets another one."""
    hits = hits_of(snapshot, result, result.ranked, lookups)
    more = result.offset + len(result.ranked.rows) < result.total and len(result.ranked.rows) > 0
    following = (lambda: again(page + 1)) if more else None
    return Page(tuple(hits), result.total, result.route, page, following, _notes(snapshot, result))


def _notes(snapshot: Snapshot, result: Result) -> tuple[str, ...]:
    tree = result.plan.root.term
    if not any(isinstance(leaf, Text | Sum) for leaf in leaves_of(tree)):
        return ()
    return told.left_out(snapshot, tree) + (() if result.total else told.nothing_relevant(tree))


def folded_page_of(
    snapshot: Snapshot,
    result: Result,
    lookups: Lookups,
    *,
    limit: int,
    page: int,
    again: Callable[[int], Page],
) -> Page:
    """The page of a whole result whose bursts are folded. `total` counts what is folded too."""
    start = offset_of(page, limit)
    found = fold.fold(
        *(
            result.ranked,
            snapshot.live,
            snapshot.pack.visual,
            partial(copies.taken_of, snapshot.conn),
        ),
        start=start,
        stop=start + limit,
        check=snapshot.check,
    )
    hits = hits_of(snapshot, result, found.ranked, lookups, found.under)
    following = (lambda: again(page + 1)) if found.more else None
    return Page(tuple(hits), result.total, result.route, page, following, _notes(snapshot, result))


def hits_of(
    snapshot: Snapshot,
    result: Result,
    ranked: Ranked,
    lookups: Lookups,
    folded: Mapping[int, int] = NOTHING,
) -> list[Hit]:
    """The hits of some ranked rows of a result, in order; rows that are gone since are left out.

    `folded` tells by row how many others each stands for.
    """
    inputs = {each.row: each for each in lookups.inputs(ranked.rows.tolist())}
    rows = [row for row in ranked.rows.tolist() if row in inputs]
    tags = lookups.tags([inputs[row].key for row in rows])
    concepts = dict(zip(rows, lookups.concepts([inputs[row] for row in rows]), strict=True))
    return [
        _hit(
            *(inputs[row], score, why, lookups.place(inputs[row]), tags, concepts[row]),
            folded.get(row, 0),
        )
        for row, score, why in zip(
            ranked.rows.tolist(),
            value_of(ranked.scores).tolist(),
            reasons_of(snapshot, result, ranked.rows),
            strict=True,
        )
        if row in inputs
    ]


@dataclass(frozen=True, slots=True)
class Stream:
    """A whole ranking that outlives its snapshot; made by `stream_of`, made into hits bit by bit.

    It holds no segment and no transaction: only what its search has remembered.
    """

    result: Result
    _live: RowSet
    _sets: dict[Term, RowSet]
    _values: dict[Term, tuple[Rows, Floats]]
    _vectors: dict[tuple[object, ...], Vector]


def stream_of(snapshot: Snapshot, result: Result) -> Stream:
    """What a later snapshot needs to make hits of a result of this one."""
    return Stream(result, snapshot.live.rows, snapshot.sets, snapshot.values, snapshot.vectors)


def hits_later(stream: Stream, snapshot: Snapshot, ranked: Ranked, lookups: Lookups) -> list[Hit]:
    """The hits of some ranked rows of a stream, in a snapshot of now; those gone since left out.

    May raise LibrarySegmentDamaged, like all that reads a snapshot: asked again in a new one, it
    gives the same hits.
    """
    rows = ranked.rows.tolist()
    kept = [row not in stream._live or row in snapshot.live.rows for row in rows]
    ranked = Ranked(ranked.rows[kept], ranked.scores[kept])
    again = replace(snapshot, sets=stream._sets, values=stream._values, vectors=stream._vectors)
    return hits_of(again, stream.result, ranked, lookups)


def _hit(
    row: InputRow,
    score: float,
    why: tuple[Why, ...],
    place: Place,
    tags: Mapping[int, Mapping[str, bool]],
    concepts: tuple[ConceptValue, ...],
    folded: int,
) -> Hit:
    return Hit(
        score=score,
        id=row.id,
        path=place.path,
        root=place.root,
        available=place.available,
        taken_at=row.taken_at,
        width=row.width,
        height=row.height,
        tags=dict(tags.get(row.key, {})),
        concepts=concepts,
        why=why,
        folded=folded,
    )
