"""Teaching: from examples to a concept in the catalog; and again, when another pack comes.

Training takes no lock; what is learned is put by one commit. Invariant: a concept has the probe of
its present examples or none, for each encoder.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from localsearch.catalog import taught
from localsearch.catalog.taught import Example, ProbeRow, TaughtRow
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError
from localsearch.teach.examples import Shown, vectors_of
from localsearch.teach.train import Trained, train

if TYPE_CHECKING:
    from localsearch.catalog import Catalog
    from localsearch.catalog.features import Features

Put = Callable[[sqlite3.Connection], None]
"""Writes what was learned, in a transaction that somebody else commits."""


class Lesson(NamedTuple):
    """What was learned from examples: `sampled` of the negatives were taken at random."""

    examples: Sequence[Example]
    trained: Trained
    sampled: int


def learn(examples: Sequence[Example], shown: Shown) -> Lesson:
    """Learn from examples, `shown` by their features. InputError where there are too few."""
    _check(shown)
    trained = train(shown.halves, shown.positive)
    if not trained.probe.direction.any():
        raise InputError(
            "nothing can be learned: the examples look the same as the others",
            hint="name others that do not show it (--not)",
        )
    return Lesson(examples, trained, int(shown.sampled.sum()))


def probe_row(trained: Trained) -> ProbeRow:
    """What is learned as the catalog keeps it."""
    probe, quality = trained.probe, trained.quality
    return ProbeRow(
        direction=probe.direction.astype("<f4").tobytes(),
        scale=probe.scale,
        offset=probe.offset,
        floor=probe.floor,
        positives=quality.positives,
        negatives=quality.negatives,
        found=quality.found,
        wrong=quality.wrong,
        precision=quality.average_precision,
    )


def retrain(catalog: Catalog, features: Features, encoder_digest: str) -> Put:
    """Learn every concept for another encoder from its stored examples; gives what puts it.

    `features` are that encoder's. Concepts that have a probe of it keep it. What is taught or
    taught anew before the put is learned there (some tens of milliseconds each). A concept of
    whose examples nothing is known is left without a probe: searches say so.
    """
    with catalog.reading() as conn:
        lessons = {
            row.key: lesson
            for row in _lacking(conn, encoder_digest)
            if (lesson := _again(conn, features, row)) is not None
        }

    def put(conn: sqlite3.Connection) -> None:
        for row in _lacking(conn, encoder_digest):
            lesson = lessons.get(row.key)
            if lesson is None or lesson.examples != taught.examples_of(conn, row.key):
                lesson = _again(conn, features, row)
            if lesson is not None:
                made = probe_row(lesson.trained)
                taught.put_probe(conn, row.key, encoder_digest, made, _now_ms())

    return put


def _lacking(conn: sqlite3.Connection, encoder_digest: str) -> list[TaughtRow]:
    return [row for row in taught.all_of(conn, encoder_digest) if row.probe is None]


def _again(conn: sqlite3.Connection, features: Features, row: TaughtRow) -> Lesson | None:
    """What its stored examples teach; None where too few of them are known."""
    examples = taught.examples_of(conn, row.key)
    try:
        return learn(examples, vectors_of(conn, features, examples))
    except InputError:
        return None


def _check(shown: Shown) -> None:
    if not shown.positive.any():
        raise InputError(
            "there is no example to learn from",
            hint="name at least one photo that shows it, of those that a sync has seen",
        )
    if shown.positive.all():
        raise InputError(
            "there is nothing to tell the examples from: no other photo is known",
            hint="name photos that do not show it, or sync more of them",
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
