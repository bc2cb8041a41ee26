"""Jobs to Outcomes over all cores: decoding threads feed inference lanes.

Never touches a catalog; `jobs` is pulled and outcomes are given on the caller's own thread.
Invariant: each job gives exactly one outcome, unless the run is stopped or a fault of the library
or the encoder ends it; and when the generator ends, in whatever way, its threads have ended.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable, Iterator

from localsearch.encoders.image import ImageEncoder
from localsearch.machine import memory_budget, usable_cores
from localsearch.pack.manifest import ImageSpec
from localsearch.pipeline.job import Job, Outcome
from localsearch.pipeline.lanes import Dropped, Fault, Lanes, Settings
from localsearch.sources.limits import DEFAULT_LIMITS, Limits

_PULSE_S = 0.1  # how often `stop` is asked while nothing happens


def features_of(
    jobs: Iterable[Job],
    encoder_factory: Callable[[int], ImageEncoder],
    image: ImageSpec,
    *,
    known: Callable[[bytes], bool],
    thumbnail_side: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    threads: int | None = None,
    gentle: bool = False,
    memory: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    one_reader: bool = False,
    low_memory: bool = False,
) -> Iterator[Outcome]:
    """The outcomes of `jobs`, in the order in which they are done; lazily, a window at a time.

    `encoder_factory(threads)` is called once, when the first picture needs it, on another thread;
    the encoder stays the caller's to close. `known(digest)` is asked on several threads; True
    spares the decode. `thumbnail_side` 0: no thumbnails, no fingerprints. `threads`: cores to use
    (None: all that this process may use, half of them with `gentle`, which also lowers their
    priority). `memory`: bytes that photos in work may take. `one_reader`: one file is read at a
    time (a rotating disk). After `stop()` is true, only what a lane had begun still comes out.

    Raises what `jobs`, `known` or the encoder raise (PackError); a bad photo is a refusal.
    """
    settings = Settings(
        image=image,
        limits=limits,
        thumbnail_side=thumbnail_side,
        cores=_cores(threads, gentle, low_memory),
        gentle=gentle,
        memory=memory_budget(memory),
        one_reader=one_reader,
        low_memory=low_memory,
    )
    lanes = Lanes(settings, encoder_factory, known)
    try:
        yield from _turn(lanes, iter(jobs), stop)
    finally:
        lanes.end()


def _turn(lanes: Lanes, jobs: Iterator[Job], stop: Callable[[], bool]) -> Iterator[Outcome]:
    inside, more, stopped = 0, True, False
    while True:
        if not stopped and stop():
            more, stopped = False, True
            lanes.drop_waiting()
        if more and inside < lanes.window and lanes.done.empty():
            job = next(jobs, None)
            if job is None:
                more = False
            else:
                lanes.put(job)
                inside += 1
            continue
        if not inside:
            return
        try:
            found = lanes.done.get(timeout=_PULSE_S)
        except queue.Empty:
            continue
        inside -= 1
        if isinstance(found, Fault):
            raise found.exception
        if not isinstance(found, Dropped):
            yield found


def _cores(threads: int | None, gentle: bool, low_memory: bool) -> int:
    if low_memory:
        return 1
    if threads is not None:
        return max(1, min(threads, 4 * (os.cpu_count() or 1)))
    usable = usable_cores()
    return max(1, usable // 2) if gentle else usable
