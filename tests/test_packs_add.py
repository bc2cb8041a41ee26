"""Packs that are added from a folder or a zip, and removed; the commands around them."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch import packs
from localsearch.cli import main
from localsearch.pack import find
from localsearch.packs import own
from tests import hub as hubs
from tests.packs.clip_pack import clip_pack_folder
from tests.tiny_pack import make_tiny_pack, tiny_pack_folder

Run = Callable[..., Any]
LINKS = pytest.mark.skipif(os.name == "nt", reason="links need a right that few have on Windows")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own packs, none yet, and a house with one pack that came along."""
    own_packs, house = tmp_path / "user" / "packs", tmp_path / "house"
    shutil.copytree(tiny_pack_folder(text=False), house / "tiny")
    monkeypatch.setattr(find, "pack_places", lambda: (own_packs, house))
    return own_packs


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A pack of a name that nothing has yet."""
    return Path(shutil.copytree(clip_pack_folder(), tmp_path / "source"))


@pytest.fixture
def name(source: Path) -> str:
    return packs.show_pack(source).name


def zipped(folder: Path, target: Path, top: str = "", **more: bytes) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(folder.iterdir()):
            archive.write(one, top + one.name)
        for other, data in more.items():
            archive.writestr(other, data)
    return target


def left(place: Path) -> list[str]:
    """What lies in the user's packs, but for locks and empty folders."""
    found = [one for one in place.rglob("*") if not one.is_dir() and one.suffix != ".lock"]
    return sorted(one.relative_to(place).as_posix() for one in found)


@pytest.mark.parametrize("form", ["folder", "zip", "zip of the folder"])
def test_a_pack_is_added_and_can_be_used(
    form: str, place: Path, source: Path, name: str, tmp_path: Path
) -> None:
    (source / "MODEL_CARD.md").write_text("# A card\n", encoding="utf-8")
    (source / "notes.txt").write_text("not of the pack", encoding="utf-8")
    path = source
    if form != "folder":
        path = zipped(source, tmp_path / "pack.zip", "model/" if "of" in form else "")
    told: list[ls.Progress] = []
    added, already = packs.add_pack(path, progress=told.append)
    assert (added.name, added.folder, already) == (name, place / name, False)
    assert added.yours and added.text == "network" and added.classes == 0
    wanted = {f"{name}/{one}" for one in (*find.load_pack(source).manifest.files, "pack.toml")}
    assert set(left(place)) == wanted | {f"{name}/MODEL_CARD.md"}
    assert packs.verify_pack(name).pack_digest == packs.verify_pack(source).pack_digest
    assert packs.add_pack(path)[1]
    assert all(one.done <= one.total for one in told)


@LINKS
def test_a_link_to_files_is_followed_and_never_kept(
    place: Path, source: Path, name: str, tmp_path: Path
) -> None:
    """As a hub's cache has them: names that are links to contents."""
    links = tmp_path / "links"
    links.mkdir()
    for one in source.iterdir():
        (links / one.name).symlink_to(one)
    packs.add_pack(links)
    assert not [one for one in (place / name).iterdir() if one.is_symlink()]


def test_a_zip_places_nothing_anywhere_else(
    place: Path, source: Path, name: str, tmp_path: Path
) -> None:
    evil = {
        "../escaped.txt": b"x",
        "/tmp/escaped-localsearch.txt": b"x",
        "a/../../escaped.txt": b"x",
        "C:\\escaped.txt": b"x",
    }
    path = zipped(source, tmp_path / "evil.zip")
    with zipfile.ZipFile(path, "a") as archive:
        for member, data in evil.items():
            archive.writestr(member, data)
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    packs.add_pack(path)
    assert all(one.startswith(f"{name}/") for one in left(place))
    assert not list(tmp_path.rglob("*escaped*"))
    assert not Path("/tmp/escaped-localsearch.txt").exists()


def test_a_manifest_cannot_name_a_file_elsewhere(place: Path, source: Path) -> None:
    manifest = source / "pack.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("concepts.tsv", "../concepts.tsv"), encoding="utf-8")
    with pytest.raises(ls.PackDamaged):
        packs.add_pack(source)
    assert left(place) == []


def lengthened(folder: Path) -> None:
    with (folder / "concepts.tsv").open("ab") as file:
        file.write(b"x")


def flipped(folder: Path) -> None:
    data = bytearray((folder / "concepts.tsv").read_bytes())
    data[-3] ^= 1
    (folder / "concepts.tsv").write_bytes(data)


def without(folder: Path) -> None:
    (folder / "concepts.tsv").unlink()


def folder_instead(folder: Path) -> None:
    without(folder)
    (folder / "concepts.tsv").mkdir()


@pytest.mark.parametrize("damage", [lengthened, flipped, without, folder_instead])
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_damaged_pack_is_refused_and_leaves_nothing(
    form: str, damage: Callable[[Path], None], place: Path, source: Path, tmp_path: Path
) -> None:
    damage(source)
    path = source if form == "folder" else zipped(source, tmp_path / "pack.zip")
    with pytest.raises(ls.PackDamaged, match=r"concepts\.tsv"):
        packs.add_pack(path)
    assert left(place) == []


