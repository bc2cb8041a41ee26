"""The search for duplicates, from the catalog to groups of inputs.

Two notions, kept apart: the *same content* (equal digests) is a fact; the *same picture* is a
judgement (`near`, then `looks`). Never opens a photo: thumbnails and features are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from localsearch.catalog import copies
from localsearch.catalog.truth import Truth
from localsearch.deferred import NamedTuple
from localsearch.duplicates.contents import Contents, contents_of
from localsearch.duplicates.groups import groups_around_best
from localsearch.duplicates.looks import Looks, Scores
from localsearch.duplicates.near import Near
from localsearch.sources.turns import UPRIGHT, Turn

Stage = Callable[[str, int], Callable[[int], None]]
"""Begins a stage of so many steps; what it gives is told how many more are done, and may raise."""

_SHARES: Final = 1000  # steps of a stage that knows only the share that is done


class Copy(NamedTuple):
    """A content, the turn that makes it of the best copy, and the inputs that have it by key."""

    digest: bytes
    turn: Turn
    keys: tuple[int, ...]


class Found(NamedTuple):
    """Groups, each with the best copy first; how many inputs were looked at, how many of these
    have no fingerprint that says something; and notes.
    """

    groups: list[tuple[Copy, ...]]
    looked_at: int
    without_print: int = 0
    notes: tuple[str, ...] = ()


def same_contents(truth: Truth, stage: Stage) -> Found:
    """Inputs with the same content."""
    contents = _read(truth, stage, prints=False)
    return Found(list(_groups(contents, {})), len(contents.keys))


def same_pictures(truth: Truth, scores: Scores, stage: Stage) -> Found:
    """Inputs with the same content or of the same picture. `scores` are visual, in [0, 1]."""
    contents = _read(truth, stage, prints=True)
    near = _near(contents, stage)
    ranked = near.ranked(contents)
    step = stage("looking", len(ranked))
    looks = Looks(truth, contents, scores, lambda: step(0))

    def told() -> Iterator[int]:
        for one in ranked:
            yield one
            step(1)

    pictures = groups_around_best(told(), near.of, looks.same)
    without = int(np.count_nonzero(~contents.printed[contents.content]))
    notes = (near.note,) if near.note else ()
    return Found(list(_groups(contents, pictures)), len(contents.keys), without, notes)


def _read(truth: Truth, stage: Stage, *, prints: bool) -> Contents:
    with truth.catalog.reading() as conn:
        total = copies.count_contents(conn)
    # The prints are read after the inputs, and there are nearly as many.
    return contents_of(truth, stage("reading", total * (1 + prints)), prints=prints)


def _near(contents: Contents, stage: Stage) -> Near:
    step, done = stage("comparing", _SHARES), 0

    def share(part: float) -> None:
        nonlocal done
        reached = int(part * _SHARES)
        step(reached - done)
        done = reached

    return Near(contents, share)


def _groups(
    contents: Contents, pictures: Mapping[int, Mapping[int, Turn]]
) -> Iterator[tuple[Copy, ...]]:
    """The groups of pictures, and those contents outside of them that several inputs have."""
    order, begins = contents.inputs_by_content()
    keys = contents.keys[order]

    def copy(place: int, turn: Turn) -> Copy:
        start, stop = begins[place : place + 2].tolist()
        return Copy(contents.digest_of(place), turn, tuple(keys[start:stop].tolist()))

    taken = {place for best, others in pictures.items() for place in (best, *others)}
    for best, others in pictures.items():
        ranked = sorted(others, key=lambda place: int(contents.rank[place]))
        yield (copy(best, UPRIGHT), *(copy(place, others[place]) for place in ranked))
    for place in np.flatnonzero(np.diff(begins) > 1).tolist():
        if place not in taken:
            yield (copy(place, UPRIGHT),)
