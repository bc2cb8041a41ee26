"""The walk over real folders, and the rules that leave files out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from localsearch.sources.formats import FORMATS, kind_of_suffix
from localsearch.sources.ignore import Ignore
from localsearch.sources.placeholders import is_placeholder, stands_for
from localsearch.sources.walk import Folder, look_at_file, walk_folder
from tests.make_pictures import PICTURES


def put(root: Path, *names: str, data: bytes = b"x") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def walked(root: Path, *patterns: str, **options: Any) -> dict[str, list[str]]:
    found = walk_folder(root, Ignore(patterns), **options)
    return {os.fsdecode(f.path): [os.fsdecode(p.name) for p in f.photos] for f in found}


def folders(root: Path, *patterns: str, **options: Any) -> dict[str, Folder]:
    found = walk_folder(root, Ignore(patterns), **options)
    return {os.fsdecode(folder.path): folder for folder in found}


def test_photos_by_folder_and_everything_adds_up(photos: Path) -> None:
    put(photos, "a.jpg", "b.JPEG", "c.heic", "zero.png", "notes.txt", "film.mov", "shot.CR2")
    put(photos, "sub/d.avif", "sub/deep/e.webp", ".hidden.jpg", "._a.jpg")
    put(photos, "photo_without_suffix", data=PICTURES["plain.jpg"]())
    put(photos, "Makefile", data=b"all:\n\ttrue\n")
    put(photos, "odd.xyz", data=PICTURES["plain.png"]())
    found = folders(photos)
    names = [photo.name for photo in found[""].photos]
    assert names == [
        b"a.jpg",
        b"b.JPEG",
        b"c.heic",
        b"odd.xyz",
        b"photo_without_suffix",
        b"zero.png",
    ]
    assert found[""].other == {"document": 2, "video": 1, "raw": 1, "hidden": 2}
    assert walked(photos)["sub"] == ["d.avif"]
    assert walked(photos)["sub/deep"] == ["e.webp"]
    photo = found[""].photos[0]
    assert (photo.size, photo.placeholder) == (1, False)
    assert photo.mtime_ns == (photos / "a.jpg").stat().st_mtime_ns
    assert look_at_file(photos, b"a.jpg", Ignore()).photos == [photo]


def test_order_is_that_of_the_path_bytes(photos: Path) -> None:
    put(photos, "a/c/1.jpg", "a-b/1.jpg", "a/1.jpg", "a b/1.jpg", "B/1.jpg", "é/1.jpg", "a0/1.jpg")
    paths = [folder.path for folder in walk_folder(photos, Ignore())]
    assert paths == sorted(paths)
    assert len(paths) == 8


def test_below_starts_there_with_paths_from_the_root(photos: Path) -> None:
    put(photos, "a/1.jpg", "a/b/2.jpg", "c/3.jpg")
    assert walked(photos, below=b"a") == {"a": ["1.jpg"], "a/b": ["2.jpg"]}


def test_places_that_are_never_entered(photos: Path) -> None:
    put(photos, "@eaDir/a.jpg", ".thumbnails/a.jpg", "$RECYCLE.BIN/a.jpg", "Cat.lrdata/a.jpg")
    put(photos, "System Volume Information/a.jpg", ".localsearch/thumb.jpg", "ok/a.jpg")
    put(photos, "My.photoslibrary/originals/1/a.heic", "My.photoslibrary/resources/a.jpg")
    put(photos, "My.photoslibrary/cover.jpg")
    put(photos, "store/catalog.sqlite", "store/thumbs.sqlite", "store/a.jpg", "store/packs/b.jpg")
    put(photos, "other/catalog.sqlite", "other/a.jpg")
    shown = {path: names for path, names in walked(photos).items() if names}
    assert shown == {
        "My.photoslibrary/originals/1": ["a.heic"],
        "ok": ["a.jpg"],
        "other": ["a.jpg"],
    }


def test_a_photos_library_as_root(tmp_path: Path) -> None:
    root = tmp_path / "Mine.photoslibrary"
    put(root, "originals/a.jpg", "resources/derivatives/a.jpg", "cover.jpg")
    assert [path for path, names in walked(root).items() if names] == ["originals"]


def test_user_rules_are_told_apart_from_missing(photos: Path) -> None:
    put(photos, "a.jpg", "b_edit.jpg", "private/c.jpg", "keep/private.jpg")
    found = folders(photos, "*_edit.jpg", "private/")
    assert [photo.name for photo in found[""].photos] == [b"a.jpg"]
    assert found[""].ignored == [b"b_edit.jpg"]
    assert found[""].ignored_folders == [b"private"]
    assert set(found) == {"", "keep"}


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links(photos: Path, tmp_path: Path) -> None:
    put(photos, "real/a.jpg")
    put(tmp_path / "outside", "b.jpg", "sub/c.jpg")
    (photos / "loop").symlink_to(photos)
    (photos / "twin").symlink_to(photos / "real")
    (photos / "up").symlink_to(tmp_path)
    (photos / "out").symlink_to(tmp_path / "outside")
    (photos / "out_again").symlink_to(tmp_path / "outside" / "sub")
    (tmp_path / "outside" / "back").symlink_to(photos)
    (tmp_path / "outside" / "self").symlink_to(tmp_path / "outside")
    (photos / "file.jpg").symlink_to(photos / "real" / "a.jpg")
    (photos / "gone.jpg").symlink_to(photos / "nowhere.jpg")
    assert walked(photos) == {
        "": ["file.jpg"],
        "out": ["b.jpg"],
        "out/sub": ["c.jpg"],
        "real": ["a.jpg"],
    }
    assert folders(photos)[""].other == {"unreadable": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
def test_names_that_are_no_unicode(photos: Path) -> None:
    names = [b"caf\xe9.jpg", b"new\nline.jpg", "a\u0308.jpg".encode(), "\u00e4.jpg".encode()]
    folder = os.fsencode(photos) + b"/\xff\xfe"
    os.mkdir(folder)  # noqa: PTH102
    for name in names:
        with open(folder + b"/" + name, "wb"):
            pass
    found = list(walk_folder(photos, Ignore()))
    assert found[1].path == b"\xff\xfe"
    assert [photo.name for photo in found[1].photos] == sorted(names)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_special_files_are_not_opened(photos: Path) -> None:
    os.mkfifo(photos / "pipe.jpg")
    os.mkfifo(photos / "pipe")
    assert folders(photos)[""].other == {"special": 2}


def test_folders_that_cannot_be_listed(photos: Path, tmp_path: Path) -> None:
    put(photos, "ok/a.jpg", "locked/b.jpg")

    def list_folder(path: bytes) -> Any:
        if path.endswith(b"locked"):
            raise PermissionError(13, "Permission denied")
        return os.scandir(path)

    found = folders(photos, list_folder=list_folder)
    assert found["locked"].error == "Permission denied"
    assert found["locked"].photos == []
    assert found["ok"].error is None
    absent = list(walk_folder(tmp_path / "absent", Ignore()))
    assert len(absent) == 1
    assert absent[0].path == b""
    assert absent[0].error


def test_placeholders_are_seen_and_never_opened(photos: Path, monkeypatch: Any) -> None:
    put(photos, "here.jpg", "away.jpg", "away_no_suffix", ".IMG_1.heic.icloud", ".x.icloud")

    class Entry:
        def __init__(self, real: Any) -> None:
            self._real, self.name, self.path = real, real.name, real.path
            self.is_dir, self.is_symlink = real.is_dir, real.is_symlink

        def stat(self, **_options: Any) -> Any:
            status = self._real.stat()
            away = 0x400000 if b"away" in self.name else 0
            fields = ("st_mode", "st_size", "st_mtime_ns")
            kept = {name: getattr(status, name) for name in fields}
            return SimpleNamespace(st_file_attributes=away, **kept)

    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("a placeholder was opened"))
    found = folders(photos, list_folder=lambda path: [Entry(e) for e in os.scandir(path)])
    seen = {photo.name: photo.placeholder for photo in found[""].photos}
    assert seen == {b"here.jpg": False, b"away.jpg": True, b"IMG_1.heic": True}
    assert found[""].other == {"unknown": 1, "hidden": 1}


def test_placeholder_flags() -> None:
    def status(**fields: int) -> Any:
        return SimpleNamespace(**fields)

    assert is_placeholder(status(st_file_attributes=0x1000))
    assert is_placeholder(status(st_file_attributes=0x40000))
    assert is_placeholder(status(st_flags=0x40000000))
    assert not is_placeholder(status(st_file_attributes=0x20, st_flags=0))
    assert not is_placeholder(status())
    assert stands_for(b".a.jpg.icloud") == b"a.jpg"
    assert stands_for(b"a.jpg") is None


@pytest.mark.parametrize(
    ("patterns", "path", "is_folder", "hidden"),
    [
        (["*.png"], b"a/b.png", False, True),
        (["*.png"], b"a/b.png.jpg", False, False),
        (["/*.png"], b"a/b.png", False, False),
        (["/*.png"], b"b.png", False, True),
        (["tmp/"], b"x/tmp", True, True),
        (["tmp/"], b"x/tmp", False, False),
        (["x/tmp"], b"x/tmp", True, True),
        (["x/tmp"], b"y/x/tmp", True, False),
        (["**/x/tmp"], b"y/x/tmp", True, True),
        (["a/**/z.jpg"], b"a/z.jpg", False, True),
        (["a/**/z.jpg"], b"a/b/c/z.jpg", False, True),
        (["a/**"], b"a/b/c.jpg", False, True),
        (["a/**"], b"a", True, False),
        (["img_?.jpg"], b"img_1.jpg", False, True),
        (["img_?.jpg"], b"img_12.jpg", False, False),
        (["img_[0-3].jpg"], b"img_2.jpg", False, True),
        (["img_[!0-3].jpg"], b"img_2.jpg", False, False),
        (["*.jpg", "!keep.jpg"], b"keep.jpg", False, False),
        (["!keep.jpg", "*.jpg"], b"keep.jpg", False, True),
        (["# *.jpg", "", "  "], b"a.jpg", False, False),
        ([r"\#a.jpg"], b"#a.jpg", False, True),
        ([r"\!a.jpg"], b"!a.jpg", False, True),
        (["a[b.jpg"], b"a[b.jpg", False, True),
        (["a.b+c$.jpg"], b"a.b+c$.jpg", False, True),
        (["*.JPG"], b"a.jpg", False, False),
        (["grün/"], "grün".encode(), True, True),
    ],
)
def test_user_patterns(patterns: list[str], path: bytes, is_folder: bool, hidden: bool) -> None:
    rule = Ignore(patterns).user_rule(path, is_folder)
    assert (rule is not None) is hidden
    assert rule is None or rule in patterns


def test_hides_looks_at_the_folders_above() -> None:
    ignore = Ignore(["private/"])
    assert ignore.hides(b"a/private/b/c.jpg") == "private/"
    assert ignore.ignored(b"a/private/b/c.jpg", False) is None
    assert ignore.hides(b".git/c.jpg") is not None
    assert ignore.hides(b"a/b.jpg") is None


@given(some.lists(some.text(max_size=12), max_size=4), some.binary(max_size=30))
def test_any_pattern_is_usable(patterns: list[str], path: bytes) -> None:
    rule = Ignore(patterns).user_rule(path, False)
    assert rule is None or rule in patterns


def test_the_walk_costs_no_decoder() -> None:
    code = (
        "import sys, localsearch.sources.walk, localsearch.sources.forms; "
        "sys.exit('PIL' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_suffixes() -> None:
    assert kind_of_suffix(".JPG") == "photo"
    assert kind_of_suffix(".hif") == "photo"
    assert kind_of_suffix(".mov") == "other"
    assert kind_of_suffix("") == kind_of_suffix(".qqq") == "unknown"
    suffixes = [suffix for form in FORMATS for suffix in form.suffixes]
    assert len(suffixes) == len(set(suffixes))