def test_a_bomb_is_no_larger_than_its_manifest_says(
    place: Path, source: Path, tmp_path: Path
) -> None:
    """A member that unpacks to more than the zip tells of it, and one that tells it."""
    honest = zipped(source, tmp_path / "honest.zip")
    with zipfile.ZipFile(honest, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50 << 20))
    packs.add_pack(honest)
    assert sum(one.stat().st_size for one in place.rglob("*") if one.is_file()) < 5 << 20
    shutil.rmtree(place)
    liar = tmp_path / "liar.zip"
    with zipfile.ZipFile(liar, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in source.iterdir():
            data = one.read_bytes()
            archive.writestr(one.name, data + bytes(9 << 20) if one.suffix == ".tsv" else data)
    length = (source / "concepts.tsv").stat().st_size
    told = (length + (9 << 20)).to_bytes(4, "little")
    liar.write_bytes(liar.read_bytes().replace(told, length.to_bytes(4, "little")))
    with pytest.raises(ls.PackDamaged):
        packs.add_pack(liar)
    assert left(place) == []


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def turned(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 255
    path.write_bytes(data)


def text_instead(path: Path) -> None:
    path.write_text("no zip", encoding="utf-8")


@pytest.mark.parametrize("damage", [cut_short, turned, text_instead])
def test_a_broken_zip_is_an_error_of_the_house(
    damage: Callable[[Path], None], place: Path, source: Path, tmp_path: Path
) -> None:
    path = zipped(source, tmp_path / "pack.zip")
    damage(path)
    with pytest.raises((ls.InputError, ls.PackDamaged)):
        packs.add_pack(path)
    assert left(place) == []


def test_what_is_no_pack_is_told(place: Path, tmp_path: Path, source: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ls.InputError, match=r"pack\.toml is absent"):
        packs.add_pack(empty)
    with pytest.raises(ls.InputError, match="neither"):
        packs.add_pack(tmp_path / "nothing")
    with pytest.raises(ls.InputError, match="no packs at its top"):
        packs.add_pack(zipped(empty, tmp_path / "empty.zip"))
    both = zipped(source, tmp_path / "both.zip", "a/")
    with zipfile.ZipFile(both, "a") as archive:
        archive.write(source / "pack.toml", "b/pack.toml")
    with pytest.raises(ls.InputError, match="2 packs"):
        packs.add_pack(both)
    twice = zipped(source, tmp_path / "twice.zip")
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning):
        archive.write(source / "concepts.tsv", "concepts.tsv")
    with pytest.raises(ls.PackDamaged, match="twice"):
        packs.add_pack(twice)
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ls.InputError):
            packs.add_pack(tmp_path / "pipe")


def test_a_pack_that_came_along_is_hidden_only_if_it_is_said(place: Path) -> None:
    newer = tiny_pack_folder()
    with pytest.raises(ls.PackError, match="another pack is called tiny") as caught:
        packs.add_pack(newer)
    assert "hides" in caught.value.hint
    added, _ = packs.add_pack(newer, replace=True)
    assert packs.show_pack("tiny").folder == added.folder == place / "tiny"
    packs.remove_pack("tiny")
    assert packs.show_pack("tiny").folder.parent.name == "house"


def test_a_name_that_is_none_is_refused(place: Path, tmp_path: Path) -> None:
    from tests.packs.clip_pack import make_clip_pack

    for bad in ("Big", ".hidden", "a b", "a/b", "..", "x" * 99):
        folder = make_clip_pack(tmp_path / "bad", name=bad)
        with pytest.raises(ls.InputError, match="no name of a pack"):
            packs.add_pack(folder)
    assert left(place) == []


