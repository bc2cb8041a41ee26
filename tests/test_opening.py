"""Opening what is damaged, lost, full, moved or closed meanwhile; and arguments that are wrong."""

from __future__ import annotations

import copy
import logging
import math
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch import errors
from tests.make_library import open_library, write_photo
from tests.tiny_pack import make_photo, tiny_pack_folder

PACK = str(tiny_pack_folder())


@pytest.fixture
def store(photos: Path, tmp_path: Path) -> Path:
    """A closed store of six photos, all indexed."""
    for n in range(6):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos, store=tmp_path / "store") as library:
        library.sync()
    return tmp_path / "store"


def answer(library: ls.Library) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in library.scan(ls.concept("colour"))]


def kept_below(folder: Path) -> dict[Path, bytes]:
    """Without what SQLite makes anew at every opening, as far as there is space."""
    found = files_below(folder)
    return {path: data for path, data in found.items() if not path.name.endswith("-shm")}


def files_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------ damaged thumbnails


def junk(path: Path) -> None:
    path.write_bytes(b"this is no database " * 500)


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    """Sound to look at: only the tree of the table is broken, so it shows when it is used."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


def of_another_program(path: Path) -> None:
    shutil.copy(path.with_name("catalog.sqlite"), path)


@pytest.mark.parametrize("damage", [junk, cut, of_another_program])
def test_damaged_thumbnails_are_made_anew(
    store: Path, photos: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    damage(store / "thumbs.sqlite")
    (store / "thumbs.sqlite-wal").write_bytes(b"left over")
    with caplog.at_level(logging.WARNING, "localsearch"), ls.open(store=store) as library:
        told = "thumbs.sqlite was damaged and is made anew"
        assert told in library.status().notes and told in caplog.text
        one = next(library.inputs())
        assert library.thumbnail(one.id)[:2] == b"\xff\xd8"
        write_photo(photos / "new.png", 77)
        assert library.sync().added == 1
    with ls.open(store=store) as library:
        assert library.verify() == () and library.status().notes == ()


@pytest.mark.parametrize("damage", [junk, cut, emptied, of_another_program])
def test_read_only_goes_on_without_thumbnails(store: Path, damage: Callable[[Path], None]) -> None:
    with ls.open(store=store, read_only=True) as library:
        right = answer(library)
    damage(store / "thumbs.sqlite")
    before = files_below(store)
    with ls.open(store=store, read_only=True) as library:
        assert any("thumbs.sqlite is damaged" in note for note in library.status().notes)
        assert answer(library) == right
        assert library.thumbnail(next(library.inputs()).id)[:2] == b"\xff\xd8"
        assert [finding.where for finding in library.verify()] == ["thumbs.sqlite"]
    assert (store / "thumbs.sqlite").read_bytes() == before[store / "thumbs.sqlite"]


def test_read_only_without_a_thumbnails_file(store: Path) -> None:
    (store / "thumbs.sqlite").unlink()
    with ls.open(store=store, read_only=True) as library:
        assert library.thumbnail(next(library.inputs()).id)[:2] == b"\xff\xd8"
    assert not (store / "thumbs.sqlite").exists()


def test_damage_that_shows_only_in_use(store: Path, photos: Path) -> None:
    overwritten(store / "thumbs.sqlite")
    with ls.open(store=store) as library:
        assert library.thumbnail(next(library.inputs()).id)[:2] == b"\xff\xd8"
    overwritten(store / "thumbs.sqlite")
    write_photo(photos / "new.png", 78)
    with ls.open(store=store) as library:
        assert library.sync().added == 1
        assert library.verify() == ()


def test_thumbnails_replaced_by_another_process(store: Path, photos: Path) -> None:
    with ls.open(store=store) as library:
        library.thumbnail(next(library.inputs()).id)
        for path in store.glob("thumbs.sqlite*"):
            path.unlink()
        write_photo(photos / "new.png", 79)
        assert library.sync().added == 1
    with ls.open(store=store) as library:
        assert library.verify() == ()


# ------------------------------------------------------------------ damaged features


@pytest.mark.parametrize("damage", [junk, cut, of_another_program])
def test_damaged_features_can_be_deleted(store: Path, damage: Callable[[Path], None]) -> None:
    with ls.open(store=store) as library:
        right = answer(library)
    (path,) = store.glob("features-*.sqlite")
    damage(path)
    for read_only in (False, True):
        with pytest.raises(ls.LibraryDamaged, match=path.name) as caught:
            ls.open(store=store, read_only=read_only)
        assert f"delete {path} and sync" in caught.value.hint
    path.unlink()
    with ls.open(store=store) as library:
        library.sync()
        assert answer(library) == right and library.verify() == ()


@pytest.mark.damages
def test_damage_of_features_that_shows_only_in_use(store: Path) -> None:
    (path,) = store.glob("features-*.sqlite")
    data = path.read_bytes()
    path.write_bytes(data[:16384] + b"\xa5" * (len(data) - 16384))
    with pytest.raises(ls.LibraryDamaged, match=path.name) as caught:  # noqa: SIM117
        with ls.open(store=store) as library:
            answer(library)
    assert f"delete {path} and sync" in caught.value.hint


# ------------------------------------------------------------------ a lost catalog


@pytest.mark.damages
@pytest.mark.parametrize("left", ["features-*.sqlite", "thumbs.sqlite", "segments"])
def test_a_lost_catalog_is_no_new_library(store: Path, photos: Path, left: str) -> None:
    (store / "segments" / "s1").mkdir(parents=True)
    (store / "segments" / "s1" / "postings.bin").write_bytes(b"some")
    keep = {path.name for path in store.glob(left)} | {"packs"}
    for path in [path for path in store.iterdir() if path.name not in keep]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = files_below(store)
    for opening in (
        lambda: ls.open(store=store),
        lambda: ls.open(store=store, read_only=True),
        lambda: ls.open(store=store, create=False),
        lambda: ls.open(photos, store=store, pack=PACK),
        lambda: ls.open(store),
        lambda: ls.init(photos, store=store, pack=PACK),
    ):
        with pytest.raises(ls.LibraryDamaged, match=r"catalog\.sqlite is missing") as caught:
            opening()
        assert "restore it from a backup" in caught.value.hint
        assert f"or delete {store}" in caught.value.hint
    assert files_below(store) == before


def test_a_creation_that_was_cut_off_is_finished(store: Path, photos: Path) -> None:
    for path in [path for path in store.iterdir() if path.name != "packs"]:
        path.unlink()
    with open_library(photos, store=store) as library:
        assert library.sync().added == 6


def test_a_photo_folder_with_a_folder_named_segments(photos: Path) -> None:
    write_photo(photos / "segments" / "a.png", 1)
    with open_library(photos) as library:
        assert library.sync().added == 1


# ------------------------------------------------------------------ a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this system does not let tests mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(file: Path) -> None:
    with open(file, "wb", buffering=0) as out:
        try:
            while out.write(bytes(1 << 20)):
                pass
        except OSError:
            return


@pytest.mark.damages  # the disk is gone when the store would be verified
@pytest.mark.parametrize("read_only_first", [True, False])
def test_a_full_disk_can_still_be_searched(
    small_disk: Path, photos: Path, read_only_first: bool
) -> None:
    write_photo(photos / "a.png", 1)
    store = small_disk / "store"
    with open_library(photos, store=store) as library:
        library.sync()
        right = answer(library)
    before = kept_below(store)
    fill(small_disk / "filler")
    assert shutil.disk_usage(small_disk).free == 0

    def search() -> None:
        with ls.open(store=store, read_only=True) as library:
            assert answer(library) == right
            assert library.thumbnail(right[0][0])[:2] == b"\xff\xd8"

    if read_only_first:
        search()
    with pytest.raises(ls.LibraryFull) as caught:
        ls.open(store=store)
    assert "read_only=True" in caught.value.hint and "searching" in caught.value.hint
    search()
    assert {path: path.read_bytes() for path in before} == before
    (small_disk / "filler").unlink()
    with ls.open(store=store) as library:
        assert library.verify() == () and answer(library) == right


# ------------------------------------------------------------------ closed under others


def until_closed(work: Callable[[], object], faults: list[BaseException]) -> None:
    try:
        while True:
            work()
    except BaseException as fault:  # noqa: BLE001  (looked at when the thread has ended)
        faults.append(fault)


@pytest.mark.parametrize("round_", range(4))
def test_close_under_searches_and_a_sync(photos: Path, round_: int) -> None:
    for n in range(40):
        write_photo(photos / f"{n}.png", n)
    library = open_library(photos)
    library.sync(paths=[photos / "0.png"])
    begun = threading.Event()
    faults: list[BaseException] = []

    def syncing() -> None:
        begun.set()
        library.sync()

    work: list[Callable[[], object]] = [
        lambda: library.search(ls.like(data=png(round_))),
        lambda: library.search(ls.concept("colour")),
        lambda: library.predict(photos / "1.png"),
        syncing,
    ]
    threads = [threading.Thread(target=until_closed, args=(one, faults)) for one in work]
    for thread in threads:
        thread.start()
    begun.wait(10)
    threads[0].join(0.02 * (round_ + 1))
    library.close()
    for thread in threads:
        thread.join(30)
    assert [type(fault) for fault in faults] == [ls.LibraryClosed] * 4, faults


def png(seed: int) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(make_photo(1000 + seed, (64, 48))).save(out, format="PNG")
    return out.getvalue()


def test_models_open_nothing_after_close(store: Path) -> None:
    library = ls.open(store=store)
    models = library._inner.models
    encoder = models.encoder()
    library.close()
    with pytest.raises(ls.LibraryClosed):
        models.encoder()
    with pytest.raises(ls.PackError, match="closed"):
        encoder.encode([])
    with pytest.raises(ls.LibraryClosed):
        models.outcome_of(png(1))


# ------------------------------------------------------------------ errors travel


def all_errors(kind: type[errors.LocalsearchError]) -> Iterator[type[errors.LocalsearchError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from all_errors(below)


def made(kind: type[errors.LocalsearchError]) -> errors.LocalsearchError:
    """One with all attributes that its class knows."""
    extra: dict[str, Any] = {"hint": "do this"}
    if issubclass(kind, errors.LibraryBusy):
        extra |= {"pid": 42, "since": 1.5, "doing": "sync"}
    if issubclass(kind, errors.LibrarySegmentDamaged):
        extra |= {"segment": "s-1"}
    if issubclass(kind, errors.QueryError):
        extra |= {"column": 7}
    if issubclass(kind, errors.PictureError):
        return kind("too-large", "it is too large", **extra)
    return kind("what happened", **extra)


@pytest.mark.parametrize("kind", sorted(set(all_errors(errors.LocalsearchError)), key=str))
def test_every_error_survives_pickle_and_copy(kind: type[errors.LocalsearchError]) -> None:
    error = made(kind)
    error.added_later = ["x"]  # type: ignore[attr-defined]
    twins = [pickle.loads(pickle.dumps(error, level)) for level in range(6)]
    for twin in (*twins, copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind and twin is not error
        assert vars(twin) == vars(error) and twin.args == error.args
        assert str(twin) == str(error) and twin.code == error.code


# ------------------------------------------------------------------ arguments of open


def test_a_missing_root_leaves_nothing_behind(tmp_path: Path, photos: Path) -> None:
    place = tmp_path / "new"
    inside = photos / "inside"
    inside.mkdir()
    for opening in (ls.open, ls.init):
        with pytest.raises(ls.LibraryMissing, match="nope"):
            opening(store=place, roots={"b": photos, "a": tmp_path / "nope"}, pack=PACK)
        with pytest.raises(ls.InputError, match="in each other"):
            opening(store=place, roots={"b": photos, "a": inside}, pack=PACK)
        with pytest.raises(ls.InputError, match="in each other"):
            opening(inside, store=place, roots={"b": photos}, pack=PACK)
    assert not place.exists() and sorted(tmp_path.iterdir()) == [photos]


def test_a_missing_root_adds_no_other(store: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    with pytest.raises(ls.LibraryMissing, match="nope"):
        ls.open(store=store, roots={"more": more, "a": tmp_path / "nope"})
    with ls.open(store=store) as library:
        assert [root.name for root in library.roots()] == ["photos"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": ""}, "path is the path of a folder"),
        ({"path": b"x"}, "path is the path of a folder"),
        ({"path": 5}, "path is the path of a folder"),
        ({"store": ""}, "store is the path of a folder"),
        ({"store": "s", "roots": ["a"]}, "roots is a mapping"),
        ({"store": "s", "roots": "photos"}, "roots is a mapping"),
        ({"store": "s", "roots": {"": "."}}, "name is a text"),
        ({"store": "s", "roots": {1: "."}}, "name is a text"),
        ({"store": "s", "roots": {"a": ""}}, "root a is the path"),
        ({"store": "s", "roots": {"a": None}}, "root a is the path"),
        *(({"store": "s", "memory": bad}, "memory is") for bad in ("x", -1, 0, 1.5, True)),
        *(({"store": "s", "threads": bad}, "threads is") for bad in ("x", -1, 0, 1.5, True)),
        *(
            ({"store": "s", "lock_timeout": bad}, "lock_timeout is a number of seconds")
            for bad in ("x", None, -0.1, math.nan, math.inf, 1e300, True)
        ),
        *(({"store": "s", "graph": bad}, "graph is one of auto") for bad in ("x", None, True, 1)),
    ],
)
def test_wrong_arguments_are_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ls.InputError, match=words):
        ls.open(**options, pack=PACK)
    assert not [*tmp_path.iterdir()]


def test_good_numbers_pass(store: Path) -> None:
    for options in ({"memory": 1 << 28}, {"threads": 2}, {"lock_timeout": 0}, {}):
        with ls.open(store=store, **options) as library:  # type: ignore[arg-type]
            assert len(answer(library)) > 0


# ------------------------------------------------------------------ roots by name


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A photo folder that is the root "home" of the store `tmp_path / "store"`."""
    folder = tmp_path / "one" / "pictures"
    for n in range(3):
        write_photo(folder / f"{n}.png", n)
    with ls.open(store=tmp_path / "store", roots={"home": folder}, pack=PACK) as library:
        library.sync()
    return folder


