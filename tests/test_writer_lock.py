"""One holder at a time, freed by death, named in the message."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from localsearch.errors import LibraryBusy, LibraryMissing
from localsearch.writer_lock import WriterLock, owner_of

HOLD = """
import sys, time
from pathlib import Path
from localsearch.writer_lock import WriterLock
with WriterLock(Path(sys.argv[1])).hold(0, "counting sheep"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_holds(tmp_path: Path) -> None:
    path = tmp_path / "sync.lock"
    lock = WriterLock(path)
    with lock.hold(0, "syncing"):
        owner = owner_of(path)
        assert owner is not None and owner.pid == os.getpid() and owner.doing == "syncing"
        for other in (lock, WriterLock(path)):
            with pytest.raises(LibraryBusy, match="syncing") as caught, other.hold(0.05, "more"):
                pass
            assert caught.value.pid == os.getpid()
            assert caught.value.since is not None and abs(caught.value.since - time.time()) < 60
    assert owner_of(path) is None
    with lock.hold(0, "again"):
        pass


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "x.lock")
    with pytest.raises(ZeroDivisionError), lock.hold(0, "dividing"):
        raise ZeroDivisionError
    with lock.hold(0, "again"):
        pass


def test_death_of_a_process_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "publish.lock"
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    try:
        assert child.stdout is not None and child.stdout.readline().strip() == b"held"
        with pytest.raises(LibraryBusy) as caught, WriterLock(path).hold(0.05, "x"):
            pass
        assert caught.value.pid == child.pid and caught.value.doing == "counting sheep"
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
    with WriterLock(path).hold(5, "after"):
        assert owner_of(path) is not None


def test_threads_take_turns(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "x.lock")
    inside, most = [0], [0]

    def work() -> None:
        with lock.hold(10, "turn"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_notes_that_make_no_sense_are_no_owner(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    for text in ("", "[]", '{"pid": 1}', "\0"):
        path.with_name("x.lock.owner").write_text(text)
        assert owner_of(path) is None


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LibraryMissing), WriterLock(tmp_path / "no" / "x.lock").hold(0, "x"):
        pass
