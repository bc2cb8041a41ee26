"""SIGKILL at random moments: whatever was acknowledged is there, and leftovers do not grow."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import localsearch as ls
from localsearch.catalog import segment_names
from localsearch.catalog.catalog import open_catalog
from localsearch.segments.segment import FOLDER
from tests.make_library import open_library, write_photo
from tests.tiny_pack import tiny_pack_folder

CHILD = """
import sys, localsearch as ls
from localsearch.publish import plan
from localsearch.sync import run
plan.FULL, plan.WORTH, run.BATCH = 16, 4, 5
photos, store, pack = sys.argv[1:4]
with ls.open(photos, store=store, pack=pack) as library:
    print("open", flush=True)
    for n in range(100000):
        one = library.add(open(sys.argv[4], "rb").read(), id=f"own-{sys.argv[5]}-{n}")
        print("added", one.id, flush=True)
        library.sync(stop=(lambda: False) if n % 3 else None)
        for put in library.inputs():
            print("synced", put.relative_path, flush=True)
"""


def kill_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    photos, store = tmp_path / "photos", tmp_path / "store"
    single = write_photo(tmp_path / "single.png", 1)
    photos.mkdir()
    acknowledged: set[str] = set()
    synced: set[str] = set()
    sizes = []
    for number in range(rounds):
        for n in range(8):
            write_photo(photos / f"r{number % 3}" / f"{number}-{n}.png", 100 + 8 * number + n)
        arguments = (photos, store, tiny_pack_folder(), single, number)
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CHILD), *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        time.sleep(chance.uniform(0.0, 0.8))
        child.kill()
        told = child.stdout.read().splitlines()
        child.wait()
        acknowledged |= {line.split()[1] for line in told if line.startswith("added ")}
        synced |= {line.split()[1] for line in told if line.startswith("synced r")}
        with open_library(photos, store=store) as library:
            for id in acknowledged:
                assert library.get(id).state == "ok"
            there = {one.relative_path for one in library.inputs()}
            assert synced <= there
            bad = [f for f in library.verify() if f.code != "leftover"]
            assert bad == [], (number, bad)
        folder = store / FOLDER
        sizes.append(len(list(folder.iterdir())) if folder.exists() else 0)
    with open_library(photos, store=store) as library:
        library.sync()
        assert library.status().ok >= len(acknowledged) + 8 * rounds
        everything = {hit.id for hit in library.scan(ls.like(single))}
        assert acknowledged <= everything
        assert library.verify() == () or all(f.code == "leftover" for f in library.verify())
    # Folders that a merge dropped stay for two more generations; nothing else may pile up.
    catalog = open_catalog(store)
    with catalog.reading() as conn:
        kept = {row.name for row in segment_names.named(conn)} | {*segment_names.dropped(conn)}
    catalog.close()
    folder = store / FOLDER  # not there if every child was killed before its first publish
    assert {path.name for path in folder.iterdir()} <= kept if folder.exists() else not kept


def test_a_few_kills(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 4, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_five_kills(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 25, seed=2)
