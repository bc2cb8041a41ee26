"""Sync from a folder to hits, on real files, a real network and a real store."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from pathlib import Path

import pytest

import localsearch as ls
from tests.make_library import counts, ids_by_path, open_library, settle, write_photo


def make_tree(photos: Path, number: int = 6) -> None:
    for n in range(number):
        write_photo(photos / f"f{n % 2}" / f"{n}.png", n)


def test_new_photos_are_added_and_found(photos: Path) -> None:
    make_tree(photos)
    (photos / "notes.txt").write_text("no photo", encoding="utf-8")
    with open_library(photos) as library:
        report = library.sync()
        assert counts(report) == {"added": 6, "skipped": 1}
        assert report.skipped_kinds == {"document": 1}
        page = library.search(ls.like(photos / "f0" / "2.png"), limit=3)
        assert page.total == 6
        assert page[0].path == photos / "f0" / "2.png"
        assert page[0].score >= 0.9999
        assert library.verify() == ()


def test_a_second_sync_reads_no_photo(photos: Path) -> None:
    make_tree(photos)
    with open_library(photos) as library:
        library.sync()
        before = library.status().bytes
        seen: list[ls.Progress] = []
        assert counts(library.sync(progress=seen.append)) == {"unchanged": 6}
        assert {one.stage for one in seen} <= {"look", "done"}
        assert library.status().bytes == before


def test_changed_moved_copied_missing_and_back(photos: Path) -> None:
    make_tree(photos, 10)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
        library.tag(ids["f0/0.png"], "pet")
        write_photo(photos / "f0" / "2.png", 77, age=5)
        (photos / "new").mkdir()
        (photos / "f0" / "0.png").rename(photos / "new" / "zero.png")
        shutil.copy2(photos / "f1" / "1.png", photos / "copy.png")
        (photos / "f1" / "3.png").unlink()
        report = library.sync()
        assert counts(report) == {
            "added": 1,
            "changed": 1,
            "moved": 1,
            "missing": 1,
            "unchanged": 7,
        }
        after = ids_by_path(library)
        assert after["new/zero.png"] == ids["f0/0.png"]
        assert library.get(ids["f0/0.png"]).tags == {"pet": True}
        assert library.get(ids["f1/3.png"]).state == "missing"
        assert after["f0/2.png"] == ids["f0/2.png"]
        found = {hit.id for hit in library.scan(ls.like(id=after["copy.png"]))}
        assert ids["f1/3.png"] not in found and len(found) == 10
        write_photo(photos / "f1" / "3.png", 3)
        assert counts(library.sync()) == {"unchanged": 11}
        assert library.get(ids["f1/3.png"]).state == "ok"
        assert library.verify() == ()


def test_a_copy_and_a_return_cost_no_inference(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsearch.encoders.image import ImageEncoder

    make_tree(photos, 4)
    with open_library(photos) as library:
        library.sync()
        inferred: list[int] = []
        encode = ImageEncoder.encode
        monkeypatch.setattr(
            ImageEncoder,
            "encode",
            lambda self, prepared: inferred.append(len(prepared)) or encode(self, prepared),
        )
        shutil.copy2(photos / "f0" / "0.png", photos / "copy.png")
        (photos / "f0" / "2.png").rename(photos / "f1" / "2.png")
        assert counts(library.sync()) == {"added": 1, "moved": 1, "unchanged": 3}
        assert inferred == []
        write_photo(photos / "fresh.png", 50)
        library.sync()
        assert inferred == [1]


def test_a_bad_photo_is_a_failure_with_a_reason_and_shifts_nobody(photos: Path) -> None:
    make_tree(photos, 8)
    (photos / "f0" / "1a.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    (photos / "f1" / "empty.png").write_bytes(b"")
    for bad in ("f0/1a.jpg", "f1/empty.png"):
        settle(photos / bad)
    with open_library(photos) as library:
        report = library.sync()
        assert counts(report) == {"added": 8, "failed": 2}
        assert {Path(path).name for path, _, _ in report.failures} == {"1a.jpg", "empty.png"}
        assert all(reason for _, _, reason in report.failures)
        assert {one.path.name for one in library.failures() if one.path} == {"1a.jpg", "empty.png"}
        for n in range(8):
            path = photos / f"f{n % 2}" / f"{n}.png"
            assert library.search(ls.like(path), limit=1)[0].path == path
        assert counts(library.sync()) == {"unchanged": 10}


def test_an_unplugged_root_is_offline_and_stays_searchable(photos: Path, tmp_path: Path) -> None:
    make_tree(photos)
    with open_library(photos, store=tmp_path / "store") as library:
        library.sync()
        ids = ids_by_path(library)
        away = photos.rename(tmp_path / "away")
        report = library.sync()
        assert counts(report) == {"offline": 6}
        assert "offline" in " ".join(report.notes)
        hits = library.search(ls.like(id=ids["f0/0.png"]))
        assert hits.total == 6 and not hits[0].available
        photos.mkdir()  # an empty mount point
        assert counts(library.sync()) == {"offline": 6}
        photos.rmdir()
        away.rename(photos)
        assert counts(library.sync()) == {"unchanged": 6}
        assert ids_by_path(library) == ids
        assert library.search(ls.like(id=ids["f0/0.png"]))[0].available


def test_a_folder_that_cannot_be_listed_is_offline(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(photos)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
        real = os.scandir

        def refuse(path: bytes) -> object:
            if os.fsdecode(path).endswith("f1"):
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr("localsearch.library.syncing.LIST_FOLDER", refuse)
        assert counts(library.sync()) == {"offline": 3, "unchanged": 3}
        monkeypatch.undo()
        assert counts(library.sync()) == {"unchanged": 6}
        assert ids_by_path(library) == ids


def test_an_emptied_first_level_folder_is_offline(photos: Path) -> None:
    make_tree(photos, 8)
    with open_library(photos) as library:
        library.sync()
        shutil.rmtree(photos / "f1")
        assert counts(library.sync()) == {"offline": 4, "unchanged": 4}
        assert counts(library.sync(allow_removals=True)) == {"missing": 4, "unchanged": 4}


def test_the_safety_stop_hides_nothing(photos: Path) -> None:
    make_tree(photos, 20)
    with open_library(photos) as library:
        library.sync()
        for n in (0, 2, 4, 6, 8):
            (photos / "f0" / f"{n}.png").unlink()
        with pytest.raises(ls.LibraryUnsafe, match="5 of 10 photos"):
            library.sync()
        assert library.status().missing == 0
        assert counts(library.sync(allow_removals=True)) == {"missing": 5, "unchanged": 15}


def test_an_ignore_rule_hides_and_its_end_brings_back(photos: Path) -> None:
    make_tree(photos, 8)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
        library.add_root(photos, ignore=["f1/"])
        assert library.sync().missing == 4
        assert library.search(ls.like(id=ids["f0/0.png"])).total == 4
        library.add_root(photos, ignore=[])
        assert counts(library.sync()) == {"unchanged": 8}
        assert ids_by_path(library) == ids


def test_only_the_named_paths_are_synced(photos: Path) -> None:
    make_tree(photos, 6)
    with open_library(photos) as library:
        library.sync()
        write_photo(photos / "f0" / "new.png", 30)
        write_photo(photos / "f1" / "other.png", 31)
        assert counts(library.sync(paths=[photos / "f0" / "new.png"])) == {"added": 1}
        (photos / "f1" / "1.png").unlink()
        assert counts(library.sync(paths=[photos / "f1" / "1.png"])) == {"missing": 1}
        (photos / "f1" / "3.png").rename(photos / "f0" / "3.png")
        both = [photos / "f0" / "3.png", photos / "f1" / "3.png"]
        assert counts(library.sync(paths=both)) == {"moved": 1}
        assert counts(library.sync(paths=[photos / "f1"])) == {"added": 1, "unchanged": 1}
        with pytest.raises(ls.InputError, match="no photo folder"):
            library.sync(paths=[photos.parent / "elsewhere.png"])


def test_stop_keeps_what_was_committed(photos: Path) -> None:
    make_tree(photos, 40)
    asked = itertools.count()  # asked for each folder, then before each photo is begun
    with open_library(photos) as library:
        report = library.sync(stop=lambda: next(asked) > 15)
        assert report.stopped
        assert report.missing == 0
        assert library.status().inputs == report.added
        rest = library.sync()
        assert rest.added + report.added == 40


def test_an_exception_of_progress_stops_cleanly(photos: Path) -> None:
    make_tree(photos, 10)

    def fail(progress: ls.Progress) -> None:
        raise KeyError("mine")

    with open_library(photos) as library:
        with pytest.raises(KeyError, match="mine"):
            library.sync(progress=fail)
        assert not [t for t in threading.enumerate() if t.name.startswith("localsearch")]
        library.sync()
        assert library.status().ok == 10
        assert library.verify() == ()


def test_photos_are_found_while_the_sync_runs(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localsearch.sync.run.BATCH", 4)
    make_tree(photos, 40)
    totals: list[int] = []
    with open_library(photos) as library:

        def look() -> bool:  # asked before each photo is begun
            totals.append(library.search(ls.like(photos / "f0" / "0.png")).total)
            return False

        library.sync(stop=look)
    assert any(0 < total < 40 for total in totals), totals


def test_a_dry_run_writes_nothing(photos: Path) -> None:
    make_tree(photos, 6)
    with open_library(photos) as library:
        estimate = library.estimate()
        assert (estimate.added, estimate.sampled) == (6, 6)
        assert estimate.seconds > 0 and estimate.disk_bytes > 0
        assert library.status().inputs == 0


def test_two_syncs_at_once_are_refused(photos: Path) -> None:
    make_tree(photos, 2)
    started, go = threading.Event(), threading.Event()

    def hold(progress: ls.Progress) -> None:
        started.set()
        go.wait(10)

    with open_library(photos, lock_timeout=0.1) as library:
        other = threading.Thread(target=lambda: library.sync(progress=hold))
        other.start()
        assert started.wait(10)
        try:
            with pytest.raises(ls.LibraryBusy, match="sync"):
                library.sync()
        finally:
            go.set()
            other.join()


def test_a_library_that_moves_with_its_photos_is_the_same(photos: Path, tmp_path: Path) -> None:
    make_tree(photos)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
    new_home = photos.rename(tmp_path / "renamed")
    with open_library(new_home) as library:
        assert [root.path for root in library.roots()] == [new_home]
        assert counts(library.sync()) == {"unchanged": 6}
        assert ids_by_path(library) == ids


def test_removed_photos_stay_removed(photos: Path) -> None:
    make_tree(photos, 4)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
        one = ids["f0/0.png"]
        assert library.remove(one) == 1
        assert counts(library.sync()) == {"unchanged": 4}
        assert library.search(ls.like(id=ids["f0/2.png"])).total == 3
        assert library.restore(one) == 1
        assert library.search(ls.like(id=ids["f0/2.png"])).total == 4
        assert (photos / "f0" / "0.png").exists()
        library.remove(one)
        assert library.purge(removed=True) == 1
        with pytest.raises(ls.LibraryMissing):
            library.get(one)
        assert counts(library.sync()) == {"added": 1, "unchanged": 3}


def test_every_kind_of_source_can_be_added(photos: Path, tmp_path: Path) -> None:
    import base64
    import io

    import numpy as np
    from PIL import Image

    make_tree(photos, 2)
    file = write_photo(tmp_path / "outside.png", 9)
    data = file.read_bytes()
    pixels = np.asarray(Image.open(file))
    with open_library(photos, store=tmp_path / "store") as library:
        library.sync()
        results = [
            library.add(file, id="mine", tags={"pet": True}, metadata={"album": "home"}),
            library.add(data),
            library.add(base64="data:image/png;base64," + base64.b64encode(data).decode()),
            library.add(io.BytesIO(data)),
            library.add(Image.open(file)),
            library.add(pixels),
            library.add(photos / "f0" / "0.png"),
            library.add(b"no picture at all"),
        ]
        assert [r.state for r in results[:7]] == ["ok"] * 7
        assert results[7].state in ("unsupported", "undecodable") and results[7].reason
        assert results[0].id == "mine" and results[1].duplicate_of == "mine"
        assert results[6].id == ids_by_path(library)["f0/0.png"]
        kept = library.get("mine")
        assert kept.path == file and kept.root is None and kept.metadata == {"album": "home"}
        again = library.search(ls.like(data=data), limit=10)
        assert [hit.score for hit in again][:6] == [1.0] * 6
        assert library.open_image(results[5].id).size == (64, 48)
        assert library.thumbnail(results[1].id)[:2] == b"\xff\xd8"
        with pytest.raises(ls.InputError, match="mine"):
            library.add(data, id="mine")
        many = list(library.add_many([data, b"bad", {"source": file}]))
        assert [m.state == "ok" for m in many] == [True, False, True]
        assert library.verify() == ()


def test_the_next_page_of_a_query_picture_that_can_be_read_only_once(photos: Path) -> None:
    import io

    make_tree(photos, 6)
    with open_library(photos) as library:
        library.sync()
        once = io.BytesIO((photos / "f0" / "0.png").read_bytes())
        first = library.search(ls.like(once), limit=4)
        second = first.next()
        assert second is not None and second.next() is None
        ids = [hit.id for hit in [*first, *second]]
        assert len(set(ids)) == 6 and first[0].score == 1.0


def test_a_sync_beside_other_writers_never_raises(photos: Path) -> None:
    make_tree(photos, 60)
    with open_library(photos) as library:
        adding = threading.Thread(
            target=lambda: [library.add(p) for p in sorted(photos.rglob("*.png"))]
        )
        adding.start()
        library.sync()
        adding.join()
        assert library.status().inputs == 60
        for n in range(60):
            write_photo(photos / f"f{n % 2}" / f"{n}.png", 100 + n, age=n + 1)
        ids = [one.id for one in library.inputs()]
        purging = threading.Thread(target=lambda: [library.purge(id) for id in ids])
        purging.start()
        library.sync()
        purging.join()
        library.sync()
        assert library.status().ok == 60


def test_paths_are_taken_once_and_judged_together(photos: Path) -> None:
    make_tree(photos, 20)
    with open_library(photos) as library:
        library.sync()
        new = write_photo(photos / "f0" / "new.png", 43)
        assert counts(library.sync(paths=[new, new, photos / "f0"])) == {
            "added": 1,
            "unchanged": 10,
        }
        lost = [photos / "f1" / f"{n}.png" for n in range(1, 20, 2)][:7]
        for path in lost:
            path.unlink()
        with pytest.raises(ls.LibraryUnsafe, match="7 of 10"):
            library.sync(paths=lost)
        assert library.status().missing == 0


def test_all_roots_are_judged_before_one_is_touched(tmp_path: Path) -> None:
    for n in range(20):
        write_photo(tmp_path / "a" / f"{n}.png", n)
        write_photo(tmp_path / "b" / f"{n}.png", 50 + n)
    roots = {"a": tmp_path / "a", "b": tmp_path / "b"}
    from tests.tiny_pack import tiny_pack_folder

    with ls.open(store=tmp_path / "s", roots=roots, pack=str(tiny_pack_folder())) as library:
        library.sync()
        (tmp_path / "a" / "0.png").unlink()
        for n in range(10):
            (tmp_path / "b" / f"{n}.png").unlink()
        with pytest.raises(ls.LibraryUnsafe, match="10 of 20 photos of root b"):
            library.sync()
        assert library.status().missing == 0


def test_a_move_onto_the_name_of_a_missing_photo_keeps_id_and_tags(photos: Path) -> None:
    make_tree(photos, 8)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
        library.tag(ids["f0/0.png"], "mine")
        library.tag(ids["f1/1.png"], "gone")
        (photos / "f1" / "1.png").unlink()
        library.sync()
        (photos / "f0" / "0.png").rename(photos / "f1" / "1.png")
        assert counts(library.sync())["moved"] == 1
        assert ids_by_path(library)["f1/1.png"] == ids["f0/0.png"]
        assert library.get(ids["f0/0.png"]).tags == {"mine": True}
        assert library.get(ids["f1/1.png"]).tags == {"gone": True}
        assert library.get(ids["f1/1.png"]).state == "missing"


def test_a_copy_of_an_ignored_photo_is_a_new_photo(photos: Path) -> None:
    make_tree(photos, 8)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
        library.add_root(photos, ignore=["f1/"])
        library.sync()
        shutil.copy2(photos / "f1" / "1.png", photos / "copy.png")
        assert counts(library.sync())["added"] == 1
        assert library.purge(missing=True) == 0
        library.add_root(photos, ignore=[])
        assert counts(library.sync()) == {"unchanged": 9}
        assert ids_by_path(library)["f1/1.png"] == ids["f1/1.png"]


def test_named_paths_follow_the_rules_of_the_walk(photos: Path) -> None:
    make_tree(photos, 4)
    odd = [photos / ".hid" / "q.png", photos / "@eaDir" / "q.png", photos / "script"]
    write_photo(odd[0], 7)
    write_photo(odd[1], 8)
    odd[2].write_text("#!/bin/sh\necho no photo\n", encoding="utf-8")
    if hasattr(os, "symlink"):
        (photos / "dangling.png").symlink_to(photos / "nowhere.png")
        odd.append(photos / "dangling.png")
    with open_library(photos) as library:
        library.sync()
        report = library.sync(paths=odd)
        assert counts(report) == {"skipped": len(odd)}
        assert library.status().inputs == 4


def test_lost_features_of_kept_bytes_come_back(photos: Path) -> None:
    make_tree(photos, 2)
    with open_library(photos) as library:
        library.sync()
        kept = library.add((photos / "f0" / "0.png").read_bytes() + b"\n").id
    for path in (photos / ".localsearch").glob("features-*"):
        path.unlink()
    with open_library(photos) as library:
        library.sync()
        assert library.verify() == ()
        assert library.search(ls.like(id=kept)).total == 3


def test_a_copy_of_folder_and_store_is_a_library_of_its_own(photos: Path, tmp_path: Path) -> None:
    make_tree(photos)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
    twin = tmp_path / "twin"
    shutil.copytree(photos, twin)
    with open_library(twin) as library:
        assert [root.path for root in library.roots()] == [twin]
        assert counts(library.sync()) == {"unchanged": 6}
        assert ids_by_path(library) == ids
        assert all(hit.path and twin in hit.path.parents for hit in library.scan("red or green"))


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_a_folder_may_be_named_through_a_link(photos: Path, tmp_path: Path) -> None:
    make_tree(photos)
    link = tmp_path / "link"
    link.symlink_to(photos, target_is_directory=True)
    with open_library(link) as library:
        assert library.sync().added == 6
        assert counts(library.sync(paths=[photos / "f0"])) == {"unchanged": 3}
        assert counts(library.sync(paths=[link / "f0" / "0.png"])) == {"unchanged": 1}
    with open_library(photos) as library:
        assert len(library.roots()) == 1
        assert counts(library.sync()) == {"unchanged": 6}


def test_a_moved_store_tells_the_new_places_at_once(photos: Path, tmp_path: Path) -> None:
    make_tree(photos)
    with open_library(photos) as library:
        library.sync()
        ids = ids_by_path(library)
    new_home = photos.rename(tmp_path / "renamed")
    for opened in (
        ls.open(new_home / ".localsearch", read_only=True),
        ls.open(store=new_home / ".localsearch"),
    ):
        with opened as library:
            hit = library.search(ls.like(id=ids["f0/0.png"]), limit=1)[0]
            assert hit.path == new_home / "f0" / "0.png" and hit.path.exists()
            assert library.open_image(hit.id).size == (64, 48)
            assert library.get(hit.id).path == hit.path
            found = library.find(new_home / "f0" / "0.png")
            assert found is not None and found.id == hit.id
