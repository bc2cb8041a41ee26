"""Adding by hand: one input a file, whatever path names it; nothing lost by what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch.publish import plan
from localsearch.sync import adding
from localsearch.sync.placing import places_of, plain_path
from tests.make_library import ids_by_path, open_library, settle, settled, write_photo


def link(path: Path, target: Path) -> Path:
    try:
        path.symlink_to(target, target_is_directory=True)
    except OSError:  # Windows without the right to
        pytest.skip("no links can be made here")
    return path


def encoded(path: Path, seed: int) -> bytes:
    return write_photo(path, seed, size=(40, 32)).read_bytes()


def test_dots_and_links_lead_to_the_same_input(photos: Path, tmp_path: Path) -> None:
    one = write_photo(photos / "0.png", 0)
    write_photo(photos / "sub" / "1.png", 1)
    with open_library(photos) as library:
        library.sync()
        id = ids_by_path(library)["0.png"]
        alias = link(tmp_path / "alias", photos)
        paths = [photos / "sub" / ".." / "0.png", alias / "0.png", alias / "sub" / ".." / "0.png"]
        names: list[Path | str] = [one, *paths, *map(str, paths)]
        for name in names:
            assert library.add(name).id == id
            found = library.find(name)
            assert found is not None and found.id == id and found.path == one
        assert library.status().inputs == 2
        assert library.find(alias / "none.png") is None


def test_a_root_that_is_a_link_holds_the_files_it_leads_to(tmp_path: Path) -> None:
    one = write_photo(tmp_path / "real" / "sub" / "0.png", 0)
    alias = link(tmp_path / "alias", tmp_path / "real")
    with open_library(alias, store=tmp_path / "store") as library:
        assert library.roots()[0].path == alias
        first = library.add(one)
        assert library.get(first.id).relative_path == "sub/0.png"
        assert library.add(alias / "sub" / "0.png").id == first.id
        report = library.sync()
        assert (report.added, report.missing, library.status().inputs) == (0, 0, 1)


def test_links_inside_a_root(photos: Path, tmp_path: Path) -> None:
    """One that stays inside shows what lies elsewhere; one that leads out is followed."""
    write_photo(photos / "sub" / "0.png", 0)
    write_photo(tmp_path / "outside" / "1.png", 1)
    link(photos / "in", photos / "sub")
    link(photos / "out", tmp_path / "outside")
    with open_library(photos, store=tmp_path / "store") as library:
        library.add(photos / "in" / "0.png")
        library.add(photos / "out" / "1.png")
        assert sorted(ids_by_path(library)) == ["out/1.png", "sub/0.png"]
        report = library.sync()
        assert (report.added, report.missing, report.unchanged) == (0, 0, 2)


def test_a_file_outside_every_root_is_one_input(photos: Path, tmp_path: Path) -> None:
    one = write_photo(tmp_path / "outside" / "0.png", 0)
    alias = link(tmp_path / "alias", tmp_path / "outside")
    with open_library(photos) as library:
        first = library.add(alias / "0.png")
        assert library.add(one).id == first.id
        assert library.add(tmp_path / "outside" / "no" / ".." / "0.png").state == "unreadable"
        found = library.find(alias / "0.png")
        assert found is not None and found.id == first.id and found.path == one


def test_dots_after_a_link_are_followed(tmp_path: Path) -> None:
    (tmp_path / "far" / "sub").mkdir(parents=True)
    (tmp_path / "near").mkdir()
    alias = link(tmp_path / "near" / "alias", tmp_path / "far" / "sub")
    assert plain_path(alias / ".." / "0.png") == (tmp_path / "far").resolve() / "0.png"
    assert plain_path(tmp_path / "near" / "x" / ".." / "0.png") == tmp_path / "near" / "0.png"
    assert plain_path("~nobody-of-that-name/0.png").is_absolute()
    assert places_of([(1, tmp_path)], tmp_path / "a\0b")  # no fault of the system


@pytest.mark.parametrize(
    "name", [".h.png", "@eaDir/0.png", "sub/.x/0.png", "raw/0.png", "kept.bin", "notes.txt"]
)
def test_what_a_walk_hides_stays_added(photos: Path, tmp_path: Path, name: str) -> None:
    picture = write_photo(tmp_path / "picture.png", 3)
    write_photo(photos / "0.png", 0)
    hidden = photos / name
    hidden.parent.mkdir(parents=True, exist_ok=True)
    hidden.write_bytes(picture.read_bytes())
    settle(hidden)
    with open_library(photos) as library:
        library.add_root(photos, ignore=["raw/", "*.bin"])
        library.sync()
        added = library.add(hidden, id="mine")
        assert added.state == "ok"
        for _ in range(2):
            report = library.sync()
            assert (report.missing, report.offline) == (0, 0)
        kept = library.get("mine")
        assert (kept.state, kept.path, kept.root) == ("ok", hidden, None)
        assert library.add(hidden).id == "mine"
        found = library.find(hidden)
        assert found is not None and found.id == "mine"


def test_an_input_moves_to_where_the_rules_let_it_stay(photos: Path) -> None:
    """Ignored later it is missing; added again it is kept outside, and inside when shown again."""
    one = write_photo(photos / "raw" / "0.png", 0)
    for n in range(1, 8):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos) as library:
        library.sync()
        id = ids_by_path(library)["raw/0.png"]
        library.tag(id, "pet")
        library.add_root(photos, ignore="raw/")
        library.sync()
        assert library.get(id).state == "missing"
        assert library.add(one).id == id
        library.sync()
        assert (library.get(id).state, library.get(id).root) == ("ok", None)
        library.add_root(photos, ignore=())
        assert library.add(one).id == id
        kept = library.get(id)
        assert (kept.relative_path, kept.tags) == ("raw/0.png", {"pet": True})
        assert library.sync().added == 0 and library.status().inputs == 8


@pytest.mark.parametrize("wrong", ["source", "base64", "twice", "arguments", "raises", "tag"])
def test_what_comes_before_a_wrong_item_is_added(tmp_path: Path, photos: Path, wrong: str) -> None:
    pngs = [encoded(tmp_path / f"{n}.png", n) for n in range(3)]
    item: Any = {
        "source": 5,
        "base64": {"base64": "%%%"},
        "twice": {"data": pngs[2], "id": "0"},
        "arguments": {"data": "text"},
        "raises": None,
        "tag": {"data": pngs[2], "tags": ["\x07"]},
    }[wrong]

    def sources() -> Iterator[Any]:
        for n in range(2):
            yield {"data": pngs[n], "id": str(n)}
        if wrong == "raises":
            raise KeyError("of the caller")
        yield item
        yield pngs[2]

    with open_library(photos) as library:
        got = []
        with pytest.raises(KeyError if wrong == "raises" else ls.InputError):
            for one in library.add_many(sources()):
                got.append(one.id)
                assert library.get(one.id).state == "ok"  # committed before it is given
        assert got == ["0", "1"]
        assert [one.id for one in library.inputs()] == ["0", "1"]


def test_adding_publishes(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long tail becomes a segment, also by single adds and when nobody asks for the rest."""
    monkeypatch.setattr(plan, "FULL", 4)
    monkeypatch.setattr(adding, "WINDOW", 4)
    pngs = [encoded(tmp_path / f"{n}.png", n) for n in range(12)]
    with open_library(photos) as library:
        for data in pngs[:4]:
            library.add(data)
        assert (settled(library).status().segments, library.status().tail) == (1, 0)
        many = library.add_many(pngs[4:])
        next(many)
        assert settled(library).status().segments == 2
        assert library.search(ls.like(data=pngs[0])).total == 8
        many.close()  # type: ignore[attr-defined]
        assert library.status().inputs == 8