def test_a_named_root_that_is_offline_is_moved(tmp_path: Path, home: Path) -> None:
    with ls.open(store=tmp_path / "store") as library:
        ids = {one.id for one in library.inputs()}
    there = tmp_path / "two"
    home.rename(there)
    with ls.open(store=tmp_path / "store", roots={"home": there}) as library:
        assert [(root.name, root.path) for root in library.roots()] == [("home", there)]
        report = library.sync()
        assert (report.added, report.missing, report.unchanged) == (0, 0, 3)
        assert {one.id for one in library.inputs()} == ids


def test_a_named_root_that_is_elsewhere_is_refused(tmp_path: Path, home: Path) -> None:
    there = tmp_path / "two"
    third = tmp_path / "three"
    there.mkdir()
    third.mkdir()
    with pytest.raises(ls.InputError, match="root home is at") as caught:
        ls.open(store=tmp_path / "store", roots={"third": third, "home": there})
    assert "move_root" in caught.value.hint and "roots move home" in caught.value.hint
    with ls.open(store=tmp_path / "store", roots={"home": home}) as library:
        assert [(root.name, root.path) for root in library.roots()] == [("home", home)]


def test_a_folder_without_a_name_gets_a_free_one(tmp_path: Path, home: Path) -> None:
    other = tmp_path / "other" / "home"
    other.mkdir(parents=True)
    with ls.open(other, store=tmp_path / "store") as library:
        assert [root.name for root in library.roots()] == ["home", "home-2"]
    with ls.open(other, store=tmp_path / "store") as library:
        assert [root.name for root in library.roots()] == ["home", "home-2"]


