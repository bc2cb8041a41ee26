"""Backup and recovery: whole or not at all, under writers, under SIGKILL, from hostile files."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3

import localsearch as ls
from localsearch.exchange import archive, backup, recover, workplace
from localsearch.publish import plan
from localsearch.segments.segment import FOLDER
from localsearch.writer_lock import WriterLock
from tests.make_library import OPENED, open_library, write_photo
from tests.tiny_pack import tiny_pack_folder

PHOTOS = 24


@pytest.fixture
def library(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ls.Library:
    """A library with segments, a tag, a removed photo and one whose bytes it keeps."""
    monkeypatch.setattr(plan, "FULL", 8)
    monkeypatch.setattr(plan, "WORTH", 4)
    for n in range(PHOTOS):
        write_photo(photos / f"{n}.png", n)
    library = open_library(photos, store=tmp_path / "store")
    library.sync()
    ids = sorted(one.id for one in library.inputs())
    library.tag(ids[0], "pet")
    library.remove(ids[1])
    library.add(write_photo(tmp_path / "own.png", 99).read_bytes(), id="own")
    assert library.status().segments >= 1
    return library


def answers(library: ls.Library, photos: Path) -> object:
    queries = (ls.concept("red"), ~ls.concept("dark"), ls.like(photos / "3.png"), ls.tag("pet"))
    hits = [[(hit.id, hit.score) for hit in library.scan(query)] for query in queries]
    return hits, sorted(one.id for one in library.inputs(removed=True))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_recovered_library_gives_the_same_answers(
    library: ls.Library, photos: Path, tmp_path: Path
) -> None:
    right = answers(library, photos)
    file = tmp_path / "one.backup"
    told: list[ls.Progress] = []
    report = library.backup(file, progress=told.append)
    assert (report.inputs, report.bytes) == (PHOTOS + 1, file.stat().st_size)
    assert told[-1].done == told[-1].total > 0
    assert not [name for name in names_in(library.store) if "backup" in name]
    with zipfile.ZipFile(file) as found:
        assert found.testzip() is None
        assert not [name for name in found.namelist() if FOLDER in name]
    done = ls.recover(file, store=tmp_path / "again")
    assert (done.store, done.replaced) == (tmp_path / "again", None)
    OPENED.add(done.store)
    with ls.open(store=done.store) as again:
        assert answers(again, photos) == right
        assert [one.path for one in again.roots()] == [photos]
        assert again.sync().unchanged == PHOTOS
        assert again.verify() == ()
        assert again.status().segments >= 1
        assert answers(again, photos) == right


def test_a_library_in_its_photo_folder_comes_back_there(photos: Path, tmp_path: Path) -> None:
    for n in range(4):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos) as library:
        library.sync()
        right = answers(library, photos)
        library.backup(tmp_path / "file")
        library.tag([one.id for one in library.inputs()], "later")
    done = ls.recover(tmp_path / "file")
    assert done.store == photos / ".localsearch"
    assert done.replaced is not None
    assert done.replaced.name.startswith(".localsearch-replaced-")
    with ls.open(photos) as library:
        assert answers(library, photos) == right
        assert library.sync().unchanged == 4
    with ls.open(store=done.replaced) as old:
        assert len(list(old.scan(ls.tag("later")))) == 4
    elsewhere = ls.recover(tmp_path / "file", store=tmp_path / "elsewhere").store
    with ls.open(store=elsewhere) as library:  # the photos stayed where they are
        assert [root.path for root in library.roots()] == [photos]
        assert library.sync().unchanged == 4
    moved = photos.rename(tmp_path / "moved")
    with ls.open(moved) as library:  # and here they came along
        assert [root.path for root in library.roots()] == [moved]
        assert library.sync().unchanged == 4


def test_a_library_that_was_copied_comes_back_to_its_copy(photos: Path, tmp_path: Path) -> None:
    """The catalog of a copy tells of the first folder until a sync writes the new one down."""
    write_photo(photos / "0.png", 0)
    with ls.open(photos, pack=str(tiny_pack_folder())) as library:
        library.sync()
    copy = shutil.copytree(photos, tmp_path / "copy")
    with ls.open(copy) as library:
        library.backup(tmp_path / "file")
    ls.recover(tmp_path / "file")
    with ls.open(copy) as library:
        assert [root.path for root in library.roots()] == [copy]


def test_a_place_that_cannot_be_written_is_named(
    library: ls.Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise ls.LibraryReadOnly(f"{path} cannot be written: Read-only file system")

    monkeypatch.setattr(workplace, "make_folder", refuse)  # a test may be root
    with pytest.raises(ls.LibraryReadOnly) as told:
        library.backup(tmp_path / "file")
    assert told.value.message == f"{tmp_path} cannot be written: Read-only file system"
    assert told.value.hint


def test_what_is_there_is_not_replaced_unasked(library: ls.Library, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(ls.InputError, match="already"):
        library.backup(file)
    assert file.read_text() == "mine"
    library.backup(file, replace=True)
    assert zipfile.is_zipfile(file)
    for wrong in (tmp_path, library.store / "inside", tmp_path / "no" / "folder"):
        with pytest.raises(ls.InputError):
            library.backup(wrong)
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").write_text("mine")
    with pytest.raises(ls.InputError, match="no library"):
        ls.recover(file, store=full)
    assert names_in(full) == {"letter.txt"}
    empty = tmp_path / "empty"
    empty.mkdir()
    assert ls.recover(file, store=empty).replaced is None


def test_a_stopped_backup_and_recovery_leave_nothing(library: ls.Library, tmp_path: Path) -> None:
    before = names_in(tmp_path), names_in(library.store)
    with pytest.raises(ls.Cancelled):
        library.backup(tmp_path / "file", stop=lambda: True)
    assert (names_in(tmp_path), names_in(library.store)) == before
    library.backup(tmp_path / "file")
    with pytest.raises(ls.Cancelled):
        ls.recover(tmp_path / "file", store=tmp_path / "again", stop=lambda: True)
    with pytest.raises(ZeroDivisionError):
        ls.recover(tmp_path / "file", store=tmp_path / "again", progress=lambda event: 1 / 0)
    assert names_in(tmp_path) - before[0] == {"file"}


def test_space_is_looked_at_first(
    library: ls.Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.backup(tmp_path / "file")
    before = names_in(tmp_path)
    for room in (backup, recover):
        monkeypatch.setattr(room, "free_bytes", lambda path: 1 << 20)
    with pytest.raises(ls.LibraryFull):
        library.backup(tmp_path / "other")
    with pytest.raises(ls.LibraryFull):
        ls.recover(tmp_path / "file", store=tmp_path / "again")
    assert names_in(tmp_path) == before


def test_no_recovery_under_a_sync(library: ls.Library, tmp_path: Path) -> None:
    library.backup(tmp_path / "file")
    with WriterLock(library.store / "sync.lock").hold(0.0, "sync"), pytest.raises(ls.LibraryBusy):
        ls.recover(tmp_path / "file", store=library.store)
    assert library.verify() == ()


def test_a_backup_of_a_newer_program_is_refused(
    library: ls.Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(backup, "STORE_FORMAT", 999)
        library.backup(tmp_path / "schema")
    with monkeypatch.context() as newer:
        newer.setattr(archive, "VERSION", 9)
        library.backup(tmp_path / "version")
    for name in ("schema", "version"):
        with pytest.raises(ls.LibraryTooNew):
            ls.recover(tmp_path / name, store=tmp_path / "again")
    assert not (tmp_path / "again").exists()


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def swapped(data: bytes, chance: random.Random) -> bytes:
    one, other = sorted(chance.sample(range(len(data) - 64), 2))
    return data[:one] + data[other : other + 64] + data[one + 64 :]


@pytest.mark.parametrize("damage", [truncated, flipped, swapped])
def test_a_damaged_file_is_refused_whole(
    library: ls.Library,
    photos: Path,
    tmp_path: Path,
    damage: Callable[[bytes, random.Random], bytes],
) -> None:
    library.backup(tmp_path / "file")
    data = (tmp_path / "file").read_bytes()
    right = answers(library, photos)
    store, before = library.store, names_in(tmp_path)
    harmless = 0
    for seed in range(40):
        damaged = damage(data, random.Random(seed))
        if damaged == data:  # zeros over zeros
            continue
        (tmp_path / "file").write_bytes(damaged)
        try:
            done = ls.recover(tmp_path / "file", store=tmp_path / "again")
        except (ls.LibraryDamaged, ls.InputError) as fault:
            assert str(tmp_path / "file") in fault.message
            assert names_in(tmp_path) == before
            continue
        with ls.open(store=done.store) as again:  # a byte that means nothing, as a date
            assert answers(again, photos) == right
        done.store.rename(tmp_path / f"harmless-{seed}")
        before = names_in(tmp_path)
        harmless += 1
    assert harmless <= (0 if damage is truncated else 2)
    assert store.exists()


def hostile(path: Path, name: str, **changes: object) -> Path:
    """A backup that is sound but for one member of that name."""
    members = {"catalog.sqlite": b"x", name: b"evil"}
    files = {n: {"bytes": len(d), "blake3": blake3(d).hexdigest()} for n, d in members.items()}
    body = {"version": 1, "localsearch": "backup", "schema": 1, "files": files, **changes}
    text = json.dumps(body).encode()
    with zipfile.ZipFile(path, "w") as made:
        for each, data in members.items():
            made.writestr(each, data)
        made.writestr("manifest.json", text)
        made.comment = b"localsearch backup blake3:" + blake3(text).hexdigest().encode()
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/tmp/evil",
        "packs/../../evil",
        "packs/0123456789abcdef/../../evil",
        "packs/0123456789abcdef/.bashrc",
        "packs/0123456789abcdef/a/b",
        "C:\\evil",
        "packs\\0123456789abcdef\\evil",
        "segments/x/postings.bin",
        "thumbs.sqlite-wal",
        "features-XYZ.sqlite",
    ],
)
def test_no_name_leads_out_of_the_store(tmp_path: Path, name: str) -> None:
    file = hostile(tmp_path / "file", name)
    with pytest.raises(ls.LibraryDamaged):
        ls.recover(file, store=tmp_path / "deep" / "store")
    (tmp_path / "deep").mkdir()
    with pytest.raises(ls.LibraryDamaged):
        ls.recover(file, store=tmp_path / "deep" / "store")
    assert names_in(tmp_path) == {"file", "deep"}
    assert not names_in(tmp_path / "deep")


@pytest.mark.parametrize(
    "changes",
    [
        *({"version": wrong} for wrong in ("x", None, [])),
        *({"files": wrong} for wrong in (None, [], {"catalog.sqlite": 1}, {"x": {"bytes": "y"}})),
    ],
)
def test_a_list_that_makes_no_sense_is_damage(tmp_path: Path, changes: dict[str, object]) -> None:
    file = hostile(tmp_path / "file", "thumbs.sqlite", **changes)
    with pytest.raises(ls.LibraryDamaged):
        ls.recover(file, store=tmp_path / "store")


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_for_a_backup_is_followed(library: ls.Library, tmp_path: Path) -> None:
    """It may lead to the disk for backups."""
    (tmp_path / "disk").mkdir()
    link, real = tmp_path / "link", tmp_path / "disk" / "file"
    link.symlink_to(real)
    assert library.backup(link).file == real
    assert link.is_symlink() and real.is_file()
    with pytest.raises(ls.InputError, match="there already"):
        library.backup(link)
    library.backup(link, replace=True)
    assert link.is_symlink() and names_in(tmp_path / "disk") == {"file"}


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    data = bytes(50 << 20)
    files = {"catalog.sqlite": {"bytes": len(data), "blake3": blake3(data).hexdigest()}}
    text = json.dumps({"version": 1, "schema": 1, "files": files}).encode()
    with zipfile.ZipFile(tmp_path / "file", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("catalog.sqlite", data)
        made.writestr("manifest.json", text)
        made.comment = b"localsearch backup blake3:" + blake3(text).hexdigest().encode()
    with pytest.raises(ls.LibraryDamaged, match="plainly"):
        ls.recover(tmp_path / "file", store=tmp_path / "store")
    for data in (b"", b"no zip", b"PK\x05\x06" + bytes(18)):
        (tmp_path / "file").write_bytes(data)
        with pytest.raises((ls.LibraryDamaged, ls.InputError)):
            ls.recover(tmp_path / "file", store=tmp_path / "store")
    with pytest.raises(ls.InputError):
        ls.recover(tmp_path / "nothing", store=tmp_path / "store")


WRITER = """
import sys, localsearch as ls
from localsearch.publish import plan
from localsearch.sync import run
plan.FULL, plan.WORTH, run.BATCH = 16, 4, 3
photos, store, pack, single = sys.argv[1:]
data = open(single, "rb").read()
with ls.open(photos, store=store, pack=pack) as library:
    print("open", flush=True)
    for n in range(100000):
        library.add(data, id=f"own-{n}", tags=[f"t{n}"], metadata={"n": n})
        library.sync(allow_removals=True)
        print(n, flush=True)
