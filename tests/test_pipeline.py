"""The pipeline: every job gives its own outcome, whatever its neighbours do, and it always ends."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blake3 import blake3
from PIL import Image

from localsearch.encoders import ImageEncoder, open_image_encoder
from localsearch.encoders.prepare import Pixels, Prepared
from localsearch.errors import LibraryError, PackProvider
from localsearch.pack import Pack, load_pack
from localsearch.pipeline import Job, Outcome, features_of, features_of_one, look
from localsearch.pipeline.budget import Budget, Cancelled
from localsearch.sources.limits import Limits
from tests.tiny_pack import make_photo, tiny_pack_folder

SIDE = 64
MIB = 1 << 20


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(tiny_pack_folder())


@pytest.fixture(scope="module")
def encoder(pack: Pack) -> ImageEncoder:
    return open_image_encoder(pack)


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert not [t.name for t in threading.enumerate() if t.name.startswith("localsearch-")]


def jpeg(seed: int, size: tuple[int, int] = (160, 120), form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(make_photo(seed, size)).save(file, form)
    return file.getvalue()


def run(pack: Pack, encoder: ImageEncoder, jobs: Any, **options: Any) -> list[Outcome]:
    options = {"known": lambda digest: False, "thumbnail_side": SIDE, "threads": 3, **options}
    return list(features_of(jobs, lambda threads: encoder, pack.image, **options))


def same(found: Outcome, alone: Outcome) -> None:
    assert found.vector is not None
    assert np.array_equal(found.vector, alone.vector)
    assert np.array_equal(found.logits, alone.logits)
    assert (found.digest, found.facts) == (alone.digest, alone.facts)
    assert (found.thumbnail, found.fingerprint) == (alone.thumbnail, alone.fingerprint)


def test_files_and_bytes(pack: Pack, encoder: ImageEncoder, tmp_path: Path) -> None:
    jobs, alone = [], {}
    for seed in range(30):
        data = jpeg(seed, form="PNG" if seed % 3 else "JPEG")
        path = tmp_path / f"ü {seed}"
        path.write_bytes(data)
        forms = (
            Job(seed, path=str(path), size=len(data)),
            Job(seed, path=os.fsencode(path), size=len(data)),
            Job(seed, data=data),
        )
        jobs.append(forms[seed % 3])
        alone[seed] = features_of_one(data, encoder, pack.image, thumbnail_side=SIDE)
    outcomes = run(pack, encoder, jobs)
    assert sorted(o.key for o in outcomes) == list(range(30))
    for outcome in outcomes:
        same(outcome, alone[outcome.key])
        assert outcome.refusal is None
        assert not outcome.known
        if outcome.key % 3 < 2:
            info = (tmp_path / f"ü {outcome.key}").stat()
            assert (outcome.size, outcome.mtime_ns) == (info.st_size, info.st_mtime_ns)
        else:
            assert outcome.mtime_ns is None


class Widened:
    """The real encoder, taking batches: it fails on a marked picture, and on its whole batch."""

    def __init__(self, encoder: ImageEncoder, poison: Callable[[Pixels], Exception | None]) -> None:
        self._encoder = encoder
        self._poison = poison
        self.batch = 4

    def lanes(self, cores: int) -> int:
        return 2

    def encode(self, prepared: list[Prepared]) -> tuple[np.ndarray, np.ndarray]:
        for (pixels,) in prepared:
            if fault := self._poison(pixels):
                raise fault
        return self._encoder.encode(prepared)


def test_poison_never_shifts_a_neighbour(
    pack: Pack, encoder: ImageEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken files, decoders that raise or run out of memory, networks that choke on one."""
    photos = {seed: jpeg(seed) for seed in range(60)}
    alone = {
        seed: features_of_one(data, encoder, pack.image, thumbnail_side=SIDE)
        for seed, data in photos.items()
    }
    expected: dict[int, str] = {}
    for seed in photos:
        if seed % 10 == 1:
            photos[seed], expected[seed] = b"", "undecodable"
        elif seed % 10 == 3:
            photos[seed], expected[seed] = b"these are no pixels " * 9, "unsupported"
    raises: dict[bytes, BaseException] = {}
    for seed in photos:
        if seed % 10 == 5:
            raises[photos[seed]], expected[seed] = RuntimeError("a decoder's bug"), "undecodable"
        elif seed % 10 == 7:
            raises[photos[seed]], expected[seed] = MemoryError(), "too-large"
    real = look.open_picture

    def poisoned(data: bytes, **options: Any) -> Any:
        if data in raises:
            raise raises[data]
        return real(data, **options)

    choke = {
        look.look_at(photos[seed], pack.image, Limits(), SIDE).prepared[0].tobytes(): fault
        for seed, fault in ((9, ValueError("choked")), (29, MemoryError()), (49, KeyError("x")))
    }
    expected |= {9: "undecodable", 29: "too-large", 49: "undecodable"}
    monkeypatch.setattr(look, "open_picture", poisoned)
    widened = Widened(encoder, lambda pixels: choke.get(pixels.tobytes()))
    jobs = [Job(seed, data=data) for seed, data in photos.items()]
    outcomes = run(pack, widened, jobs)  # type: ignore[arg-type]
    assert sorted(o.key for o in outcomes) == list(range(60))
    for outcome in outcomes:
        if outcome.key in expected:
            assert outcome.refusal is not None
            assert outcome.refusal.state == expected[outcome.key]
            assert outcome.refusal.reason
            assert outcome.vector is None
            assert outcome.digest == blake3(photos[outcome.key]).digest()
        else:
            same(outcome, alone[outcome.key])