# ------------------------------------------------------------------ opened twice in one process


def test_a_second_opening_shares_what_is_derived(store: Path, photos: Path) -> None:
    with ls.open(store=store) as first, ls.open(photos, store=store, read_only=True) as second:
        right = answer(first)
        first.search(ls.like(data=png(1)))
        one, other = first._inner, second._inner
        assert one.live is other.live and one.models is other.models and one.upkeep is other.upkeep
        assert one.truth is not other.truth
        assert answer(second) == right
        with second._inner.truth.catalog.reading() as conn:
            seen = other.live.current(conn, other.truth.features)
        with first._inner.truth.catalog.reading() as conn:
            assert one.live.current(conn, one.truth.features) is seen
        with pytest.raises(ls.LibraryReadOnly):
            second.remove(right[0][0])
        first.remove(right[0][0])
        assert len(answer(second)) == len(right) - 1


def test_by_whatever_path_it_is_opened(store: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(store)
    with ls.open(store=store) as first, ls.open(store=link) as second:
        assert first._shared is second._shared


def test_models_are_shared_where_the_options_agree(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ls.open(store=store) as first, ls.open(store=store, threads=1) as second:
        assert first._inner.live is second._inner.live
        assert first._inner.models is not second._inner.models
        assert first._inner.graph is second._inner.graph
        # The default is reckoned from what is free now, and agrees with itself all the same.
        monkeypatch.setattr("localsearch.machine.memory_budget", lambda asked: 300 << 20)
        with ls.open(store=store) as third, ls.open(store=store, graph="never") as fourth:
            assert third._inner.models is first._inner.models
            assert third._inner.graph is first._inner.graph is not fourth._inner.graph


@pytest.mark.parametrize("first_goes", [True, False])
@pytest.mark.parametrize("read_only", [True, False])
def test_closing_one_leaves_the_other_working(
    store: Path, photos: Path, first_goes: bool, read_only: bool
) -> None:
    handles = [ls.open(store=store), ls.open(store=store, read_only=read_only)]
    right = answer(handles[0])
    query = ls.like(data=png(2))
    for library in handles:
        assert library.search(query).total == len(right)
    gone, left = handles if first_goes else reversed(handles)
    gone.close()
    with pytest.raises(ls.LibraryClosed):
        gone.search(query)
    assert answer(left) == right and left.search(query).total == len(right)
    models = left._inner.models
    if not left.read_only:
        write_photo(photos / "new.png", 81)
        assert left.sync().added == 1
        assert left.search(query).total == len(right) + 1
    left.close()
    with pytest.raises(ls.LibraryClosed):
        models.encoder()


def test_a_scan_goes_on_when_the_other_handle_is_closed(store: Path) -> None:
    other = ls.open(store=store)
    with ls.open(store=store) as library:
        right = answer(library)
        hits = library.scan(ls.concept("colour"))
        got = [(hit.id, hit.score) for hit in [next(hits)]]
        other.close()
        got += [(hit.id, hit.score) for hit in hits]
        assert got == right


def test_opened_and_closed_by_many_threads_at_once(store: Path) -> None:
    with ls.open(store=store) as library:
        right = answer(library)
    faults: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                with ls.open(store=store) as library:
                    assert answer(library) == right
        except BaseException as fault:  # noqa: BLE001  (looked at below)
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_store_made_anew_in_the_same_place_is_another(store: Path, photos: Path) -> None:
    with ls.open(store=store) as old:
        assert len(answer(old)) == 6
        aside = store.with_name("aside")
        store.rename(aside)
        with open_library(photos, store=store) as new:
            assert new._shared is not old._shared
            assert answer(new) == []
        shutil.rmtree(aside)


def test_a_transaction_that_began_before_a_publish_sees_its_own_state(
    store: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread has gone on to newer segments: they are not what this one sees."""
    from localsearch.publish import plan
    from localsearch.rows import to_array

    monkeypatch.setattr(plan, "WORTH", 2)
    with ls.open(store=store) as library:
        parts = library._inner
        with parts.truth.catalog.reading() as conn:
            before = parts.live.current(conn, parts.truth.features)
            rows = to_array(before.rows).tolist()

            def go_on() -> None:
                write_photo(photos / "0.png", 50, age=1)
                write_photo(photos / "new.png", 51)
                library.sync()
                with parts.truth.catalog.reading() as newer:
                    live = parts.live.current(newer, parts.truth.features)
                    seen.append(to_array(live.rows).tolist())

            seen: list[list[int]] = []
            thread = threading.Thread(target=go_on)
            thread.start()
            thread.join()
            again = parts.live.current(conn, parts.truth.features)
            assert to_array(again.rows).tolist() == rows
            del before, again  # now nothing holds the old state: it is made from the files
            anew = parts.live.current(conn, parts.truth.features)
            assert to_array(anew.rows).tolist() == rows
        with parts.truth.catalog.reading() as conn:
            live = parts.live.current(conn, parts.truth.features)
            assert to_array(live.rows).tolist() == seen[0] != rows


# ------------------------------------------------------------------ what has changed


def test_an_app_keeps_a_copy_by_what_has_changed(store: Path, photos: Path) -> None:
    copy: dict[str, ls.Input] = {}
    since = 0

    def follow(library: ls.Library, limit: int) -> int:
        nonlocal since
        rounds = 0
        while True:
            told = library.changes(since, limit=limit)
            assert [one.sequence for one in told.items] == sorted(
                {one.sequence for one in told.items}
            )
            assert len(told.items) <= limit
            for one in told.items:
                if one.input is None:
                    assert one.gone
                    copy.pop(one.id, None)
                else:
                    copy[one.id] = one.input
            since, rounds = told.sequence, rounds + len(told.items)
            if not told.more:
                return rounds

    def same(library: ls.Library) -> bool:
        inputs = [*library.inputs(), *library.inputs(removed=True)]
        return copy == {one.id: one for one in inputs}

    with ls.open(store=store) as library:
        assert follow(library, 2) == 6 and same(library)
        assert follow(library, 2) == 0
        ids = [*copy]
        library.tag(ids[:2], "pet")
        library.update(ids[1], metadata={"album": "home"})
        library.remove(ids[2])
        (photos / copy[ids[3]].relative_path).unlink()  # type: ignore[operator,arg-type]
        library.sync()
        assert follow(library, 100) == 4 and same(library)
        assert copy[ids[0]].tags == {"pet": True} and copy[ids[2]].removed
        assert copy[ids[3]].state == "missing"
        library.untag(ids[0], "pet")
        library.purge(removed=True)
        assert follow(library, 1) == 2 and same(library) and ids[2] not in copy
        assert library.changes(since) == ls.Changes(since, ())
        everything = library.changes()
        assert [one.gone for one in everything.items].count(True) == 1
        for wrong in (-1, "x", True, 1.5):
            with pytest.raises(ls.InputError, match="since is a whole number from 0"):
                library.changes(wrong)  # type: ignore[arg-type]
