"""Several processes on one store, and forks of one: real children, real locks, real mounts."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import localsearch as ls
from tests.make_library import open_library, write_photo

REPOSITORY = Path(__file__).resolve().parents[1]
COLOUR = ls.concept("colour")

needs_fork = pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin",
    reason="this system has no fork, or none that is safe once there were threads",
)
may_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def store(photos: Path, tmp_path: Path) -> Path:
    """A closed store of six photos, all indexed."""
    for n in range(6):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos, store=tmp_path / "store") as library:
        library.sync()
    return tmp_path / "store"


def answer(library: ls.Library) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in library.scan(COLOUR)]


# ------------------------------------------------------------------ readers beside a writer

SHORT = """
import sys
from pathlib import Path
import localsearch as ls
from localsearch.library import derived
from localsearch.publish import plan
from localsearch.sync import adding
plan.FULL, plan.WORTH, derived.LONGEST_TAIL, adding.WINDOW = 8, 2, 16, 4
"""

WRITER = (
    SHORT
    + """
import base64, io
from PIL import Image
from tests.tiny_pack import make_photo

def pngs(count):
    for n in range(count):
        out = io.BytesIO()
        Image.fromarray(make_photo(n, (40, 32))).save(out, format="PNG")
        yield {"data": out.getvalue(), "id": f"n{n:05}", "metadata": {"n": n}}

with ls.open(store=sys.argv[1]) as library:
    for added in library.add_many(pngs(int(sys.argv[2]))):
        if int(added.id[1:]) % 7 == 6:  # a photo that comes and goes: rows die, segments merge
            library.remove(added.id)
            library.restore(added.id)
    library.sync()
"""
)

READER = (
    SHORT
    + """
done = Path(sys.argv[2])
seen = rounds = last = 0
with ls.open(store=sys.argv[1], read_only=True) as library:
    while True:
        ending = done.exists()
        ids = sorted(hit.id for hit in library.scan(ls.concept("colour")))
        # What was committed is there from the first to the last, and nothing goes back. Of those
        # that come and go one may be away, and every other one is there.
        numbers = {int(id[1:]) for id in ids if id.startswith("n")}
        top = max(numbers, default=-1)
        away = set(range(top + 1)) - numbers
        assert all(n % 7 == 6 for n in away) and len(away) <= 1, sorted(away)
        assert top >= seen - 2, (top, seen)  # the last may be the one that is away
        assert len(ids) == len(set(ids))
        changes = library.changes(last)
        assert all(one.sequence > last for one in changes.items)
        last = changes.sequence
        seen, rounds = top + 1, rounds + 1
        if ending:
            break
    notes = library.status().notes
print(seen, rounds, notes)
"""
)


def child(code: str, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out


def test_four_readers_see_whole_commits_in_order(photos: Path, tmp_path: Path) -> None:
    write_photo(photos / "0.png", 0)
    count = 80
    with open_library(photos) as library:
        store = library.store
    done = tmp_path / "done"
    readers = [child(READER, store, done) for _ in range(4)]
    try:
        ended(child(WRITER, store, count))
    finally:
        done.touch()
    for reader in readers:
        seen, rounds, notes = ended(reader).split(maxsplit=2)
        assert (int(seen), notes.strip()) == (count, "()") and int(rounds) > 1


# ------------------------------------------------------------------ forks


def in_fork(work: Callable[[], object]) -> None:
    """Run it in a forked child, which ends without cleaning up, as multiprocessing's do."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            work()
            os.write(write, b"well")
        except BaseException as fault:  # noqa: BLE001  (told to the parent)
            os.write(write, repr(fault).encode()[:1000])
        finally:
            os._exit(0)
    os.close(write)
    told = b""
    limit = time.monotonic() + 60
    os.set_blocking(read, False)
    while not told and time.monotonic() < limit:
        try:
            told = os.read(read, 1000)
        except BlockingIOError:
            time.sleep(0.01)
            continue
        break
    if not told:
        os.kill(pid, 9)
    os.close(read)
    os.waitpid(pid, 0)
    assert told == b"well", told.decode() or "the child hung"


@needs_fork
@may_fork
def test_a_forked_child_searches_adds_and_closes(store: Path, tmp_path: Path) -> None:
    query = write_photo(tmp_path / "query.png", 3)
    new = write_photo(tmp_path / "new.png", 33)
    with ls.open(store=store) as library:
        right = answer(library)
        best = library.search(ls.like(query)).hits[0].id

        def work() -> None:
            assert answer(library) == right
            assert library.search(ls.like(query)).hits[0].id == best
            assert library.predict(query)
            library.add(new, id="of-the-child")
            assert library.search(COLOUR).total == len(right) + 1
            with ls.open(store=store) as second:
                assert second._shared is library._shared
            library.close()

        in_fork(work)
        assert library.get("of-the-child").state == "ok"
        assert len(answer(library)) == len(right) + 1
        library.remove("of-the-child")
        assert answer(library) == right


