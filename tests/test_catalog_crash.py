"""A process that writes is killed: what it told is there, and no row is ever given twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localsearch.catalog import create_catalog, open_catalog
from localsearch.catalog import input_reads as reads
from localsearch.catalog.features import open_features
from tests.catalog_model import grave_rows

WRITER = """
import sys
from pathlib import Path
import numpy as np
from localsearch.catalog import inputs, open_catalog
from localsearch.catalog.features import open_features
from tests.catalog_model import digest_of, put

store, start = Path(sys.argv[1]), int(sys.argv[2])
catalog = open_catalog(store)
features = open_features(store, "e" * 64, dimensions=64, classes=10)
zeros = np.zeros(64, np.float16), np.zeros(10, np.float16)
number = start
while True:
    numbers = range(number, number + 20)
    features.put_many([(digest_of(n), *zeros) for n in numbers])
    with catalog.writing("test") as conn:
        placed = [put(conn, n) for n in numbers]
        inputs.purge(conn, [placed[0].key])
        inputs.set_state(conn, [placed[1].key], "missing", "", 0)
    print(*(one.row for one in placed), flush=True)
    number += 20
"""


def killed_writer(store: Path, start: int, seconds: float) -> list[list[int]]:
    """Rows of each batch that a writer told before it was killed at a moment of no choice."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store), str(start)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert writer.stdout is not None
    lines = [writer.stdout.readline()]
    time.sleep(seconds)
    writer.kill()
    lines += writer.stdout.readlines()
    writer.stdout.close()
    writer.wait(30)
    return [[*map(int, line.split())] for line in lines if line.endswith("\n")]


def rounds(store: Path, count: int) -> None:
    create_catalog(store).close()
    chance = random.Random(count)
    told: list[list[int]] = []
    for number in range(count):
        new = killed_writer(store, number * 100_000, chance.uniform(0.0, 0.3))
        assert new, "the writer told nothing"
        told += new
        rows = [row for batch in told for row in batch]
        assert rows == sorted(set(rows))  # rising over all deaths
        catalog = open_catalog(store)
        features = open_features(store, "e" * 64, dimensions=64, classes=10)
        with catalog.reading() as conn:
            found = dict(reads.live_featured_rows(conn))
            graves = set(grave_rows(conn))
            last = reads.last_row(conn)
        for batch in told:
            assert not {*batch[:2]} & found.keys() and {*batch[:2]} <= graves
            assert {*batch[2:]} <= found.keys()
        assert last >= rows[-1] and not graves & found.keys()
        assert len(found) % 18 == 0  # whole batches only
        assert features.have(found.values()) == set(found.values())  # features came first
        assert catalog.complaints() == [] and features.complaints() == []
        features.close()
        catalog.close()
    assert {path.name for path in store.iterdir()} == {
        "catalog.sqlite",
        f"features-{'e' * 16}.sqlite",
    }


def test_killed_writers_lose_nothing_they_told(tmp_path: Path) -> None:
    rounds(tmp_path, 3)


@pytest.mark.long
def test_many_killed_writers_lose_nothing_they_told(tmp_path: Path) -> None:
    rounds(tmp_path, 25)
