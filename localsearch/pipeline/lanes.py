"""The threads of a run: decoders that read and decode, lanes that infer.

Knows no order of jobs and yields nothing (that is `stages`). Invariant: a photo travels with its
Job in one object through every queue, so a neighbour that fails can't shift it; and whatever
happens on a thread, `done` gets one entry for each job that was put.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import field, replace

from blake3 import blake3

from localsearch.deferred import dataclass
from localsearch.encoders.image import ImageEncoder
from localsearch.errors import PackError, PictureError
from localsearch.machine import lower_thread_priority
from localsearch.pack.manifest import ImageSpec
from localsearch.pipeline.budget import Budget, Cancelled, Share
from localsearch.pipeline.job import Job, Outcome
from localsearch.pipeline.look import Look, look_at, refusal_of, short_side
from localsearch.pipeline.read import content_of
from localsearch.records import Refusal
from localsearch.sources.limits import Limits
from localsearch.sources.picture import decoded_pixels

# A decoded pixel, in Pillow's four bytes, and once more while it is turned, flattened or copied.
_PIXEL_BYTES = 8
# One decoder more than cores: while one waits for the disk, the others have work for all of them.
_SPARE_DECODERS = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is told; `memory` in bytes, `cores` to keep busy."""

    image: ImageSpec
    limits: Limits
    thumbnail_side: int
    cores: int
    gentle: bool
    memory: int
    one_reader: bool
    low_memory: bool


@dataclass(frozen=True, slots=True)
class Dropped:
    """A job that was not begun, or only decoded, before the run was stopped."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What ends the whole run: a fault of the library, the encoder, or of this house."""

    exception: BaseException


@dataclass(frozen=True, slots=True)
class _Seen:
    """A photo between decoder and lane: what is known of it, and what the network needs."""

    outcome: Outcome
    look: Look = field(repr=False)


