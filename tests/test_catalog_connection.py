"""Transactions, snapshots, locks, threads, forks, and what each fault of SQLite becomes."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from localsearch.catalog.connection import must_be_immutable
from localsearch.catalog.database import Database
from localsearch.errors import (
    LibraryBusy,
    LibraryClosed,
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryMissing,
    LibraryReadOnly,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "some.sqlite", create=True, lock_timeout=0.2)
    with made.writing("test") as conn:
        conn.execute("CREATE TABLE things (number INTEGER PRIMARY KEY, blob BLOB) STRICT")
    yield made
    made.close()


def put(database: Database, *numbers: int) -> None:
    with database.writing("put") as conn:
        conn.executemany("INSERT INTO things (number) VALUES (?)", [(n,) for n in numbers])


def numbers(database: Database) -> list[int]:
    with database.reading() as conn:
        return [row[0] for row in conn.execute("SELECT number FROM things ORDER BY number")]


def test_a_new_file_has_the_settings_that_cannot_be_changed_later(tmp_path: Path) -> None:
    made = Database(tmp_path / "big.sqlite", create=True, page_size=16384)
    with made.writing("test") as conn:
        conn.execute("CREATE TABLE one (x INTEGER) STRICT")
        found = {
            name: conn.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "auto_vacuum", "journal_mode", "synchronous", "foreign_keys")
        }
    made.close()
    assert found == {
        "page_size": 16384,
        "auto_vacuum": 2,  # incremental
        "journal_mode": "wal",
        "synchronous": 2,  # full
        "foreign_keys": 1,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["big.sqlite"]


def test_an_exception_undoes_all(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing("test") as conn:
        conn.execute("INSERT INTO things (number) VALUES (1)")
        _ = 1 / 0
    assert numbers(database) == []


def test_a_write_inside_a_write_is_undone_alone(database: Database) -> None:
    with database.writing("outer") as conn:
        conn.execute("INSERT INTO things (number) VALUES (1)")
        with pytest.raises(ZeroDivisionError), database.writing("inner") as inner:
            inner.execute("INSERT INTO things (number) VALUES (2)")
            _ = 1 / 0
        with database.writing("inner"):
            conn.execute("INSERT INTO things (number) VALUES (3)")
    assert numbers(database) == [1, 3]


def test_a_read_keeps_its_snapshot_from_its_first_moment(database: Database) -> None:
    """No statement of the reader has run before the others commit."""
    put(database, 1)
    with database.reading() as conn:
        other = threading.Thread(target=put, args=(database, 2))
        other.start()
        other.join()
        put(database, 3)  # this thread, too: its writing connection is another one
        with database.reading() as same:
            assert same is conn
        assert numbers(database) == [1]
    assert numbers(database) == [1, 2, 3]


def test_a_read_inside_a_write_sees_it(database: Database) -> None:
    with database.writing("test") as conn:
        conn.execute("INSERT INTO things (number) VALUES (7)")
        assert numbers(database) == [7]


def test_a_reading_connection_cannot_write(database: Database) -> None:
    with pytest.raises(LibraryReadOnly), database.reading() as conn:
        conn.execute("INSERT INTO things (number) VALUES (1)")
    assert numbers(database) == []


def test_an_unfinished_cursor_pins_nothing(database: Database) -> None:
    put(database, *range(1000))
    with database.reading() as conn:
        cursor = conn.execute("SELECT number FROM things")
        cursor.fetchone()
    del cursor
    put(database, 1000)
    assert len(numbers(database)) == 1001


def test_a_writer_in_this_process_is_named(database: Database) -> None:
    started, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing("counting sheep"):
            started.set()
            ended.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    started.wait(10)
    before = time.monotonic()
    with pytest.raises(LibraryBusy) as caught, database.writing("test"):
        pass
    waited = time.monotonic() - before
    ended.set()
    other.join()
    assert 0.15 < waited < 2
    assert caught.value.doing == "counting sheep"
    assert caught.value.pid == os.getpid()
    assert caught.value.since is not None and abs(caught.value.since - time.time()) < 60


def test_a_writer_in_another_process_is_waited_for(database: Database) -> None:
    with other_writer(database.path) as other:
        before = time.monotonic()
        with pytest.raises(LibraryBusy), database.writing("test"):
            pass
        assert 0.15 < time.monotonic() - before < 3
        assert numbers(database) == []  # reading goes on
        other.stdin.write("go\n")  # type: ignore[union-attr]
        other.stdin.flush()  # type: ignore[union-attr]
        other.wait(20)
    put(database, 1)
    assert numbers(database) == [1]


def other_writer(path: Path) -> subprocess.Popen[str]:
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.readline()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    return other


def test_many_threads_write_and_read(database: Database) -> None:
    patient = Database(database.path, lock_timeout=20)
    faults: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for number in range(start, start + 20):
                put(patient, number)
                assert number in numbers(patient)
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(numbers(patient)) == 80
    gc.collect()
    assert len(patient._all) == 1  # ended threads took their connections along
    patient.close()


def test_data_version_tells_of_every_commit(database: Database, tmp_path: Path) -> None:
    first = database.data_version()
    assert database.data_version() == first
    put(database, 1)
    second = database.data_version()
    assert second != first
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(database.data_version()))
    thread.start()
    thread.join()
    assert seen == [second]  # the same number in every thread
    other = sqlite3.connect(database.path)
    other.execute("INSERT INTO things (number) VALUES (2)")
    other.commit()
    other.close()
    assert database.data_version() != second


def test_closed_is_closed(database: Database) -> None:
    put(database, 1)
    database.close()
    with pytest.raises(LibraryClosed), database.reading():
        pass
    with pytest.raises(LibraryClosed), database.writing("test"):
        pass
    with pytest.raises(LibraryClosed):
        database.data_version()
    database.close()
    assert [path.name for path in database.path.parent.iterdir()] == ["some.sqlite"]


def test_closing_lets_a_read_end(database: Database) -> None:
    put(database, 1)
    inside, closed = threading.Event(), threading.Event()
    seen: list[int] = []

    def read() -> None:
        with database.reading() as conn:
            inside.set()
            closed.wait(10)
            seen.extend(row[0] for row in conn.execute("SELECT number FROM things"))

    thread = threading.Thread(target=read)
    thread.start()
    inside.wait(10)
    database.close()
    closed.set()
    thread.join()
    assert seen == [1]
    assert not database.path.with_name("some.sqlite-wal").exists()  # all are closed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_after_fork_opens_its_own(database: Database) -> None:
    put(database, 1)
    before = database.data_version()
    inside, forked = threading.Event(), threading.Event()

    def hold() -> None:  # another thread is writing while the fork happens
        with database.writing("held over the fork") as conn:
            conn.execute("INSERT INTO things (number) VALUES (2)")
            inside.set()
            forked.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            # The parent's uncommitted write is not seen, and no lock of a thread is waited for.
            code = 0 if numbers(database) == [1] and not database._writer.locked() else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    forked.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
    assert numbers(database) == [1, 2]
    assert database.data_version() != before

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            put(database, 3)
            database.close()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    put(database, 4)
    assert numbers(database) == [1, 2, 3, 4]
    assert database.complaints() == []


def test_a_full_disk_is_told_and_survived(database: Database) -> None:
    put(database, 1)
    with pytest.raises(LibraryFull) as caught, database.writing("test") as conn:
        conn.execute("PRAGMA max_page_count=10")
        conn.execute("INSERT INTO things VALUES (2, zeroblob(1000000))")
    assert "some.sqlite" in str(caught.value)
    with database.writing("test") as conn:
        conn.execute("PRAGMA max_page_count=1000000")
    put(database, 3)
    assert numbers(database) == [1, 3]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("a small file system can only be mounted by root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True
    )
    if done.returncode:
        pytest.skip("this machine does not let us mount a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_really_full_disk(small_disk: Path) -> None:
    made = Database(small_disk / "some.sqlite", create=True)
    with made.writing("test") as conn:
        conn.execute("CREATE TABLE things (number INTEGER PRIMARY KEY, blob BLOB) STRICT")
    put(made, 1)
    with pytest.raises(LibraryFull), made.writing("test") as conn:
        for number in range(2, 1000):
            conn.execute("INSERT INTO things VALUES (?, zeroblob(100000))", (number,))
    assert numbers(made) == [1]
    assert made.complaints() == []
    made.close()


@pytest.fixture
def read_only_disk(small_disk: Path) -> Iterator[Path]:
    made = Database(small_disk / "some.sqlite", create=True)
    with made.writing("test") as conn:
        conn.execute("CREATE TABLE things (number INTEGER PRIMARY KEY, blob BLOB) STRICT")
    put(made, 1, 2)
    made.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    yield small_disk
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)


def test_a_read_only_disk(read_only_disk: Path) -> None:
    with pytest.raises(LibraryReadOnly, match="read_only"):
        Database(read_only_disk / "some.sqlite")
    database = Database(read_only_disk / "some.sqlite", read_only=True)
    assert numbers(database) == [1, 2]
    with pytest.raises(LibraryReadOnly), database.writing("test"):
        pass
    assert database.data_version() == database.data_version()
    database.close()
    with pytest.raises(LibraryReadOnly):
        Database(read_only_disk / "new.sqlite", create=True)


@pytest.mark.skipif(
    os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="only a plain user of a POSIX system is kept out by a folder's mode",
)
def test_a_folder_that_cannot_be_written(database: Database) -> None:
    put(database, 1)
    database.close()
    folder = database.path.parent
    folder.chmod(0o555)
    try:
        reader = Database(database.path, read_only=True)
        assert numbers(reader) == [1]
        reader.close()
    finally:
        folder.chmod(0o755)


def test_unclosed_and_unwritable_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The WAL holds commits: without it the file alone would be an older state, or torn."""
    put(database, 1)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("some.sqlite", "some.sqlite-wal"):
        shutil.copy(tmp_path / name, copy / name)
    monkeypatch.setattr("localsearch.catalog.connection._opens_plainly", lambda path: False)
    with pytest.raises(LibraryReadOnly, match="not closed properly"):
        must_be_immutable(copy / "some.sqlite")
    (copy / "some.sqlite-wal").unlink()
    assert must_be_immutable(copy / "some.sqlite")


