"""Computes the features that another pack lacks, content by content, best picture first.

Never touches the catalog but to read it (and to give rows their successors where features that
are in use became better). Invariants: what is committed stays, so it goes on after a crash where
it was; a content's features come from exactly that content, or from its thumbnail and are marked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import field
from typing import Final

from localsearch.catalog import input_reads as reads
from localsearch.catalog.features import Feature, Features
from localsearch.catalog.renewing import settle_renewed
from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass
from localsearch.pipeline.job import Job, Outcome
from localsearch.records import Progress
from localsearch.reindex.pictures import Kind, Picture, Pictures

PAGE: Final = 512
"""Contents that are looked for at once."""

BATCH: Final = 64
"""Contents a commit, if they take less than a second: what a crash costs."""

BATCH_SECONDS: Final = 1.0

TURN_SECONDS: Final = 2.0
"""The lock of a sync is held so long: less than anybody waits for it."""

_EVERY: Final = 0.1  # seconds between two calls of `progress`
_KEPT_FAILURES: Final = 1000

ReadFeatures = Callable[[Iterable[Job], Callable[[], bool]], Iterator[Outcome]]


@dataclass(slots=True)
class Tally:
    """What became of the contents so far. `passed` had features; a copy may count twice there."""

    passed: int = 0
    inferred: int = 0
    from_thumbnails: int = 0
    lacking: dict[bytes, tuple[str, str, str]] = field(default_factory=dict)

    def done(self) -> int:
        """Contents that were looked at, about."""
        return self.passed + self.inferred + self.from_thumbnails + len(self.lacking)

    def failures(self) -> tuple[tuple[str, str, str], ...]:
        """(id, state, reason) of photos that cannot be found, at most a thousand."""
        found = [failure for failure in self.lacking.values() if failure[0]]
        return tuple(found[:_KEPT_FAILURES])

    def lost(self) -> int:
        """Contents of live photos among those that lack features."""
        return sum(bool(failure[0]) for failure in self.lacking.values())


@dataclass(slots=True)
class Work:
    """One reindex: `features` are those of the pack that it leads to, `read` the pipeline over it.

    `in_use`: they are the active pack's features, so that rows have to follow what changes.
    `turn` gives the lock of a sync for a moment; `total` counts contents, for `progress`.
    """

    truth: Truth
    features: Features
    pictures: Pictures
    read: ReadFeatures
    in_use: bool
    total: int
    turn: Callable[[], AbstractContextManager[object]] = nullcontext
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[Progress], None] | None = None
    tally: Tally = field(default_factory=Tally)
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0

    def tell(self, *, now: bool = False) -> None:
        """Tell how far it is, at most ten times a second; what it raises ends the work cleanly."""
        moment = time.monotonic()
        if self.progress is None or not (now or moment - self.told >= _EVERY):
            return
        self.told = moment
        tally = self.tally
        made = tally.inferred + tally.from_thumbnails
        rate = made / (moment - self.began) if moment > self.began else 0.0
        done = min(tally.done(), self.total)
        left = (self.total - done) / rate if rate > 0 else None
        self.progress(Progress("reindex", done, self.total, tally.lost(), "", rate, left))


def catch_up(work: Work, after: int = 0) -> int:
    """Give every content above a row its features; gives the last row that was looked at.

    Contents that have them are only counted. Ends early, cleanly, when told to stop. Raises what
    the encoder raises; a content that cannot be seen any more is lacking, in the tally.
    """
    while not work.stop():
        with work.truth.catalog.reading() as conn:
            found = reads.contents_after(conn, after, PAGE)
        if not found:
            break
        digests = list(dict.fromkeys(digest for _, digest in found))
        whole = work.features.have_whole(digests)
        work.tally.passed += len(whole)
        _infer(work, [digest for digest in digests if digest not in whole])
        if work.stop():
            break
        after = found[-1][0]
        work.tell()
    return after


class _Tries:
    """The contents of a page that are not done, each with the picture that is tried next."""

    def __init__(self, work: Work, digests: Sequence[bytes]) -> None:
        self._work = work
        self._pictures = {digest: work.pictures.of(digest) for digest in digests}
        self._poor = work.features.have(digests)  # of their thumbnails: these need no second look
        self._next: dict[bytes, Picture | None] = {}
        self._why: dict[bytes, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        return bool(self._pictures)

    def jobs(self, until: float) -> Iterator[Job]:
        """A job for each content that is not done, until that moment, but one at least; those
        without a picture are lacking."""
        for digest in [*self._pictures]:
            # Looked for only now: a page of pictures may be gigabytes.
            picture = self._next.get(digest) or next(self._pictures[digest], None)
            if picture is None or (picture.kind == "thumbnail" and digest in self._poor):
                self._give_up(digest)
            else:
                self._next[digest] = picture
                yield picture.job
                if time.monotonic() > until:
                    return

    def taken(self, outcome: Outcome) -> tuple[Kind, Feature] | None:
        """The features of an outcome, if they are those of its content; else it is tried on."""
        digest = outcome.key
        assert isinstance(digest, bytes)
        picture = self._next.pop(digest)
        assert picture is not None
        same = picture.kind == "thumbnail" or outcome.digest == digest
        if same and outcome.vector is not None and outcome.logits is not None:
            del self._pictures[digest]
            return picture.kind, (digest, outcome.vector, outcome.logits)
        if same and outcome.known:  # a sync was quicker
            del self._pictures[digest]
            self._work.tally.passed += 1
        elif outcome.refusal is not None:
            self._why[digest] = (outcome.refusal.state, outcome.refusal.reason)
        elif not same:
            self._why[digest] = ("missing", "the file holds another picture now: sync")
        return None

    def _give_up(self, digest: bytes) -> None:
        del self._pictures[digest]
        state, reason = self._why.get(digest, ("offline", "it is not here, nor its thumbnail"))
        if digest in self._poor:
            self._work.tally.passed += 1
            return
        lost = self._work.pictures.live_id(digest) or ""
        self._work.tally.lacking[digest] = (lost, state, reason)


def _infer(work: Work, digests: Sequence[bytes]) -> None:
    tries = _Tries(work, digests)
    while tries and not work.stop():
        with work.turn():
            _turn(work, tries, time.monotonic() + TURN_SECONDS)


def _turn(work: Work, tries: _Tries, until: float) -> None:
    """One run of the pipeline: what it had not taken by then stays for the next."""
    batch: list[tuple[Kind, Feature]] = []
    since = time.monotonic()
    outcomes = work.read(tries.jobs(until), work.stop)
    with closing(outcomes):  # type: ignore[type-var]
        for outcome in outcomes:
            made = tries.taken(outcome)
            if made is not None:
                batch.append(made)
            if len(batch) >= BATCH or time.monotonic() - since >= BATCH_SECONDS:
                _put(work, batch)
                batch, since = [], time.monotonic()
            work.tell()
    _put(work, batch)


def _put(work: Work, batch: Sequence[tuple[Kind, Feature]]) -> None:
    poor = [feature for kind, feature in batch if kind == "thumbnail"]
    if poor:
        work.features.put_many(poor, from_thumbnails=True)
    if len(poor) < len(batch):
        work.features.put_many([feature for kind, feature in batch if kind != "thumbnail"])
    if work.in_use:
        settle_renewed(work.truth)
    else:
        work.features.settle(work.features.renewed())
    work.tally.from_thumbnails += len(poor)
    work.tally.inferred += len(batch) - len(poor)