@needs_fork
@may_fork
def test_a_fork_while_other_threads_hold_every_lock(store: Path, tmp_path: Path) -> None:
    query = write_photo(tmp_path / "query.png", 3)
    with ls.open(store=store) as library:
        right = answer(library)
        library.search(ls.like(query))
        parts = library._inner
        held, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with parts.live._lock, parts.models._lock, parts.upkeep._turn, parts.upkeep._changed:
                held.set()
                go_on.wait(60)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait()

        def work() -> None:
            assert answer(library) == right
            assert library.search(ls.like(query)).total == len(right)
            with ls.open(store=store) as second:
                assert answer(second) == right
            library._inner.upkeep.wake()
            assert library._inner.upkeep.wait(30)
            library.close()

        try:
            in_fork(work)
        finally:
            go_on.set()
            holder.join()


@needs_fork
@may_fork
def test_a_fork_waits_for_transactions_and_imports_of_other_threads(store: Path) -> None:
    """What they lock inside SQLite, or while they import, would stay locked in the child."""
    from localsearch.catalog import forks

    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        with library._inner.truth.catalog.reading(), forks.inside():
            begun.set()
            time.sleep(0.3)
            ended.set()

    with ls.open(store=store) as library:
        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        # This thread's own transaction is nothing to wait for.
        with library._inner.truth.catalog.reading():
            in_fork(lambda: None if ended.is_set() else 1 / 0)
        thread.join()
        assert len(answer(library)) == 6  # and everybody goes on


@needs_fork
@may_fork
def test_a_forked_child_loads_its_own_graph(store: Path, tmp_path: Path) -> None:
    from localsearch.graph import available

    if available() is not None:
        pytest.skip(f"no graph here: {available()}")
    query = ls.like(write_photo(tmp_path / "query.png", 3))
    with ls.open(store=store, graph="always") as library:
        library.sync()

        def by_graph() -> list[tuple[str, float]]:
            with library._inner.truth.catalog.reading() as conn:
                assert library._inner.graph.ready(conn, 30)
            return [(hit.id, hit.score) for hit in library.search(query, limit=3)]

        right = by_graph()

        def work() -> None:
            assert by_graph() == right
            library.close()

        in_fork(work)
        assert by_graph() == right


