"""Infers lost features anew for inputs outside every root: no walk ever meets these.

Photos of roots are read again by the survey. Changes no input; a file that is gone stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from localsearch.catalog import contents
from localsearch.catalog import input_reads as reads
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.renewing import settle_renewed
from localsearch.catalog.truth import Truth
from localsearch.pipeline.job import Job, Outcome
from localsearch.sync.commit import put_features

_BATCH = 32


def heal_rootless(
    truth: Truth,
    read_features: Callable[[Iterable[Job], Callable[[], bool]], Iterator[Outcome]],
    stop: Callable[[], bool],
) -> int:
    """Read again what has lost its features; gives how many contents were healed."""
    settle_renewed(truth)  # what a crash has left of it
    with truth.catalog.reading() as conn:
        rows = reads.rootless_featured(conn)
    have = truth.features.have_whole([row.digest for row in rows if row.digest is not None])
    lacking = {row.digest: row for row in rows if row.digest not in have}
    if not lacking:
        return 0
    jobs = (job for row in lacking.values() if (job := _job_of(truth, row)) is not None)
    healed = 0
    batch: list[Outcome] = []
    for outcome in read_features(jobs, stop):
        if outcome.digest in lacking and outcome.vector is not None:
            batch.append(outcome)
            healed += 1
        if len(batch) >= _BATCH:
            put_features(truth, batch)
            batch = []
    put_features(truth, batch)
    return healed


def _job_of(truth: Truth, row: InputRow) -> Job | None:
    path = row.relative
    if path is None:
        with truth.catalog.reading() as conn:
            data = contents.data_of(conn, row.key)
        return None if data is None else Job(key=row.key, data=data, size=len(data))
    try:
        return Job(key=row.key, path=path, size=os.stat(path).st_size)
    except OSError:
        return None