def test_a_file_that_is_known_takes_what_is_said_of_it(photos: Path) -> None:
    one = write_photo(photos / "0.png", 0)
    with open_library(photos) as library:
        library.sync()
        first = library.add(one, source_url="https://example.org/0", metadata={"a": 1})
        kept = library.get(first.id)
        assert (kept.source_url, kept.metadata) == ("https://example.org/0", {"a": 1})
        library.add(one)
        assert library.get(first.id) == kept
        library.add(one, metadata={})
        assert library.get(first.id).metadata == {}
        with pytest.raises(ls.InputError, match=first.id):
            library.add(one, id="other", source_url="https://example.org/1")
        assert library.get(first.id).source_url == "https://example.org/0"


def test_a_stop_ends_adding_within_a_window(photos: Path, tmp_path: Path) -> None:
    data = encoded(tmp_path / "0.png", 0)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with open_library(photos) as library:
        assert len([*library.add_many([data] * 9, stop=stop)]) == 3
        assert library.status().inputs == 3


def test_paths_as_bytes_of_the_system_are_paths(photos: Path) -> None:
    one = write_photo(photos / "0.png", 0)
    with open_library(photos) as library:
        library.sync()
        with os.scandir(os.fsencode(photos)) as entries:
            entry = next(entry for entry in entries if entry.name == b"0.png")
            added = library.add(entry)
        assert library.get(added.id).path == one and library.status().inputs == 1