@needs_fork
@may_fork
def test_forks_while_threads_search_and_add(store: Path, tmp_path: Path) -> None:
    data = write_photo(tmp_path / "new.png", 34).read_bytes()
    with ls.open(store=store) as library:
        ending = threading.Event()
        faults: list[BaseException] = []

        def busy(work: Callable[[], object]) -> None:
            try:
                while not ending.is_set():
                    work()
            except BaseException as fault:  # noqa: BLE001  (looked at below)
                faults.append(fault)

        works: list[Callable[[], object]] = [
            lambda: library.search(COLOUR),
            lambda: library.search(ls.like(data=data)),
            lambda: library.add(data),
        ]
        threads = [threading.Thread(target=busy, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                in_fork(lambda: library.search(ls.like(data=data) & COLOUR))
        finally:
            ending.set()
            for thread in threads:
                thread.join()
        assert faults == []


FORKED_WITHOUT_CLOSE = """
import os, sys
import localsearch as ls
library = ls.open(store=sys.argv[1])
library.search(ls.like(sys.argv[2]))
pid = os.fork()
library.search(ls.like(sys.argv[2]))
if pid:
    assert os.waitpid(pid, 0)[1] == 0
"""


@needs_fork
def test_a_forked_child_that_ends_as_programs_do(store: Path, tmp_path: Path) -> None:
    """Through the interpreter's whole end, where what the parent had open is torn down."""
    query = write_photo(tmp_path / "query.png", 3)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED_WITHOUT_CLOSE, str(store), str(query)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with ls.open(store=store) as library:
        assert library.verify() == ()


# ------------------------------------------------------------------ spawned


def first_hits(store: str, results: multiprocessing.Queue[list[tuple[str, float]]]) -> None:
    with ls.open(store=store, read_only=True) as library:
        results.put(answer(library))


def test_a_spawned_child_opens_its_own(store: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    with ls.open(store=store) as library:
        children = [
            context.Process(target=first_hits, args=(str(store), results)) for _ in range(2)
        ]
        for one in children:
            one.start()
        assert [results.get(timeout=60) for _ in children] == [answer(library)] * 2
        for one in children:
            one.join(60)
            assert one.exitcode == 0


# ------------------------------------------------------------------ media that cannot be written


@pytest.fixture
def read_only_media(store: Path) -> Iterator[Path]:
    """The store where nothing can be written: by its modes, and for root by a mount."""
    if os.name != "posix":
        pytest.skip("folders cannot be made read-only here")
    if os.geteuid() != 0:
        places = [store, *store.rglob("*")]
        for place in places:
            place.chmod(0o555 if place.is_dir() else 0o444)
        yield store
        for place in places:
            place.chmod(0o755 if place.is_dir() else 0o644)
        return
    mounts = [
        ["mount", "--bind", str(store), str(store)],
        ["mount", "-o", "remount,bind,ro", str(store)],
    ]
    if any(subprocess.run(one, capture_output=True, check=False).returncode for one in mounts):
        subprocess.run(["umount", "-l", str(store)], capture_output=True, check=False)
        pytest.skip("this system does not let tests mount folders")
    yield store
    subprocess.run(["umount", "-l", str(store)], check=True)


def test_read_only_media_answer_all_questions(read_only_media: Path, photos: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in read_only_media.rglob("*")}
    with ls.open(store=read_only_media, read_only=True) as library:
        assert len(answer(library)) == 6
        assert library.search(ls.like(photos / "0.png")).total == 6
        one = next(library.inputs())
        assert library.thumbnail(one.id)[:2] == b"\xff\xd8"
        assert library.verify() == () and len(library.changes().items) == 6
        for write in (lambda: library.sync(), lambda: library.add(photos / "0.png")):
            with pytest.raises(ls.LibraryReadOnly):
                write()
    with pytest.raises(ls.LibraryReadOnly) as caught:
        ls.open(store=read_only_media)
    assert "read_only=True" in caught.value.hint
    assert {path: path.stat().st_mtime_ns for path in read_only_media.rglob("*")} == before


# ------------------------------------------------------------------ waiting for a writer

HOLDS = """
import sys, time
import localsearch as ls
from localsearch.writer_lock import WriterLock
with ls.open(store=sys.argv[1]) as library:
    with WriterLock(library.store / sys.argv[2]).hold(0, "sheep"):
        with library._inner.truth.catalog.writing("sheep"):
            print("held", flush=True)
            time.sleep(float(sys.argv[3]))
"""


def test_a_writer_that_waits_in_vain_is_told_who_writes(store: Path, photos: Path) -> None:
    writer = child(HOLDS, store, "sync.lock", 60)
    try:
        assert writer.stdout is not None and writer.stdout.readline().strip() == "held"
        with ls.open(store=store, lock_timeout=0.1) as library:
            assert len(answer(library)) == 6  # nobody who reads waits
            for write in (lambda: library.tag(answer(library)[0][0], "x"), library.sync):
                began = time.monotonic()
                with pytest.raises(ls.LibraryBusy) as caught:
                    write()
                assert caught.value.pid == writer.pid and caught.value.doing == "sheep"
                assert caught.value.since is not None and time.monotonic() - began >= 0.1
    finally:
        writer.kill()
        writer.communicate()
    with ls.open(store=store, lock_timeout=0.1) as library:  # its death frees everything
        library.tag(answer(library)[0][0], "x")


def test_a_note_that_a_dead_process_left_names_nobody(store: Path) -> None:
    gone = child("pass")
    ended(gone)
    (store / "publish.lock.owner").write_text(f'{{"pid": {gone.pid}, "since": 1, "doing": "x"}}')
    writer = child(HOLDS, store, "other.lock", 60)
    try:
        assert writer.stdout is not None and writer.stdout.readline().strip() == "held"
        with ls.open(store=store, lock_timeout=0) as library:
            with pytest.raises(ls.LibraryBusy) as caught:
                library.tag(answer(library)[0][0], "x")
            assert caught.value.pid is None or os.name != "posix"
    finally:
        writer.kill()
        writer.communicate()


def test_a_writer_that_waits_long_enough_gets_its_turn(store: Path) -> None:
    writer = child(HOLDS, store, "sync.lock", 0.5)
    assert writer.stdout is not None and writer.stdout.readline().strip() == "held"
    with ls.open(store=store, lock_timeout=60) as library:
        assert library.sync().unchanged == 6
    ended(writer)