def test_a_full_disk_is_told_before_anything_is_copied(
    place: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localsearch.packs.standing.free_bytes", lambda path: 1000)
    with pytest.raises(ls.LibraryFull, match="bytes more"):
        packs.add_pack(source)
    assert left(place) == []


def test_a_stop_leaves_nothing(place: Path, source: Path) -> None:
    import threading

    stop = threading.Event()
    stop.set()
    with pytest.raises(ls.Cancelled):
        packs.add_pack(source, stop=stop)
    assert left(place) == []


def test_only_packs_of_ones_own_are_removed(place: Path, source: Path, name: str) -> None:
    packs.add_pack(source)
    assert packs.removable(name).bytes == sum(
        one.stat().st_size for one in (place / name).iterdir()
    )
    packs.remove_pack(name)
    assert left(place) == []
    with pytest.raises(ls.PackMissing):
        packs.remove_pack(name)
    with pytest.raises(ls.PackError, match="came with localsearch"):
        packs.remove_pack("tiny")
    with pytest.raises(ls.InputError):
        packs.remove_pack("../house/tiny")
    assert packs.verify_pack("tiny")


@LINKS
def test_of_a_link_only_the_link_goes(place: Path, source: Path, name: str) -> None:
    place.mkdir(parents=True)
    (place / name).symlink_to(source)
    packs.remove_pack(name)
    assert left(place) == []
    assert packs.verify_pack(source)


def test_what_began_to_come_can_be_removed(place: Path) -> None:
    part = own.coming_folder("clip-large", "0" * 16)
    (part / "image.onnx.part").write_bytes(b"12345")
    with pytest.raises(ls.PackMissing):
        packs.removable("clip")
    assert packs.removable("clip-large").bytes == 5
    packs.remove_pack("clip-large")
    assert left(place) == []


def test_the_commands(
    place: Path,
    source: Path,
    name: str,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("packs", "add", str(source))["already"] is False
    shown = run("packs", "show", name)["pack"]
    assert shown["yours"] is True and shown["text"] == "network"
    assert main.run(["packs", "show", name]) == 0
    assert "zero-shot" in capsys.readouterr().out
    ls.init(photos, pack=name).close()
    monkeypatch.chdir(photos)
    refused = run("packs", "remove", name, code=2)["error"]
    assert "uses it" in refused["message"] and refused["hint"] == "give --yes"
    removed = run("packs", "remove", name, "--yes")["removed"]
    assert removed["roles"] == ["active"]
    assert name not in [one["name"] for one in run("packs")["packs"]]


def test_a_pull_shows_its_licence_and_asks(
    place: Path,
    source: Path,
    name: str,
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with hubs.hub() as hub:
        hub.hold(source)
        catalogue = str(hubs.catalogue(tmp_path / "c.toml", source, hub.base, name))
        listed = run("packs", "list", "--available", "--catalogue", catalogue)["catalogue"]
        assert [one["name"] for one in listed] == [name]
        assert run("packs", "pull", name, "--catalogue", catalogue, code=2)["error"]["hint"]
        assert hub.asked == []
        assert main.run(["packs", "pull", name, "--catalogue", catalogue, "--yes"]) == 0
        told = capsys.readouterr()
        assert "licence     CC0-1.0" in told.err and "came whole" in told.out
        again = run("packs", "pull", name, "--catalogue", catalogue)
        assert again["already"] is True and again["fetched"] == 0
    assert main.run(["packs", "list", "--available", "--catalogue", catalogue]) == 0
    assert "is here" in capsys.readouterr().out


def test_the_catalogue_that_comes_along_is_sound(run: Run) -> None:
    entries = packs.read_catalogue()
    assert len(entries) >= 4
    for entry in entries.values():
        assert entry.licence in {"MIT", "Apache-2.0"}
        assert entry.export and entry.source.startswith("https://")
        assert entry.training_terms
    assert [one["name"] for one in run("packs", "list", "--available")["catalogue"]] == list(
        entries
    )
    unknown = run("packs", "pull", "clip-nonsense", code=6)["error"]
    assert all(name in unknown["hint"] for name in entries)


def test_an_entry_without_files_tells_how_to_make_the_pack(run: Run) -> None:
    without_files = [one for one in packs.read_catalogue().values() if not one.files]
    for entry in without_files:
        error = run("packs", "pull", entry.name, code=6)["error"]
        assert f"packs export {entry.export}" in error["hint"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format = 1", "format = 2"),
        ("format = 1", ""),
        ('name = "pack.toml"', 'name = "../pack.toml"'),
        ('name = "pack.toml"', 'name = "pack.tom"'),
        ("bytes = ", "bytes = -"),
        ('sha256 = "', 'sha256 = "x'),
        ("https://hub.example/a", "http://hub.example/a"),
        ('licence = "', 'licenses = "'),
        ("[packs.tiny]", "[packs.Tiny]"),
        ('pack_digest = "', 'pack_digest = "x'),
        ("[", "[["),
    ],
)
def test_a_wrong_catalogue_is_told(old: str, new: str, tmp_path: Path) -> None:
    pack = make_tiny_pack(tmp_path / "pack")
    file = hubs.catalogue(tmp_path / "c.toml", pack, "https://hub.example/a")
    assert packs.read_catalogue(file)["tiny"].files
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ls.PackError, match=r"c\.toml"):
        packs.read_catalogue(file)


def test_an_entry_is_made_of_a_pack_and_pulls_it(
    place: Path, source: Path, name: str, tmp_path: Path
) -> None:
    from weights.catalogue import checked, entry_text

    with hubs.hub() as hub:
        hub.hold(source)
        text = entry_text(source, hub.base + "/", "TINY --pretrained none")
        checked(text, tmp_path / "catalogue.toml")
        done = packs.pull_pack(name, catalogue=tmp_path / "catalogue.toml")
    assert done.pack.pack_digest == packs.show_pack(source).pack_digest
    entry = packs.read_catalogue(tmp_path / "catalogue.toml")[name]
    assert entry.export == "TINY --pretrained none" and entry.licence == done.pack.licence