class Lanes:
    """The running threads; `end` must be called. `done` holds what came out."""

    def __init__(
        self,
        settings: Settings,
        encoder_factory: Callable[[int], ImageEncoder],
        known: Callable[[bytes], bool],
    ) -> None:
        self._settings = settings
        self._encoder_factory = encoder_factory
        self._known = known
        self.done: queue.SimpleQueue[Outcome | Dropped | Fault] = queue.SimpleQueue()
        self._todo: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._seen: queue.SimpleQueue[_Seen | None] = queue.SimpleQueue()
        self._budget = Budget(settings.memory)
        # Decoders and lanes together keep `cores` busy; `threads=1` is one core. Where there are
        # several and nobody asked to be gentle, one more may be at work: whoever waits for the
        # interpreter's lock leaves a core empty (0.97 of the cores busy against 0.94, and syncs
        # 1.05x as fast: median of six alternating pairs on two cores).
        spare = 1 if settings.cores > 1 and not settings.gentle else 0
        self._cores = threading.Semaphore(settings.cores + spare)
        one = settings.one_reader
        self._reader: contextlib.AbstractContextManager[object] = (
            threading.Lock() if one else contextlib.nullcontext()
        )
        self._dropping = threading.Event()
        decoders = 1 if settings.low_memory else settings.cores + _SPARE_DECODERS
        # Jobs inside at once: enough that no thread waits for the caller's next turn, few enough
        # that what is decoded and not yet taken (some 250 KB each) stays small.
        self.window = 3 * decoders + 2
        self._inferring = 1  # lanes
        self._threads: list[threading.Thread] = []
        for number in range(decoders):
            self._start(self._decode_all, f"decoder-{number}")
        self._start(self._infer_first, "lane-0")

    def put(self, job: Job) -> None:
        """Hand in a job; never waits."""
        self._todo.put(job)

    def drop_waiting(self) -> None:
        """From now on, jobs that no decoder or no lane has begun come out as Dropped."""
        self._dropping.set()

    def end(self) -> None:
        """Stop all threads and wait for them: at most for the photos that they have in hand."""
        self._dropping.set()
        self._budget.close()
        # The list grows on lane 0 only, before it takes its second photo; joined in its order.
        for thread in self._threads:
            self._todo.put(None)
            self._seen.put(None)
            while thread.is_alive():
                self._todo.put(None)
                self._seen.put(None)
                thread.join(timeout=0.05)

    def _start(self, work: Callable[[], None], name: str) -> None:
        def run() -> None:
            if self._settings.gentle:
                lower_thread_priority()
            work()

        thread = threading.Thread(target=run, name=f"localsearch-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    # ------------------------------------------------------------ decoders

    def _decode_all(self) -> None:
        while (job := self._todo.get()) is not None:
            if self._dropping.is_set():
                self.done.put(Dropped())
                continue
            try:
                found = self._decoded(job)
            except Cancelled:
                self.done.put(Dropped())
            except BaseException as fault:  # noqa: BLE001  (raised again on the caller's thread)
                self.done.put(Fault(fault))
            else:
                if isinstance(found, _Seen):
                    self._seen.put(found)
                else:
                    self.done.put(found)

    def _decoded(self, job: Job) -> Outcome | _Seen:
        with self._budget.share() as share:
            try:
                share.grow(len(job.data) if job.data is not None else job.size)
                with self._reader:
                    content = content_of(job, self._settings.limits)
            except PictureError as fault:
                return Outcome(job.key, refusal=refusal_of(fault))
            except MemoryError:
                refusal = Refusal("too-large", "not enough memory to read this file")
                return Outcome(job.key, refusal=refusal)
            digest = blake3(content.data).digest()
            outcome = Outcome(job.key, digest, content.size, content.mtime_ns)
            if self._known(digest):
                return replace(outcome, known=True)
            try:
                return _Seen(outcome, self._look(content.data, share))
            except PictureError as fault:
                return replace(outcome, refusal=refusal_of(fault))

    def _look(self, data: bytes, share: Share) -> Look:
        image, side = self._settings.image, self._settings.thumbnail_side
        pixels = decoded_pixels(data, short_side(image))
        # More pixels than the limit are refused before they are decoded: no room needed.
        if pixels <= self._settings.limits.max_pixels:
            share.grow(_PIXEL_BYTES * pixels)
        with self._cores:
            return look_at(data, image, self._settings.limits, side)

    # ------------------------------------------------------------ lanes

    def _infer_first(self) -> None:
        """Lane 0: makes the encoder when the first photo is there, then starts the others."""
        first = self._seen.get()
        if first is None:
            return
        try:
            encoder = self._encoder_factory(1)
        except BaseException as fault:  # noqa: BLE001  (raised again on the caller's thread)
            self.done.put(Fault(fault))
            self._fail_all(fault)
            return
        self._inferring = encoder.lanes(self._settings.cores)
        # As much again as the lanes hold at once waits for them.
        self.window += 2 * self._inferring * (encoder.batch - 1)
        for number in range(1, self._inferring):
            self._start(lambda: self._infer_all(encoder), f"lane-{number}")
        self._infer([first], encoder)
        self._infer_all(encoder)

    def _fail_all(self, fault: BaseException) -> None:
        while self._seen.get() is not None:
            self.done.put(Fault(fault))

    def _infer_all(self, encoder: ImageEncoder) -> None:
        while (one := self._seen.get()) is not None:
            batch = [one]
            # A lane leaves the others their share, or the last pictures of a run would be one's.
            fair = -(-(1 + self._seen.qsize()) // self._inferring)
            while len(batch) < min(encoder.batch, fair):
                try:
                    more = self._seen.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    self._seen.put(None)  # the end, for the next turn
                    break
                batch.append(more)
            self._infer(batch, encoder)

    def _infer(self, batch: Sequence[_Seen], encoder: ImageEncoder) -> None:
        if self._dropping.is_set():
            for _ in batch:
                self.done.put(Dropped())
            return
        try:
            with self._cores:
                vectors, logits = encoder.encode([seen.look.prepared for seen in batch])
        except PackError as fault:
            # The provider's fault, not a photo's: to go on would refuse every photo there is.
            for _ in batch:
                self.done.put(Fault(fault))
        except BaseException as fault:  # noqa: BLE001  (becomes a refusal of one photo)
            if len(batch) > 1:
                for seen in batch:
                    self._infer([seen], encoder)
            else:
                self.done.put(replace(batch[0].outcome, refusal=_failed(fault)))
        else:
            for seen, vector, row in zip(batch, vectors, logits, strict=True):
                self.done.put(
                    replace(
                        seen.outcome,
                        facts=seen.look.facts,
                        vector=vector.copy(),
                        logits=row.copy(),
                        thumbnail=seen.look.thumbnail,
                        fingerprint=seen.look.fingerprint,
                    )
                )


def _failed(fault: BaseException) -> Refusal:
    if isinstance(fault, MemoryError):
        return Refusal("too-large", "not enough memory to look at this picture")
    return Refusal("undecodable", f"{type(fault).__name__}: {fault}")