def test_what_is_known_is_not_decoded(pack: Pack, tmp_path: Path) -> None:
    def never(threads: int) -> ImageEncoder:
        raise AssertionError("an encoder was made for nothing")

    data = [jpeg(seed) for seed in range(5)]
    jobs = [Job(i, data=one) for i, one in enumerate(data)]
    asked: list[bytes] = []
    outcomes = list(
        features_of(jobs, never, pack.image, known=lambda d: bool(asked.append(d)) or True)
    )
    assert all(o.known and o.vector is None and o.refusal is None for o in outcomes)
    assert sorted(asked) == sorted(blake3(one).digest() for one in data)


def test_the_same_bytes_twice(pack: Pack, encoder: ImageEncoder) -> None:
    data = jpeg(4)
    outcomes = run(pack, encoder, [Job(key, data=data) for key in "abcdef"])
    assert sorted(o.key for o in outcomes) == list("abcdef")
    for outcome in outcomes:
        same(outcome, outcomes[0])


def test_files_that_changed_since_they_were_planned(
    pack: Pack, encoder: ImageEncoder, tmp_path: Path
) -> None:
    grown, gone, folder = tmp_path / "grown", tmp_path / "gone", tmp_path / "folder"
    grown.write_bytes(jpeg(1) + b"more")
    folder.mkdir()
    jobs = [
        Job("grown", path=str(grown), size=len(jpeg(1))),
        Job("gone", path=str(gone), size=100),
        Job("folder", path=str(folder), size=100),
        Job("nul", path="a\0b", size=1),
    ]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # to open it would wait for a writer, for ever
        jobs.append(Job("pipe", path=str(tmp_path / "pipe"), size=0))
    outcomes = run(pack, encoder, jobs)
    assert len(outcomes) == len(jobs)
    for outcome in outcomes:
        assert outcome.refusal is not None
        assert outcome.refusal.state == "unreadable"
        assert (outcome.digest, outcome.size, outcome.mtime_ns) == (None, None, None)


def test_limits_are_kept_before_reading(pack: Pack, encoder: ImageEncoder, tmp_path: Path) -> None:
    big = tmp_path / "big.jpg"
    with big.open("wb") as file:
        file.truncate(900 * MIB)  # sparse: never read
    jobs = [Job("file", path=str(big), size=900 * MIB), Job("wide", data=jpeg(1, (300, 200)))]
    limits = Limits(max_bytes=MIB, max_pixels=50_000)
    states = {o.key: o.refusal and o.refusal.state for o in run(pack, encoder, jobs, limits=limits)}
    assert states == {"file": "too-large", "wide": "too-large"}


