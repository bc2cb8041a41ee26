"""A store moves to another pack, and back: which one is meant, the locks, the switch, what follows.

Features are computed by the room `reindex`, segments by `publish`. Invariants: one reindex a store
at a time; until the one commit of the switch everything is as it was, and what was computed by
then stays for the next call.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from localsearch.catalog import input_reads, packs
from localsearch.catalog.features import Features, features_path, open_features
from localsearch.catalog.packs import PackRow
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError, LibraryBusy
from localsearch.library import arguments, derived, running
from localsearch.library.folders import found_roots
from localsearch.library.models import Models
from localsearch.library.pack_choice import Target, target_of
from localsearch.library.pack_files import drop_unused
from localsearch.library.parts import Parts
from localsearch.pack import Pack, copy_query_side
from localsearch.pack.find import large_networks
from localsearch.publish import plan, switch_pack
from localsearch.records import Progress, ReindexReport
from localsearch.reindex.pictures import Pictures
from localsearch.reindex.run import Work, catch_up
from localsearch.reindex.survey import Survey, bytes_of, refuse_if_full, seconds_of, survey
from localsearch.writer_lock import WriterLock

if TYPE_CHECKING:
    from localsearch.library.arguments import Stop

LOCK: Final = "reindex.lock"

TRIES: Final = 20
"""Looks at what others add meanwhile before it switches all the same, and catches up after it."""

_BREATH_SECONDS: Final = 0.05  # whoever waits for the lock of a sync looks every 20 ms

Retrain = Callable[[Features, Pack], Callable[[sqlite3.Connection], None]]
"""What taught concepts become with the features of another pack; what it gives is called in the
transaction that makes that pack the active one."""


class Wanted(NamedTuple):
    """What a caller of `reindex` asks for, checked."""

    pack: str | None = None
    from_thumbnails: bool = False
    rollback: bool = False
    dry_run: bool = False
    progress: Callable[[Progress], None] | None = None
    stop: Callable[[], bool] = derived.never


def wanted(
    pack: object,
    from_thumbnails: object,
    rollback: object,
    dry_run: object,
    progress: Callable[[Progress], None] | None,
    stop: Stop,
) -> Wanted:
    """The arguments of `Library.reindex`, checked. Raises InputError."""
    asked = Wanted(
        None if pack is None else arguments.text(pack, "pack"),
        arguments.flag(from_thumbnails, "from_thumbnails"),
        arguments.flag(rollback, "rollback"),
        arguments.flag(dry_run, "dry_run"),
        arguments.function(progress, "progress"),
        arguments.stop(stop),
    )
    if asked.rollback and asked.pack is not None:
        raise InputError("a rollback leads to the pack before: name none", hint="leave pack= away")
    return asked


def no_retrain(features: Features, pack: Pack) -> Callable[[sqlite3.Connection], None]:
    """For a library without taught concepts."""
    return lambda conn: None


def run_reindex(
    parts_now: Callable[[], Parts], wanted: Wanted, retrain: Retrain = no_retrain
) -> ReindexReport:
    """See `Library.reindex`. `parts_now` gives the parts of the pack that is active by then."""
    began, parts = time.monotonic(), parts_now()
    if wanted.dry_run:
        return _foreseen(parts, wanted, began)
    lock = WriterLock(parts.truth.store / LOCK)
    with lock.hold(parts.options.lock_timeout, "reindex"), parts.upkeep.holding_back():
        target = target_of(parts, wanted.pack, rollback=wanted.rollback)
        with _Move(parts, wanted, target) as move:
            move.check_space()
            switched, notes = move.run(retrain)
            notes += running.note(parts_now(), move.models)
            report = move.report(switched, notes, began)
        if not target.switches:
            drop_unused(parts)
            _settle(parts, wanted)
        elif switched:
            parts = parts_now()
            drop_unused(parts)
            if move.late:
                with _Move(parts, Wanted(stop=wanted.stop), Target(parts.pack, False)) as late:
                    late.run(retrain)
            _settle(parts, wanted)
    parts.upkeep.wake()  # for a graph, while this process stays open
    return report


def _settle(parts: Parts, wanted: Wanted) -> None:
    """Segments for what is new, and merges; what cannot be done now is done by the next sync."""
    parts.live.forget()
    derived.settle(parts, whole=True, stop=wanted.stop)


class _Move:
    """The way from the active pack to another, or to the features that the active one lacks."""

    def __init__(self, parts: Parts, wanted: Wanted, target: Target) -> None:
        self.parts, self.wanted, self.target = parts, wanted, target
        self.pack, self.late = target.pack, False
        self.models = parts.models
        self.same_encoder = self.pack.encoder_digest == parts.pack.encoder_digest
        self.found, self.need = Survey(), 0
        self._closing = ExitStack()
        self._work: Work | None = None

    def __enter__(self) -> _Move:
        return self

    def __exit__(self, *fault: object) -> None:
        self._closing.close()

    def check_space(self) -> None:
        """Raise LibraryFull before anything is written; counts what is to be done."""
        truth, stop = self.parts.truth, self.wanted.stop
        with _known_features(self.parts, self.pack) as features:
            self.found = survey(truth.catalog, features, stop=stop)
        self.need = bytes_needed(self.parts, self.target, self.found)
        if self.need:
            refuse_if_full(truth.store, self.need)

    def run(self, retrain: Retrain) -> tuple[bool, tuple[str, ...]]:
        """Compute what is lacking, and switch if another pack is meant; (whether it did, notes)."""
        row = self._begin()
        work = self._work = self._made_work()
        after = catch_up(work)
        if row is None or work.stop():
            return False, ()
        with _patiently(self.parts.truth.store, work.stop):
            work.turn = nullcontext
            return self._switch(work, row, after, retrain)

    def _begin(self) -> PackRow | None:
        """Note what is being built, once the store has its own copy; None for the active pack."""
        truth = self.parts.truth
        if not self.target.switches:
            with truth.catalog.writing("reindex") as conn:
                packs.forget(conn, "building")
            return None
        folder = copy_query_side(self.pack, truth.store).relative_to(truth.store).as_posix()
        row = PackRow(
            self.pack.name,
            self.pack.version,
            self.pack.encoder_digest,
            self.pack.pack_digest,
            folder,
        )
        with truth.catalog.writing("reindex") as conn:
            packs.put(conn, "building", row)
        return row

    def _made_work(self) -> Work:
        parts, wanted = self.parts, self.wanted
        features = parts.truth.features
        if not self.same_encoder:
            features = self._closing.enter_context(closing(_opened_features(parts, self.pack)))
        if self.target.switches:
            self.models = self._closing.enter_context(closing(models_for(parts, self.pack)))
        beside = parts.truth._replace(features=features)
        return Work(
            truth=parts.truth,
            features=features,
            pictures=pictures_of(parts, wanted),
            read=self.models.reader(beside, thumbnails=False),
            in_use=self.same_encoder,
            total=self.found.contents,
            turn=partial(_patiently, parts.truth.store, wanted.stop),
            stop=wanted.stop,
            progress=wanted.progress,
        )

    def _switch(
        self, work: Work, row: PackRow, after: int, retrain: Retrain
    ) -> tuple[bool, tuple[str, ...]]:
        """The one commit, once nothing is lacking that others have added meanwhile."""
        tries, put = 0, retrain(work.features, self.pack)

        def before() -> None:
            nonlocal after, put
            known, after = after, catch_up(work, after)
            with self.parts.truth.catalog.reading() as conn:
                self.found.contents = input_reads.count_contents(conn)
            if after != known:
                put = retrain(work.features, self.pack)

        def commit(conn: sqlite3.Connection) -> bool:
            nonlocal tries
            tries += 1
            self.late = bool(input_reads.contents_after(conn, after, 1))
            if self.late and tries < TRIES:
                return False
            put(conn)
            packs.put_active(conn, row)
            return True

        with self.parts.upkeep.turn(work.stop) as mine:
            if not mine:
                return False, ()
            return switch_pack(
                self.parts.truth.catalog,
                work.features,
                self.pack,
                self.parts.truth.store,
                commit,
                before=before,
                lock_timeout=self.parts.options.lock_timeout,
                stop=work.stop,
            )

    def report(self, switched: bool, notes: tuple[str, ...], began: float) -> ReindexReport:
        """What was done so far."""
        assert self._work is not None
        tally, stopped = self._work.tally, self.wanted.stop() and not switched
        made = tally.inferred + tally.from_thumbnails + tally.lost()
        self._work.tell(now=True)
        return ReindexReport(
            pack=words_of(self.pack),
            before=words_of(self.parts.pack),
            contents=self.found.contents,
            kept=max(self.found.contents - (self.found.to_do if stopped else made), 0),
            inferred=tally.inferred,
            from_thumbnails=tally.from_thumbnails,
            lacking=tally.lost(),
            switched=switched,
            stopped=stopped,
            bytes=self.need,
            seconds=round(time.monotonic() - began, 3),
            failures=tally.failures(),
            notes=notes,
        )


def _foreseen(parts: Parts, wanted: Wanted, began: float) -> ReindexReport:
    """A dry run: what there is to do, by looking for each picture and inferring a few."""
    target = target_of(parts, wanted.pack, rollback=wanted.rollback)
    pictures = pictures_of(parts, wanted)
    with _known_features(parts, target.pack) as features:
        found = survey(parts.truth.catalog, features, pictures=pictures, stop=wanted.stop)
    with closing(models_for(parts, target.pack)) as models:
        read = models.reader(parts.truth, thumbnails=False, afresh=True)
        seconds = seconds_of(found, read, wanted.stop)
    seen = found.found
    return ReindexReport(
        pack=words_of(target.pack),
        before=words_of(parts.pack),
        contents=found.contents,
        kept=max(found.contents - found.to_do - seen[""], 0),
        inferred=seen["file"] + seen["bytes"],
        from_thumbnails=seen["thumbnail"],
        lacking=seen[""],
        stopped=wanted.stop(),
        dry_run=True,
        bytes=bytes_needed(parts, target, found),
        seconds=round(seconds, 3),
    )


def words_of(pack: Pack | PackRow) -> str:
    """A pack as people name it."""
    return f"{pack.name} {pack.version}"


def models_for(parts: Parts, pack: Pack) -> Models:
    """The models of a pack that is not the handle's."""
    return Models(pack, parts.options)