def test_read_only_beside_a_writer_sees_what_it_commits(database: Database) -> None:
    reader = Database(database.path, read_only=True)
    put(database, 1)
    assert numbers(reader) == [1]
    put(database, 2)
    assert numbers(reader) == [1, 2]
    reader.close()


def test_missing_files_are_not_made(tmp_path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(LibraryMissing):
            Database(tmp_path / "none.sqlite", read_only=read_only)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [False, True])
def test_no_sqlite_file_is_damage(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "some.sqlite"
    path.write_bytes(b"This is no database. " * 400)
    with (
        pytest.raises(LibraryDamaged, match=r"some\.sqlite"),
        closing(Database(path, read_only=read_only)) as opened,
    ):
        numbers(opened)
    assert path.read_bytes() == b"This is no database. " * 400


def test_a_broken_page_is_damage(database: Database) -> None:
    with database.writing("test") as conn:
        conn.executemany(
            "INSERT INTO things VALUES (?, zeroblob(300))", [(n,) for n in range(2000)]
        )
    database.close()
    content = bytearray(database.path.read_bytes())
    for at in range(4096, len(content), 4096):
        content[at : at + 64] = b"\xa5" * 64
    database.path.write_bytes(content)
    with closing(Database(database.path)) as broken:
        with pytest.raises(LibraryDamaged, match=r"some\.sqlite"):
            numbers(broken)
        assert broken.complaints()


def test_other_faults_name_the_file(database: Database) -> None:
    with pytest.raises(LibraryError, match=r"some\.sqlite") as caught, database.reading() as conn:
        conn.execute("SELECT * FROM nothing")
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_odd_paths(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20?#ü"
    folder.mkdir()
    made = Database(folder / "some.sqlite", create=True)
    with made.writing("test") as conn:
        conn.execute("CREATE TABLE things (number INTEGER PRIMARY KEY) STRICT")
    put(made, 5)
    made.close()
    with closing(Database(folder / "some.sqlite", read_only=True)) as opened:
        assert numbers(opened) == [5]


def test_shrink_gives_space_back(database: Database) -> None:
    with database.writing("test") as conn:
        conn.execute("INSERT INTO things VALUES (1, zeroblob(4000000))")
    with database.writing("test") as conn:
        conn.execute("DELETE FROM things")
    database.shrink()
    database.close()
    assert database.path.stat().st_size < 100_000
