"""Writes what was read: features, then thumbnails, then the catalog, a batch at a time.

Invariant: an input that is committed as "ok" has its feature; a feature without an input is
harmless. A photo that was fine before and cannot be read now keeps all that is known of it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from localsearch.catalog import input_reads as reads
from localsearch.catalog import inputs
from localsearch.catalog.known import Known
from localsearch.catalog.truth import Truth
from localsearch.pipeline.job import Outcome
from localsearch.sources.walk import Sighting
from localsearch.sync.plan import settled_mtime
from localsearch.sync.survey import ToRead

LostTwin = Callable[[sqlite3.Connection, bytes], Known | None]
"""Gives (once each) an input of that content whose file is gone: then it moved here."""


@dataclass(slots=True)
class Tally:
    """Counts by what happened, and the failures as (path, state, reason)."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    failed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failures: list[tuple[str, str, str]] = field(default_factory=list)

    def count(self, what: str) -> None:
        """Add one to the count of that name."""
        setattr(self, what, getattr(self, what) + 1)


def put_features(truth: Truth, outcomes: Sequence[Outcome]) -> None:
    """Keep the features and thumbnails of new contents; before any input names them."""
    truth.features.put_many(
        [
            (o.digest, o.vector, o.logits)
            for o in outcomes
            if o.digest is not None and o.vector is not None and o.logits is not None
        ]
    )
    truth.thumbnails.put_many(
        [
            (o.digest, o.thumbnail, o.fingerprint or 0)
            for o in outcomes
            if o.digest is not None and o.thumbnail is not None
        ]
    )


def commit_batch(
    truth: Truth, batch: Sequence[tuple[ToRead, Outcome]], lost_twin: LostTwin, tally: Tally
) -> None:
    """Commit one batch; when this returns, its photos can be found and survive a crash."""
    put_features(truth, [outcome for _, outcome in batch])
    now_ns = time.time_ns()
    with truth.catalog.writing("sync") as conn:
        told = [(read, o, _commit_one(conn, read, o, lost_twin, now_ns)) for read, o in batch]
    for read, outcome, what in told:
        tally.count(what)
        if what == "failed" and outcome.refusal is not None:
            refusal = outcome.refusal
            tally.failures.append((os.fsdecode(read.path), refusal.state, refusal.reason))


def _commit_one(
    conn: sqlite3.Connection, read: ToRead, outcome: Outcome, lost_twin: LostTwin, now_ns: int
) -> str:
    if outcome.refusal is not None and not os.path.lexists(read.path):
        return "skipped"  # gone between the walk and the read: the next sync will see
    size = outcome.size if outcome.size is not None else read.sighting.size
    seen_mtime = outcome.mtime_ns if outcome.mtime_ns is not None else read.sighting.mtime_ns
    mtime_ns = settled_mtime(seen_mtime, now_ns)
    if read.known is not None:
        return _commit_known(conn, read.known, outcome, size, mtime_ns, now_ns // 1_000_000)
    return _commit_new(conn, read, outcome, lost_twin, size, mtime_ns, now_ns // 1_000_000)


def _commit_known(
    conn: sqlite3.Connection, known: Known, outcome: Outcome, size: int, mtime_ns: int, now_ms: int
) -> str:
    refusal = outcome.refusal
    state = refusal.state if refusal else "ok"
    if state == known.content_state and outcome.digest == known.digest:
        if (size, mtime_ns) != (known.size, known.mtime_ns):
            inputs.touch(conn, known.key, size=size, mtime_ns=mtime_ns)
        if known.state != known.content_state:
            inputs.set_state(conn, [known.key], "ok", "", now_ms)
        return "unchanged"
    if state == "unreadable" and known.content_state == "ok":
        return "failed"  # what is known of it stays; tried again at the next sync
    facts = outcome.facts
    if facts is None and outcome.known and outcome.digest is not None:
        facts = reads.facts_of_digest(conn, outcome.digest)
    inputs.replace_content(
        conn,
        known.key,
        digest=outcome.digest,
        size=size,
        mtime_ns=mtime_ns,
        facts=facts,
        state=state,
        reason=refusal.reason if refusal else "",
        now_ms=now_ms,
    )
    return "failed" if refusal else "changed"


def _commit_new(
    conn: sqlite3.Connection,
    read: ToRead,
    outcome: Outcome,
    lost_twin: LostTwin,
    size: int,
    mtime_ns: int,
    now_ms: int,
) -> str:
    name = read.sighting.name
    twin = lost_twin(conn, outcome.digest) if outcome.digest is not None else None
    if twin is not None:
        inputs.move(
            conn,
            twin.key,
            root=read.root,
            folder=read.folder,
            name=name,
            size=size,
            mtime_ns=mtime_ns,
            now_ms=now_ms,
        )
        return "moved"
    refusal, facts = outcome.refusal, outcome.facts
    if facts is None and outcome.known and outcome.digest is not None:
        facts = reads.facts_of_digest(conn, outcome.digest)
    inputs.put_new(
        conn,
        id=None,
        root=read.root,
        folder=read.folder,
        name=name,
        digest=outcome.digest,
        size=size,
        mtime_ns=mtime_ns,
        facts=facts,
        state=refusal.state if refusal else "ok",
        reason=refusal.reason if refusal else "",
        now_ms=now_ms,
    )
    return "failed" if refusal else "added"


def commit_away(
    truth: Truth, root: int, away: Sequence[tuple[bytes, Sighting, Known | None]]
) -> None:
    """Note placeholders (data in a cloud) that are new; known photos keep what is known."""
    fresh = [(folder, sighting) for folder, sighting, known in away if known is None]
    if not fresh:
        return
    now_ms = time.time_ns() // 1_000_000
    with truth.catalog.writing("sync") as conn:
        for folder, sighting in fresh:
            inputs.put_new(
                conn,
                id=None,
                root=root,
                folder=folder,
                name=sighting.name,
                digest=None,
                size=sighting.size,
                mtime_ns=sighting.mtime_ns,
                facts=None,
                state="not-on-this-disk",
                reason="its data is in a cloud and was not fetched",
                now_ms=now_ms,
            )