"""


def test_hot_backups_are_whole(photos: Path, tmp_path: Path) -> None:
    """A writer commits photo after photo; each backup is one moment of it, in its order."""
    for n in range(60):
        write_photo(photos / f"{n}.png", n)
    single = write_photo(tmp_path / "single.png", 500)
    store = tmp_path / "store"
    words = (photos, store, tiny_pack_folder(), single)
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == "open\n"
        last = 0
        for number in range(4):
            write_photo(photos / f"late-{number}.png", 600 + number)
            assert writer.stdout.readline()  # one more photo is in
            file = tmp_path / f"{number}.backup"
            with ls.open(store=store) as library:
                library.backup(file)
            done = ls.recover(file, store=tmp_path / f"recovered-{number}")
            with ls.open(store=done.store) as found:
                assert found.verify() == (), number
                own = [one for one in found.inputs() if one.id.startswith("own-")]
                assert [one.id for one in own] == [f"own-{n}" for n in range(len(own))]
                assert all(dict(one.tags) == {f"t{n}": True} for n, one in enumerate(own))
                assert len(own) >= last
                last = len(own)
        assert last > 0
    finally:
        writer.kill()
        writer.wait()


KILLED = """
import sys, localsearch as ls
print("ready", flush=True)
file, store, again = sys.argv[1:]
with ls.open(store=store) as library:
    while True:
        library.backup(file, replace=True)
        ls.recover(file, store=again)
        print("round", flush=True)