def test_jobs_are_pulled_lazily_and_on_this_thread(pack: Pack, encoder: ImageEncoder) -> None:
    pulled: list[int] = []
    data = jpeg(2)

    def jobs() -> Iterator[Job]:
        for key in range(500):
            assert threading.current_thread() is threading.main_thread()
            pulled.append(key)
            yield Job(key, data=data)

    outcomes = features_of(
        jobs(), lambda threads: encoder, pack.image, known=lambda digest: False, threads=2
    )
    assert not pulled
    next(outcomes)
    time.sleep(0.2)
    assert len(pulled) < 40
    outcomes.close()  # type: ignore[attr-defined]
    assert len(pulled) < 40


def test_closed_early_no_thread_stays(pack: Pack, encoder: ImageEncoder) -> None:
    data = jpeg(2)
    for taken in (0, 1, 5):
        outcomes = features_of(
            (Job(key, data=data) for key in range(200)),
            lambda threads: encoder,
            pack.image,
            known=lambda digest: False,
        )
        for _ in range(taken):
            next(outcomes)
        outcomes.close()  # type: ignore[attr-defined]
        assert not [t for t in threading.enumerate() if t.name.startswith("localsearch-")]


def test_stop_ends_within_what_is_in_flight(pack: Pack, encoder: ImageEncoder) -> None:
    stop = threading.Event()
    pulled: list[int] = []

    def jobs() -> Iterator[Job]:
        for key in range(10_000):
            pulled.append(key)
            yield Job(key, data=jpeg(key % 5))

    count = 0
    for outcome in features_of(
        jobs(),
        lambda threads: encoder,
        pack.image,
        known=lambda digest: False,
        threads=2,
        stop=stop.is_set,
    ):
        assert outcome.vector is not None
        count += 1
        if count == 7:
            stop.set()
    assert 7 <= count <= 7 + 15
    assert len(pulled) < 40


class Halted:
    """The real encoder, taking batches: the first pass waits until ten photos were read, all others
    until a stop was heard."""

    def __init__(self, encoder: ImageEncoder) -> None:
        self._encoder, self._lock = encoder, threading.Lock()
        self.batch = 4
        self.handed: list[int] = []  # pictures of each pass
        self.full, self.heard = threading.Event(), threading.Event()

    def lanes(self, cores: int) -> int:
        return 2

    def encode(self, prepared: list[Prepared]) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            first = not self.handed
            self.handed.append(len(prepared))
        if first:
            self.full.wait(10)
        else:
            self.heard.wait(10)
            time.sleep(0.3)  # until the lanes were told, too
        return self._encoder.encode(prepared)


@pytest.mark.parametrize("photos", [10, 40])  # all of them handed in before the stop, and not
def test_stop_waits_for_no_photo_that_was_only_decoded(
    pack: Pack, encoder: ImageEncoder, photos: int
) -> None:
    halted: Any = Halted(encoder)
    read, count = list[bytes](), 0

    def known(digest: bytes) -> bool:
        read.append(digest)
        if len(read) >= 10:
            halted.full.set()
        return False

    def stop() -> bool:
        if count:
            halted.heard.set()
        return count > 0

    jobs = [Job(key, data=jpeg(key)) for key in range(photos)]
    options: Any = {"known": known, "threads": 2, "stop": stop}
    for _ in features_of(jobs, lambda threads: halted, pack.image, **options):
        count += 1
    assert 1 <= count <= 9  # the first, and a batch that each of the two lanes had begun
    assert count == sum(halted.handed)  # what a lane had begun came out,
    assert len(read) > count  # and nothing else did, though the decoders had more