def pictures_of(parts: Parts, wanted: Wanted) -> Pictures:
    """Where contents can be seen, with the roots as they are now."""
    tops = {one.row.key: one.path for one in found_roots(parts) if one.path is not None}
    return Pictures(parts.truth, tops, thumbnails_first=wanted.from_thumbnails)


def bytes_needed(parts: Parts, target: Target, found: Survey) -> int:
    """What a reindex writes: features; for another pack its copy, and segments beside the old."""
    pack = target.pack
    need = bytes_of(found.to_do, pack.dimensions, pack.classes)
    if not target.switches:
        return need
    with parts.truth.catalog.reading() as conn:
        rows = sum(input_reads.count_by_state(conn).values())
    need += plan.bytes_of(rows, pack.dimensions, len(pack.floors))
    copied = (parts.truth.store / "packs" / pack.pack_digest[:16]).exists()
    apart = {*large_networks(pack)}
    files = pack.manifest.files.items()
    return need + (0 if copied else sum(one.bytes for name, one in files if name not in apart))


@contextmanager
def _known_features(parts: Parts, pack: Pack) -> Iterator[Features | None]:
    """The features of a pack as far as there are some; makes no file."""
    if pack.encoder_digest == parts.pack.encoder_digest:
        yield parts.truth.features
    elif not features_path(parts.truth.store, pack.encoder_digest).exists():
        yield None
    else:
        with closing(_opened_features(parts, pack, read_only=parts.options.read_only)) as features:
            yield features


def _opened_features(parts: Parts, pack: Pack, *, read_only: bool = False) -> Features:
    return open_features(
        parts.truth.store,
        pack.encoder_digest,
        dimensions=pack.dimensions,
        classes=pack.classes,
        read_only=read_only,
        lock_timeout=parts.options.lock_timeout,
    )


@contextmanager
def _patiently(store: Path, stop: Callable[[], bool]) -> Iterator[None]:
    """Hold the lock of a sync, however long the sync before it takes.

    When `stop` says so, the block runs without it: it asks the same and does nothing.
    """
    with ExitStack() as held:
        while not stop():
            try:
                held.enter_context(WriterLock(store / "sync.lock").hold(0.5, "reindex"))
                break
            except LibraryBusy:
                continue
        yield
    time.sleep(_BREATH_SECONDS)
