"""Many at once, for a while: threads that search and add, processes that read beside a writer.

Each reader knows what must be there: whatever was acknowledged before it asked, and of a running
counter every number below the highest that it saw, never fewer than before. The thresholds of
publishing are lowered, so that segments are made, merged and swept all the time.
"""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import localsearch as ls
from localsearch.publish import plan
from tests.make_library import open_library
from tests.tiny_pack import make_photo, tiny_pack_folder

SEARCHERS, ADDERS, READERS = 8, 3, 4
PICTURES = 24  # distinct ones: most inputs are copies, as in a burst


def encoded(seed: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(make_photo(seed % PICTURES, (48, 40))).save(buffer, format="PNG")
    return buffer.getvalue()


class Shared:
    """What the threads tell each other: acknowledged counts a writer, and the first fault."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.added = [0] * ADDERS
        self.searches = 0
        self.fault: BaseException | None = None

    def going(self) -> bool:
        return self.fault is None and time.monotonic() < self.until


def adding(library: ls.Library, shared: Shared, writer: int) -> None:
    while shared.going():
        n = shared.added[writer]
        pair = [{"data": encoded(n), "id": f"{writer}-{n}-{half}"} for half in "ab"]
        made = [one.id for one in library.add_many(pair)]
        library.tag(made, f"writer {writer}")  # one commit: seen on both or on none
        shared.added[writer] = n + 1
        if n % 50 == 49:
            library.purge([f"{writer}-{n - 20}-a", f"{writer}-{n - 20}-b"])


def searching(library: ls.Library, shared: Shared, seed: int) -> None:
    chance = random.Random(seed)
    names = [one.name for one in library.concepts()]
    while shared.going():
        writer = chance.randrange(ADDERS)
        before = shared.added[writer]
        tagged = library.search(ls.tag(f"writer {writer}"), limit=5)
        purged = 2 * (shared.added[writer] // 50 + 1)
        assert tagged.total % 2 == 0
        assert tagged.total >= 2 * before - purged
        first, second = chance.sample(names, 2)
        likeness = ls.like(data=encoded(chance.randrange(PICTURES)))
        queries: list[ls.Term] = [
            ls.concept(first),
            ls.concept(first) & ~ls.concept(second),
            ls.concept(first) | ls.tag(f"writer {writer}"),
            likeness,
            likeness & ls.concept(second),
        ]
        page: ls.Page | None = library.search(chance.choice(queries), limit=20)
        assert page is not None
        scores = [hit.score for hit in page]
        assert scores == sorted(scores, reverse=True)
        assert len({hit.id for hit in page}) == len(page) == min(20, page.total)
        shared.searches += 1


def soak_threads(store: Path, seconds: float) -> Shared:
    shared = Shared(seconds)

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001  (the test raises the first of any thread)
            shared.fault = shared.fault or fault

    store.mkdir()
    with open_library(store, store=store / "store") as library:
        work: list[Callable[[], None]] = [
            *(lambda n=n: searching(library, shared, n) for n in range(SEARCHERS)),  # type: ignore[misc]
            *(lambda n=n: adding(library, shared, n) for n in range(ADDERS)),  # type: ignore[misc]
        ]
        threads = [threading.Thread(target=run, args=(one,)) for one in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if shared.fault is not None:
            raise shared.fault
        gone = {
            f"{writer}-{n - 20}-{half}"
            for writer in range(ADDERS)
            for n in range(49, shared.added[writer], 50)
            for half in "ab"
        }
        wanted = {
            f"{writer}-{n}-{half}"
            for writer in range(ADDERS)
            for n in range(shared.added[writer])
            for half in "ab"
        }
        found = {hit.id for hit in library.scan(ls.like(data=encoded(0)))}
        assert found == wanted - gone
        assert [one for one in library.verify() if one.code != "leftover"] == []
    return shared


def test_threads_search_and_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FULL", 32)
    monkeypatch.setattr(plan, "WORTH", 8)
    shared = soak_threads(tmp_path / "photos", 6.0)
    assert shared.searches > 8
    assert min(shared.added) > 2


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_threads_search_and_add_for_ten_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FULL", 128)
    monkeypatch.setattr(plan, "WORTH", 16)
    shared = soak_threads(tmp_path / "photos", 600.0)
    assert shared.searches > 1000
    assert min(shared.added) > 100


WRITER = """
import sys, threading
import localsearch as ls
from localsearch.publish import plan
from tests.test_soak import encoded
plan.FULL, plan.WORTH = 32, 8
store, pack = sys.argv[1], sys.argv[2]
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
with ls.open(store=store, pack=pack) as library:
    n = 0
    while not done.is_set():
        for one in library.add_many({"data": encoded(n + k), "id": f"n{n + k}"} for k in range(3)):
            n += 1
            if n == 1:
                print(n, flush=True)
        if n % 60 == 0:
            library.compact()
print(n)
"""

READER = """
import sys, time
import localsearch as ls
store, seconds, kind = sys.argv[1], float(sys.argv[2]), sys.argv[3]
seen, steps = 0, 0
library = ls.open(store=store, read_only=True)
until = time.monotonic() + seconds
patience = until + 60.0  # where the machine is so busy that hardly anything is added
while time.monotonic() < until or (steps <= 2 and time.monotonic() < patience):
    query = ls.like(id="n0") if kind == "like" else ls.path("**") | ~ls.tag("nothing")
    found = sorted(int(hit.id[1:]) for hit in library.scan(query))
    assert found == list(range(len(found))), (found[:5], found[-5:], len(found))
    assert len(found) >= max(seen, 1), (len(found), seen)
    steps += len(found) > seen
    seen = len(found)
    if kind == "afresh":
        library.close()
        library = ls.open(store=store, read_only=True)
print(seen, steps)
"""


def soak_processes(store: Path, seconds: float) -> None:
    """Four readers beside one writer; each checks the counter that the writer counts up."""
    ls.open(store=store, pack=str(tiny_pack_folder())).close()

    def started(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
        here = Path(__file__).parents[1]
        return subprocess.Popen(
            command,
            cwd=here,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    writer = started(WRITER, store, tiny_pack_folder())
    assert writer.stdout is not None
    assert writer.stdout.readline() == "1\n"
    kinds = ["like", "set", "afresh", "like"]
    readers = [started(READER, store, seconds, kind) for kind in kinds[:READERS]]
    ended = [(reader, *reader.communicate()) for reader in readers]
    told, wrong = writer.communicate()  # closes its input: it goes on until every reader has ended
    assert writer.returncode == 0, wrong
    last = int(told.split()[-1])
    for reader, out, wrong in ended:
        assert reader.returncode == 0, wrong
        seen, steps = map(int, out.split())
        assert 0 < seen <= last
        assert steps > 2
    with ls.open(store=store) as library:
        assert library.status().ok == last
        assert [one for one in library.verify() if one.code != "leftover"] == []


def test_readers_beside_a_writer(tmp_path: Path) -> None:
    soak_processes(tmp_path / "store", 5.0)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_readers_beside_a_writer_for_two_minutes(tmp_path: Path) -> None:
    soak_processes(tmp_path / "store", 120.0)
