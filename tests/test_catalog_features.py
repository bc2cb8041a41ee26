"""Features and thumbnails: what is put comes back, whole, in order, and from every thread."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from localsearch.catalog.features import Feature, Features, features_path, open_features
from localsearch.catalog.thumbnails import Thumbnails, open_thumbnails
from localsearch.errors import LibraryDamaged, LibraryError, LibraryReadOnly
from tests.catalog_model import digest_of

DIMENSIONS, CLASSES = 8, 5
ENCODER = "0123456789abcdef" * 4


@pytest.fixture
def features(tmp_path: Path) -> Iterator[Features]:
    made = open_features(tmp_path, ENCODER, dimensions=DIMENSIONS, classes=CLASSES)
    yield made
    made.close()


@pytest.fixture
def thumbnails(tmp_path: Path) -> Iterator[Thumbnails]:
    made = open_thumbnails(tmp_path)
    yield made
    made.close()


def some(*numbers: int) -> list[Feature]:
    return [
        (
            digest_of(number),
            np.full(DIMENSIONS, number, np.float16),
            np.full(CLASSES, -number, np.float16),
        )
        for number in numbers
    ]


def test_what_is_put_comes_back(features: Features) -> None:
    assert features.put_many(some(3, 1, 2)) == 3
    assert features.put_many(some(2, 4)) == 1  # known ones are left
    assert features.count() == 4
    assert features.have([digest_of(1), digest_of(9), digest_of(1)]) == {digest_of(1)}
    assert [*features.digests()] == [digest_of(number) for number in (1, 2, 3, 4)]
    found = features.of([digest_of(2), digest_of(9)])
    assert [*found] == [digest_of(2)]
    vector, logits = found[digest_of(2)]
    assert vector.dtype == logits.dtype == np.float16
    assert vector.tolist() == [2.0] * DIMENSIONS and logits.tolist() == [-2.0] * CLASSES
    assert features.forget([digest_of(2), digest_of(9)]) == 1
    assert features.of([digest_of(2)]) == {}


def test_arrays_keep_the_order_asked(features: Features) -> None:
    features.put_many(some(*range(1, 1200)))
    asked = [*range(1199, 0, -1), 5000, 7, 7, *range(1, 600)]
    vectors, logits, found = features.arrays_of([digest_of(number) for number in asked])
    want = np.array([0 if number == 5000 else number for number in asked], np.float16)
    assert vectors.shape == (len(asked), DIMENSIONS) and logits.shape == (len(asked), CLASSES)
    assert (vectors == want[:, None]).all() and (logits == -want[:, None]).all()
    assert found.tolist() == [number != 5000 for number in asked]


def test_no_digests_give_empty_arrays(features: Features) -> None:
    vectors, logits, found = features.arrays_of([])
    assert (vectors.shape, logits.shape, found.shape) == ((0, DIMENSIONS), (0, CLASSES), (0,))
    assert features.put_many([]) == 0
    assert [*features.digests()] == []


def test_wrong_shapes_are_not_kept(features: Features) -> None:
    digest, vector, logits = some(1)[0]
    for wrong in (vector[:-1], vector.astype(np.float32), vector[None]):
        with pytest.raises(LibraryError, match="float16"):
            features.put_many([(digest, wrong, logits)])
    assert features.count() == 0


def test_a_feature_of_the_wrong_length_is_damage(features: Features) -> None:
    features.put_many(some(1, 2))
    raw = sqlite3.connect(features.path)
    raw.execute("UPDATE features SET vector = x'0000' WHERE digest = ?", (digest_of(2),))
    raw.commit()
    raw.close()
    assert [*features.of([digest_of(1)])] == [digest_of(1)]
    with pytest.raises(LibraryDamaged, match="features-0123"):
        features.arrays_of([digest_of(1), digest_of(2)])


def test_all_half_floats_survive(tmp_path: Path) -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    features = open_features(tmp_path, "a" * 64, dimensions=2**16, classes=0)
    features.put_many([(digest_of(1), every, every[:0])])
    vector, logits = features.of([digest_of(1)])[digest_of(1)]
    assert vector.tobytes() == every.tobytes() and logits.shape == (0,)
    features.close()


def test_pages_are_large(features: Features) -> None:
    raw = sqlite3.connect(features_path(features.path.parent, ENCODER))
    assert raw.execute("PRAGMA page_size").fetchone() == (16384,)
    raw.close()


def test_a_second_encoder_has_its_own_file(features: Features, tmp_path: Path) -> None:
    features.put_many(some(1))
    other = open_features(tmp_path, "f" * 64, dimensions=3, classes=2)
    assert other.count() == 0 and other.path != features.path
    other.close()


def test_read_only(features: Features, tmp_path: Path) -> None:
    features.put_many(some(1))
    reader = open_features(
        tmp_path, ENCODER, dimensions=DIMENSIONS, classes=CLASSES, read_only=True
    )
    assert reader.count() == 1
    with pytest.raises(LibraryReadOnly):
        reader.put_many(some(2))
    reader.close()


def test_opening_again_writes_nothing(features: Features, tmp_path: Path) -> None:
    features.put_many(some(1))
    features.close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    open_features(tmp_path, ENCODER, dimensions=DIMENSIONS, classes=CLASSES).close()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_readers_beside_a_writer(features: Features) -> None:
    done = threading.Event()
    faults: list[str] = []

    def read() -> None:
        while not done.is_set():
            vectors, logits, found = features.arrays_of([digest_of(n) for n in range(1, 300)])
            if not (vectors[:, 0][found] == -logits[:, 0][found]).all():
                faults.append("a vector of one and logits of another")

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for start in range(1, 300, 10):
        features.put_many(some(*range(start, start + 10)))
    done.set()
    for thread in threads:
        thread.join()
    assert not faults and features.count() == 300


def test_thousands_are_quick(tmp_path: Path) -> None:
    """4,096 features of real size: what a new process reads for its tail."""
    features = open_features(tmp_path, "b" * 64, dimensions=512, classes=1000)
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((4096, 512)).astype(np.float16)
    logits = rng.standard_normal((4096, 1000)).astype(np.float16)
    digests = [digest_of(number) for number in range(4096)]
    features.put_many(zip(digests, vectors, logits, strict=True))
    started = time.process_time()
    found_vectors, found_logits, found = features.arrays_of(digests)
    seconds = time.process_time() - started
    assert found.all()
    assert (found_vectors == vectors).all() and (found_logits == logits).all()
    assert seconds < 2
    features.close()


def test_thumbnails(thumbnails: Thumbnails) -> None:
    prints = [0, 2**63 - 1, 2**63, 2**64 - 1]
    rows = [(digest_of(n), b"jpeg %d" % n, print_) for n, print_ in enumerate(prints)]
    assert thumbnails.put_many(rows) == 4
    assert thumbnails.put_many([(digest_of(0), b"another", 5)]) == 0
    assert thumbnails.of(digest_of(2)) == b"jpeg 2" and thumbnails.of(digest_of(9)) is None
    digests = [digest_of(n) for n in range(6)]
    assert thumbnails.fingerprints(digests) == dict(zip(digests, prints, strict=False))
    assert thumbnails.have(digests) == set(digests[:4])
    assert thumbnails.forget(digests[:1]) == 1 and thumbnails.count() == 3
    assert thumbnails.of(digest_of(0)) is None
    assert thumbnails.complaints() == []
