"""The flow of a sync: find the roots, survey, read, commit, settle what is gone.

Batches are committed on a thread of their own, 256 photos or one second at a time, so that no
disk flush stalls inference; what is committed can be searched while the sync still runs.
Progress is told on the thread that called. Never prints, never handles signals.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import field

from localsearch.catalog.truth import Truth
from localsearch.deferred import dataclass
from localsearch.errors import LibraryUnsafe
from localsearch.pipeline.job import Job, Outcome
from localsearch.records import Progress, SyncReport
from localsearch.sync import finish
from localsearch.sync.commit import Tally, commit_away, commit_batch
from localsearch.sync.heal import heal_rootless
from localsearch.sync.lost import Lost
from localsearch.sync.report import Teller, report_of
from localsearch.sync.roots import FoundRoot
from localsearch.sync.space import refuse_if_full
from localsearch.sync.survey import RootSurvey, ToRead, survey_root

BATCH = 256  # photos a commit: one fsync for some ten seconds of inference on two cores
BATCH_SECONDS = 1.0  # ... but what was inferred is findable after a second

ReadFeatures = Callable[[Iterable[Job], Callable[[], bool]], Iterator[Outcome]]


@dataclass(frozen=True, slots=True)
class Orders:
    """How to sync: callbacks and switches, handed over by the library.

    `read_features` is the pipeline over the pack's encoder; `after_commit(whole)` publishes.
    """

    read_features: ReadFeatures
    after_commit: Callable[[bool], None]
    progress: Callable[[Progress], None] | None = None
    stop: Callable[[], bool] = lambda: False
    allow_removals: bool = False
    list_folder: Callable[..., object] = os.scandir


@dataclass(slots=True)
class Sums:
    """What the end of a sync adds to its counts."""

    missing: int = 0
    offline: int = 0
    notes: list[str] = field(default_factory=list)


def sync_roots(
    truth: Truth, founds: Sequence[FoundRoot], orders: Orders, *, whole: bool
) -> SyncReport:
    """Sync roots entirely. `whole`: these are all the roots of the library.

    Raises LibraryUnsafe before anything is hidden if an implausible share of photos is gone.
    """
    began = time.monotonic()
    teller = Teller(orders.progress)
    sums = Sums(notes=[found.note for found in founds if found.note])
    surveys = []
    for found in founds:
        if found.path is None:
            sums.offline += finish.mark_offline_root(truth.catalog, found)
            sums.notes.append(f"root {found.row.name} is offline: {found.reason}")
            finish.note_root_offline(truth.catalog, found)
        else:
            surveys.append(_survey(truth, found, orders, teller))
    refuse_if_full(truth.store, sum(len(survey.to_read) for survey in surveys))
    tally, lost = _read_all(truth, founds, surveys, orders, teller, whole=whole)
    heal_rootless(truth, orders.read_features, orders.stop)
    if not orders.stop():
        _settle(truth, surveys, lost, orders, sums)
        orders.after_commit(True)
    teller.end()
    return report_of(tally, surveys, sums.missing, sums.offline, sums.notes, began, orders.stop())


def _survey(truth: Truth, found: FoundRoot, orders: Orders, teller: Teller) -> RootSurvey:
    return survey_root(
        truth,
        found,
        stop=orders.stop,
        looked_at=lambda count, current: teller.tell("look", count, 0, 0, current),
        list_folder=orders.list_folder,
    )


def _read_all(
    truth: Truth,
    founds: Sequence[FoundRoot],
    surveys: Sequence[RootSurvey],
    orders: Orders,
    teller: Teller,
    *,
    whole: bool,
) -> tuple[Tally, Lost]:
    gone = [had for survey in surveys for _, had in survey.gone]
    lost = Lost(gone, {found.row.key: found.path for found in founds}, whole=whole)
    for survey in surveys:
        finish.mark_back(truth.catalog, survey.back)
        commit_away(truth, survey.found.row.key, survey.away)
    to_read = [read for survey in surveys for read in survey.to_read]
    return read_and_commit(truth, to_read, lost, orders, teller), lost


def read_and_commit(
    truth: Truth, to_read: Sequence[ToRead], lost: Lost, orders: Orders, teller: Teller
) -> Tally:
    """Read every file, infer, and commit in batches; ends early, cleanly, when told to stop."""
    tally = Tally()
    if not to_read:
        return tally
    pending: list[Future[None]] = []
    with ThreadPoolExecutor(1, thread_name_prefix="localsearch-commit") as committer:

        def write(batch: list[tuple[ToRead, Outcome]]) -> None:
            commit_batch(truth, batch, lost.twin, tally)
            orders.after_commit(False)

        with closing(_batches(to_read, orders)) as batches:
            for batch, done, current in batches:
                # At most two batches wait: memory stays bounded when the disk is the slow part.
                while len(pending) >= 2:
                    pending.pop(0).result()
                if batch:
                    pending.append(committer.submit(write, batch))
                teller.tell("read", done, len(to_read), tally.failed, current)
        for future in pending:
            future.result()
    return tally


def _batches(
    to_read: Sequence[ToRead], orders: Orders
) -> Generator[tuple[list[tuple[ToRead, Outcome]], int, str]]:
    """(a batch to commit or nothing, photos done, current path) after each photo."""
    jobs = (Job(key=n, path=read.path, size=read.sighting.size) for n, read in enumerate(to_read))
    batch: list[tuple[ToRead, Outcome]] = []
    since = time.monotonic()
    done = 0
    outcomes = orders.read_features(jobs, orders.stop)
    try:
        for outcome in outcomes:
            read = to_read[int(outcome.key)]  # type: ignore[call-overload]
            batch.append((read, outcome))
            done += 1
            full = len(batch) >= BATCH or time.monotonic() - since >= BATCH_SECONDS
            yield (batch if full else []), done, os.fsdecode(read.path)
            if full:
                batch, since = [], time.monotonic()
        yield batch, done, ""
    finally:
        outcomes.close()  # type: ignore[attr-defined]


def _settle(
    truth: Truth, surveys: Sequence[RootSurvey], lost: Lost, orders: Orders, sums: Sums
) -> None:
    for survey in surveys:
        if b"" in survey.unlisted:
            survey.cut_off += [had for _, had in survey.gone]
            survey.gone.clear()
    settle(truth, [[survey] for survey in surveys], lost, orders, sums)
    for survey in surveys:
        finish.note_root(truth.catalog, survey.found)
        sums.notes += [
            f"folder {os.fsdecode(folder) or '.'} cannot be listed: {error}"
            for folder, error in survey.unlisted.items()
        ]


def settle(
    truth: Truth,
    of_roots: Sequence[Sequence[RootSurvey]],
    lost: Lost,
    orders: Orders,
    sums: Sums,
) -> None:
    """Mark what is gone, root by root, after all roots were judged: all of it, or nothing."""
    verdicts = [
        finish.judge(truth.catalog, surveys, lost.moved, allow_removals=orders.allow_removals)
        for surveys in of_roots
    ]
    try:
        finish.refuse_implausible(verdicts)
    except LibraryUnsafe:
        orders.after_commit(True)  # what is new was committed, and counts
        raise
    for verdict in verdicts:
        sums.notes += finish.notes_of(verdict)
        missing, offline = finish.apply(truth.catalog, verdict)
        sums.missing, sums.offline = sums.missing + missing, sums.offline + offline
