"""Writes what was read: features, then thumbnails, then the catalog, a batch at a time.

Invariant: an input that is committed as "ok" has its feature; a feature without an input is
harmless. A photo that was fine before and cannot be read now keeps all that is known of it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

from localsearch.catalog import inputs
from localsearch.catalog import known as known_rows
from localsearch.catalog import roots as root_rows
from localsearch.catalog.known import Known
from localsearch.catalog.renewing import settle_renewed
from localsearch.catalog.truth import Truth
from localsearch.deferred import NamedTuple, dataclass
from localsearch.pipeline.job import Outcome
from localsearch.records import Facts
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
    settle_renewed(truth)


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


class _Found(NamedTuple):
    """What was found at a place, as the catalog takes it."""

    digest: bytes | None
    size: int
    mtime_ns: int
    facts: Facts | None
    state: str
    reason: str
    now_ms: int

    @property
    def told(self) -> dict[str, Any]:
        """The arguments that new and replaced contents share."""
        return self._asdict()


def _commit_one(
    conn: sqlite3.Connection, read: ToRead, outcome: Outcome, lost_twin: LostTwin, now_ns: int
) -> str:
    if outcome.refusal is not None and not os.path.lexists(read.path):
        return "skipped"  # gone between the walk and the read: the next sync will see
    if root_rows.by_key(conn, read.root) is None:
        return "skipped"  # its root was dropped meanwhile
    found = _found(conn, read, outcome, now_ns)
    # Looked up again: it may have been added, edited or purged since the survey.
    known = known_rows.known_at(conn, read.root, read.folder, read.sighting.name)
    if known is not None and known.removed:
        return "unchanged"
    if known is not None and not (known.state == "missing" and known.digest != found.digest):
        return _commit_known(conn, known, found)
    twin = lost_twin(conn, found.digest) if found.digest is not None else None
    if twin is not None:
        return _commit_moved(conn, read, known, twin, found)
    if known is not None:
        return _commit_known(conn, known, found)
    name = read.sighting.name
    inputs.put_new(conn, root=read.root, folder=read.folder, name=name, **found.told)
    return "failed" if outcome.refusal else "added"


def _found(conn: sqlite3.Connection, read: ToRead, outcome: Outcome, now_ns: int) -> _Found:
    mtime_ns = read.sighting.mtime_ns if outcome.mtime_ns is None else outcome.mtime_ns
    facts = outcome.facts
    if facts is None and outcome.known and outcome.digest is not None:
        facts = known_rows.facts_of_digest(conn, outcome.digest)
    return _Found(
        digest=outcome.digest,
        size=read.sighting.size if outcome.size is None else outcome.size,
        mtime_ns=settled_mtime(mtime_ns, now_ns),
        facts=facts,
        state=outcome.refusal.state if outcome.refusal else "ok",
        reason=outcome.refusal.reason if outcome.refusal else "",
        now_ms=now_ns // 1_000_000,
    )


def _commit_known(conn: sqlite3.Connection, known: Known, found: _Found) -> str:
    if found.state == known.content_state and found.digest == known.digest:
        if (found.size, found.mtime_ns) != (known.size, known.mtime_ns):
            inputs.touch(conn, known.key, size=found.size, mtime_ns=found.mtime_ns)
        if known.state != known.content_state:
            inputs.set_state(conn, [known.key], "ok", "", found.now_ms)
        return "unchanged"
    if found.state == "unreadable" and known.content_state == "ok":
        return "failed"  # what is known of it stays; tried again at the next sync
    inputs.replace_content(conn, known.key, **found.told)
    return "changed" if found.state == "ok" else "failed"


def _commit_moved(
    conn: sqlite3.Connection, read: ToRead, occupant: Known | None, twin: Known, found: _Found
) -> str:
    """`twin` stands here now. A missing photo that stood here before takes its old place."""
    if occupant is not None:
        inputs.exchange_places(conn, occupant.key, twin.key)
    inputs.move(
        conn,
        twin.key,
        root=read.root,
        folder=read.folder,
        name=read.sighting.name,
        size=found.size,
        mtime_ns=found.mtime_ns,
        now_ms=found.now_ms,
    )
    return "moved"


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
            if known_rows.known_at(conn, root, folder, sighting.name) is not None:
                continue
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