"""


def kill_rounds(library: ls.Library, photos: Path, tmp_path: Path, rounds: int) -> None:
    right = answers(library, photos)
    file, again = tmp_path / "place" / "file", tmp_path / "place" / "again"
    file.parent.mkdir()
    library.backup(file)
    ls.recover(file, store=again)
    chance = random.Random(rounds)
    for number in range(rounds):
        words = map(str, (file, library.store, again))
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, *words], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.2, 0.9))
        child.kill()
        child.wait()
        # The file is always a whole one; a store is there, or lies beside between two renames.
        store = ls.recover(file, store=tmp_path / "check").store
        for each in (store, again) if again.exists() else (store,):
            with ls.open(store=each) as found:
                assert answers(found, photos) == right, number
        store.rename(tmp_path / f"checked-{number}")
    # What the killed ones left is swept by those that come after them.
    library.backup(file, replace=True)
    ls.recover(file, store=again)
    left = [name for name in names_in(file.parent) if name.startswith(".")]
    assert left == []
    assert not [name for name in names_in(library.store) if name.startswith(".")]
    assert not [name for name in names_in(file.parent) if name.endswith(".new")]


def test_a_few_kills(library: ls.Library, photos: Path, tmp_path: Path) -> None:
    kill_rounds(library, photos, tmp_path, 3)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_many_kills(library: ls.Library, photos: Path, tmp_path: Path) -> None:
    kill_rounds(library, photos, tmp_path, 25)


@pytest.mark.damages
def test_a_lost_catalog_comes_back(library: ls.Library, photos: Path, tmp_path: Path) -> None:
    right = answers(library, photos)
    library.backup(tmp_path / "file")
    store = library.store
    library.close()
    for path in store.glob("catalog.sqlite*"):
        path.unlink()
    with pytest.raises(ls.LibraryDamaged):
        ls.open(store=store)
    done = ls.recover(tmp_path / "file")
    assert done.store == store
    assert done.replaced is not None
    assert names_in(done.replaced) >= {"thumbs.sqlite"}
    with ls.open(store=store) as found:
        assert answers(found, photos) == right


@pytest.mark.damages
def test_a_damaged_catalog_is_never_backed_up(library: ls.Library, tmp_path: Path) -> None:
    library.backup(tmp_path / "file")
    good = (tmp_path / "file").read_bytes()
    store = library.store
    library.close()
    path = store / "catalog.sqlite"
    data = path.read_bytes()
    refused = 0
    for page in range(8, len(data) // 4096):
        damaged = bytearray(data)
        damaged[page * 4096 : page * 4096 + 256] = b"\x55" * 256
        path.write_bytes(damaged)
        try:
            with ls.open(store=store) as library, pytest.raises(ls.LibraryDamaged):
                library.backup(tmp_path / "file", replace=True)
        except ls.LibraryDamaged:
            continue  # so bad that it cannot even be opened
        refused += 1
        assert (tmp_path / "file").read_bytes() == good
        if refused == 3:
            return
    pytest.fail("no page was damaged so that the library still opens")


def test_a_read_only_store_is_backed_up(library: ls.Library, tmp_path: Path) -> None:
    store = library.store
    library.close()
    with ls.open(store=store, read_only=True) as found:
        found.backup(tmp_path / "file")
    assert ls.recover(tmp_path / "file", store=tmp_path / "again").files >= 4


def test_a_library_deleted_under_an_open_handle_is_told(photos: Path, tmp_path: Path) -> None:
    with ls.open(photos, store=tmp_path / "store", pack=str(tiny_pack_folder())) as library:
        shutil.rmtree(library.store)
        with pytest.raises(ls.LibraryMissing, match="no library any more"):
            library.backup(tmp_path / "file")


@pytest.mark.skipif(os.name == "nt", reason="devices have other names there")
def test_a_device_is_no_backup() -> None:
    """Looking for its end would take for ever, and all of the memory."""
    with pytest.raises(ls.InputError, match="/dev/zero is no file"):
        ls.recover("/dev/zero")


def test_what_killed_ones_left_is_swept_and_nothing_else(
    library: ls.Library, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    library.backup(place / "file")
    new = place / ".again.recover-00000001"  # killed before it was locked
    half = place / ".again.recover-00000002"
    busy = place / ".again.recover-00000003"
    others = place / ".again.recover-00000004"  # somebody else's, however it came here
    for folder in (new, half, busy, others):
        folder.mkdir()
    for folder in (half, others):
        (folder / "catalog.sqlite").write_bytes(b"half a file")
    (half / workplace.LOCK).touch()
    with WriterLock(busy / workplace.LOCK).hold(0.0, "at work"):
        ls.recover(place / "file", store=place / "again")
        left = {name for name in names_in(place) if name.startswith(".")}
        assert left == {busy.name, others.name}
    ls.recover(place / "file", store=place / "other")
    assert (busy / workplace.LOCK).exists()  # its target is another one
