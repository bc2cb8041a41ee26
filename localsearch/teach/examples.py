"""Which contents a concept is learned from: those that a user showed, and others at random.

Reads the catalog and the features; never writes. Invariant: the same library and the same examples
give the same sample, so a dry run tells of just the probe that is then stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.catalog import input_reads, taught
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.taught import Example
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from localsearch.catalog.features import Features

NEGATIVES: Final = 200
"""Others are taken at random until there are so many negatives: measured, 500 rank the photos that
were not shown hardly better (average precision .36 and .37 with ten positives)."""

MOST: Final = 400
"""Positives, and negatives, that are learned from; of more, some at random. So no lesson takes more
than some tenths of a second, and a linear probe has long learned what it can."""

_SEED: Final = 1
_DRAWN: Final = 3  # rows for each that is wanted
_SHOWN: Final = 5  # ids in a message


class Shown(NamedTuple):
    """The vectors of examples float16 [n, D], which are positive, bool [n], which were taken at
    random, bool [n].
    """

    halves: npt.NDArray[np.float16]
    positive: npt.NDArray[np.bool_]
    sampled: npt.NDArray[np.bool_]


def shown_by(rows: Iterable[InputRow], positive: bool, *, by_id: bool) -> list[Example]:
    """Inputs as examples; those without an indexed picture are left out unless they were named.

    Raises InputError for a named one.
    """
    rows = [*rows]
    blind = [one for one in rows if one.digest is None or one.content_state != "ok"]
    if blind and by_id:
        names = ", ".join(one.id for one in blind[:_SHOWN])
        raise InputError(
            f"no examples, for their pictures could not be indexed: {names}",
            hint="leave them out; why is told by: localsearch failures",
        )
    return [
        Example(one.digest, one.key, positive, False)
        for one in rows
        if one.digest is not None and one.content_state == "ok"
    ]


def together(examples: Iterable[Example]) -> list[Example]:
    """Each content once, by digest. InputError for one that is both positive and negative."""
    found: dict[bytes, Example] = {}
    for one in examples:
        before = found.setdefault(one.digest, one)
        if before.positive != one.positive:
            raise InputError(
                "a photo is shown both as an example and as a counterexample (or its copy is): "
                f"input {one.input}",
                hint="take it out of one of them",
            )
    return sorted(found.values())


def with_others(conn: sqlite3.Connection, shown: Sequence[Example]) -> list[Example]:
    """The examples and, if there are few negatives, other photos of the library."""
    lacking = NEGATIVES - sum(not one.positive for one in shown)
    if lacking <= 0:
        return [*shown]
    known = {one.digest for one in shown}
    others: dict[bytes, Example] = {}
    for one in _at_random(conn, lacking + len(shown)):
        # Copies of what was shown, and of each other, are passed over.
        if len(others) < lacking and one.digest is not None and one.digest not in known:
            others.setdefault(one.digest, Example(one.digest, one.key, False, True))
    return sorted([*shown, *others.values()])


def _at_random(conn: sqlite3.Connection, count: int) -> Iterator[InputRow]:
    """Live inputs with features, at least so many if there are, in an order without a meaning.

    Numbers of rows are drawn, for most are alive: to list them all takes 0.3 s of 100,000.
    """
    random, last = np.random.default_rng(_SEED), input_reads.last_row(conn)
    rows = random.choice(last, min(last, _DRAWN * count), replace=False) + 1
    drawn = [one for one in input_reads.by_rows(conn, rows.tolist()) if _is_featured(one)]
    yield from drawn
    if len(drawn) < count and len(rows) < last:
        rest = random.permutation(np.setdiff1d(input_reads.featured_rows(conn), rows))
        yield from input_reads.by_rows(conn, rest[: _DRAWN * count].tolist())


def _is_featured(one: InputRow) -> bool:
    return one.live and one.content_state == "ok" and one.digest is not None


def vectors_of(conn: sqlite3.Connection, features: Features, examples: Sequence[Example]) -> Shown:
    """What is known of examples; those without features are left out.

    One whose content has none (its photo was edited before the features of this pack were made) is
    taken by what its input holds now.
    """
    digests = [one.digest for one in examples]
    halves, _, found = features.arrays_of(digests)
    lost = [at for at in np.flatnonzero(~found).tolist() if examples[at].input is not None]
    now = taught.digests_now(conn, {examples[at].input or 0 for at in lost})
    again = [at for at in lost if now.get(examples[at].input or 0, b"") not in {b"", *digests}]
    if again:
        more, _, has = features.arrays_of([now[examples[at].input or 0] for at in again])
        halves[again], found[again] = more, has
    found &= np.isfinite(halves).all(axis=1)
    positive = np.array([one.positive for one in examples], np.bool_)
    sampled = np.array([one.sampled for one in examples], np.bool_)
    kept = np.concatenate([_some(found & positive), _some(found & ~positive)])
    kept.sort()
    return Shown(halves[kept], positive[kept], sampled[kept])


def _some(among: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """The places of some, of too many a part, always the same."""
    places = np.flatnonzero(among)
    if len(places) <= MOST:
        return places
    return np.random.default_rng(_SEED).permutation(places)[:MOST]