@pytest.mark.parametrize("where", ["jobs", "known", "factory", "encoder"])
def test_faults_of_the_house_end_the_run_and_are_raised(
    pack: Pack, encoder: ImageEncoder, where: str
) -> None:
    def jobs() -> Iterator[Job]:
        for key in range(50):
            if where == "jobs" and key == 20:
                raise LibraryError("jobs")
            yield Job(key, data=jpeg(key))

    def known(digest: bytes) -> bool:
        if where == "known":
            raise LibraryError("known")
        return False

    def factory(threads: int) -> Any:
        if where == "factory":
            raise PackProvider("factory")
        if where == "encoder":
            return Widened(encoder, lambda pixels: PackProvider("encoder"))
        return encoder

    with pytest.raises((LibraryError, PackProvider), match=where):
        list(features_of(jobs(), factory, pack.image, known=known, threads=2))


def test_gentle_and_small_give_the_same(pack: Pack, encoder: ImageEncoder) -> None:
    jobs = [Job(seed, data=jpeg(seed)) for seed in range(8)]
    for options in (
        {"gentle": True, "threads": None},
        {"low_memory": True},
        {"threads": 1, "one_reader": True},
        {"memory": 1},
    ):
        outcomes = run(pack, encoder, jobs, **options)
        assert sorted(o.key for o in outcomes) == list(range(8))
        for outcome in outcomes:
            alone = features_of_one(
                jobs[outcome.key].data, encoder, pack.image, thumbnail_side=SIDE
            )
            same(outcome, alone)


@pytest.mark.parametrize(("threads", "gentle"), [(1, False), (3, True)])
def test_no_more_cores_are_busy_than_told(
    pack: Pack,
    encoder: ImageEncoder,
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
    gentle: bool,
) -> None:
    busy, most = [0], [0]
    lock = threading.Lock()
    real = look.open_picture

    def counted(data: bytes, **options: Any) -> Any:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.005)
        with lock:
            busy[0] -= 1
        return real(data, **options)

    monkeypatch.setattr(look, "open_picture", counted)
    jobs = [Job(seed, data=jpeg(seed)) for seed in range(12)]
    run(pack, encoder, jobs, threads=threads, gentle=gentle)
    assert 1 <= most[0] <= threads


def test_pixels_in_flight_are_bounded(
    pack: Pack, encoder: ImageEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures of 8 MB each under a budget of 32 MiB (8 bytes a pixel, 1 MP): four at a time."""
    busy, most = [0], [0]
    lock = threading.Lock()
    real = look.open_picture

    def counted(data: bytes, **options: Any) -> Any:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.01)
        try:
            return real(data, **options)
        finally:
            with lock:
                busy[0] -= 1

    monkeypatch.setattr(look, "open_picture", counted)
    data = jpeg(1, (1100, 1000), "PNG")
    jobs = [Job(key, data=data) for key in range(16)]
    run(pack, encoder, jobs, threads=8, memory=32 * MIB)
    assert 1 <= most[0] <= 4


def test_budget_lets_the_oldest_pass_and_closes() -> None:
    budget = Budget(100)
    events: list[str] = []
    with budget.share() as oldest:
        oldest.grow(90)
        younger = budget.share()

        def work() -> None:
            with younger:
                younger.grow(50)
                events.append("younger")

        thread = threading.Thread(target=work)
        thread.start()
        oldest.grow(400)  # past the limit, and yet it goes on
        events.append("oldest")
        assert budget.used == 490
        time.sleep(0.05)
        assert events == ["oldest"]
    thread.join(timeout=5)
    assert events == ["oldest", "younger"]
    assert budget.used == 0
    budget.close()
    with pytest.raises(Cancelled), budget.share() as share:
        share.grow(1)


def test_one_picture_alone(pack: Pack, encoder: ImageEncoder) -> None:
    good = features_of_one(jpeg(3), encoder, pack.image, key="k")
    assert good.key == "k"
    assert good.vector is not None
    assert good.thumbnail is None
    bad = features_of_one(b"nothing", encoder, pack.image)
    assert bad.refusal is not None
    assert bad.refusal.state == "unsupported"
