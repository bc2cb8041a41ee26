"""Arguments that cannot be used are told in our words; those of numpy and single ones are taken."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localsearch as ls
from localsearch.library import arguments
from tests.make_library import open_library, write_photo

Call = Callable[[ls.Library, str, bytes], Any]

# What is called with (library, id of a photo, encoded picture), and what the message speaks of.
UNUSABLE: tuple[tuple[str, Call], ...] = (
    ("id is", lambda lib, one, png: lib.add(png, id=5)),  # type: ignore[arg-type]
    ("metadata", lambda lib, one, png: lib.add(png, metadata=[1])),  # type: ignore[arg-type]
    ("metadata", lambda lib, one, png: lib.add(png, metadata=[])),  # type: ignore[arg-type]
    ("metadata", lambda lib, one, png: lib.add(png, metadata="x")),  # type: ignore[arg-type]
    ("metadata", lambda lib, one, png: lib.add(png, metadata={"a": float("nan")})),
    ("tags", lambda lib, one, png: lib.add(png, tags=5)),  # type: ignore[arg-type]
    ("tag's name", lambda lib, one, png: lib.add(png, tags=[5])),  # type: ignore[list-item]
    ("True or False", lambda lib, one, png: lib.add(png, tags={"a": None})),
    ("True or False", lambda lib, one, png: lib.add(png, tags={"a": "no"})),
    ("source_url", lambda lib, one, png: lib.add(png, source_url=5)),  # type: ignore[arg-type]
    ("data is the bytes", lambda lib, one, png: lib.add(data="abc")),  # type: ignore[arg-type]
    ("base64", lambda lib, one, png: lib.add(base64=5)),  # type: ignore[arg-type]
    ("exactly one", lambda lib, one, png: lib.add(png, data=png)),
    ("takes no colour", lambda lib, one, png: list(lib.add_many([{"colour": 1}]))),
    ("sources", lambda lib, one, png: lib.add_many(None)),  # type: ignore[arg-type]
    ("sources", lambda lib, one, png: lib.add_many("a.png")),
    ("stop", lambda lib, one, png: lib.add_many([], stop=True)),  # type: ignore[arg-type]
    ("source_url", lambda lib, one, png: lib.update(one, source_url=5)),  # type: ignore[arg-type]
    ("metadata", lambda lib, one, png: lib.update(one, metadata=[1])),  # type: ignore[arg-type]
    ("id is", lambda lib, one, png: lib.update(5)),  # type: ignore[arg-type]
    ("tag's name", lambda lib, one, png: lib.tag(one, None)),  # type: ignore[arg-type]
    ("value is", lambda lib, one, png: lib.tag(one, "z", "yes")),  # type: ignore[arg-type]
    ("ids is", lambda lib, one, png: lib.tag(None, "a")),  # type: ignore[arg-type]
    ("item of ids", lambda lib, one, png: lib.tag([5], "a")),  # type: ignore[list-item]
    ("tag's name", lambda lib, one, png: lib.untag(one, None)),  # type: ignore[arg-type]
    ("ids is", lambda lib, one, png: lib.remove(None)),  # type: ignore[arg-type]
    ("ids is", lambda lib, one, png: lib.purge(5)),  # type: ignore[arg-type]
    ("missing is", lambda lib, one, png: lib.purge(missing="no")),  # type: ignore[arg-type]
    ("id is", lambda lib, one, png: lib.get([1])),  # type: ignore[arg-type]
    ("limit", lambda lib, one, png: lib.predict(png, limit="a")),  # type: ignore[arg-type]
    ("at_least", lambda lib, one, png: lib.predict(png, at_least=2)),
    ("data is the bytes", lambda lib, one, png: lib.predict(data="x")),  # type: ignore[arg-type]
    ("path is", lambda lib, one, png: lib.find(None)),  # type: ignore[arg-type]
    ("path is", lambda lib, one, png: lib.find("\ud800.png")),
    ("path is", lambda lib, one, png: lib.add_root(None)),  # type: ignore[arg-type]
    ("path is", lambda lib, one, png: lib.add_root("a\0b")),
    ("prefix", lambda lib, one, png: lib.concepts(None)),  # type: ignore[arg-type]
    ("ids are", lambda lib, one, png: ls.ids(None)),  # type: ignore[arg-type]
    ("an id is", lambda lib, one, png: ls.ids([5])),  # type: ignore[list-item]
    ("threads", lambda lib, one, png: lib.sync(threads="a")),  # type: ignore[arg-type]
    ("threads", lambda lib, one, png: lib.sync(threads=1.5)),  # type: ignore[arg-type]
    ("threads", lambda lib, one, png: lib.sync(threads=0)),
    ("threads", lambda lib, one, png: lib.sync(threads=-1)),
    ("stop", lambda lib, one, png: lib.sync(stop=True)),  # type: ignore[arg-type]
    ("progress", lambda lib, one, png: lib.sync(progress=5)),  # type: ignore[arg-type]
    ("item of paths", lambda lib, one, png: lib.sync(paths=[5])),  # type: ignore[list-item]
    ("allow_removals", lambda lib, one, png: lib.sync(allow_removals="no")),  # type: ignore[arg-type]
    ("roots", lambda lib, one, png: lib.sync(roots=5)),  # type: ignore[arg-type]
    ("undecodable", lambda lib, one, png: lib.inputs("bogus")),
    ("query", lambda lib, one, png: lib.search(None)),  # type: ignore[arg-type]
    ("query", lambda lib, one, png: lib.scan(None)),  # type: ignore[arg-type]
    ("limit", lambda lib, one, png: lib.search("red", limit=True)),
    ("min_score", lambda lib, one, png: lib.search("red", min_score="1")),  # type: ignore[arg-type]
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arguments") / "photos"
    write_photo(folder / "0.png", 0)
    return folder


@pytest.fixture(scope="module")
def library(place: Path) -> Iterator[ls.Library]:
    with open_library(place) as library:
        library.sync()
        yield library


@pytest.mark.parametrize(("told", "call"), UNUSABLE, ids=[str(n) for n in range(len(UNUSABLE))])
def test_what_cannot_be_used_is_told(
    library: ls.Library, place: Path, told: str, call: Call
) -> None:
    before = library.status()
    one, png = next(library.inputs()), (place / "0.png").read_bytes()
    with pytest.raises(ls.InputError, match=re.escape(told)):
        call(library, one.id, png)
    after = library.status()
    assert (after.inputs, after.ok) == (before.inputs, before.ok)
    assert library.get(one.id) == one


def test_numbers_of_numpy_are_numbers(library: ls.Library, place: Path) -> None:
    page = library.search("red", limit=np.int64(1), page=np.int32(1), min_score=np.float32(0.0))  # type: ignore[arg-type]
    assert len(page) == 1
    assert library.predict(place / "0.png", limit=np.int64(2), at_least=np.float32(0)) != ()  # type: ignore[arg-type]
    assert ls.concept("red", at_least=np.float32(0.5)) == ls.concept("red", at_least=0.5)  # type: ignore[arg-type]
    assert ls.like("a.png", min_score=np.float64(0.5)) == ls.like("a.png", min_score=0.5)


def test_one_pattern_is_not_taken_for_its_letters(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    write_photo(folder / "a.png", 1)
    write_photo(folder / "b.tmp", 2)
    with ls.open(store=tmp_path / "store", pack=_pack()) as library:
        assert library.add_root(folder, ignore="*.tmp").ignore == ("*.tmp",)
        assert library.sync().added == 1
        assert library.add_root(folder, ignore=["*.a", "*.b"]).ignore == ("*.a", "*.b")
        for wrong in (5, [5], b"*.tmp", "[z-a].png"):
            with pytest.raises(ls.InputError, match="ignore"):
                library.add_root(folder, ignore=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a/b", "a\nb", "\x1b[31m", " ", "", "\ud800", 5])
def test_names_that_no_root_can_have(tmp_path: Path, name: Any) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    with ls.open(store=tmp_path / "store", pack=_pack()) as library:
        with pytest.raises(ls.InputError, match="name"):
            library.add_root(folder, name)
        assert library.roots() == ()


def test_a_single_path_or_root_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    first = write_photo(folder / "a.png", 1)
    second = write_photo(folder / "b.png", 2)
    write_photo(folder / "c.png", 3)
    with open_library(folder) as library:
        assert library.sync(paths=str(first)).added == 1
        assert library.sync(paths=second).added == 1
        assert library.estimate(roots="photos").added == 1
        assert library.sync(roots="photos").added == 1


def test_a_stop_of_any_kind_is_asked(library: ls.Library) -> None:
    class Flag:
        def is_set(self) -> bool:
            return True

    told = [arguments.stop(flag) for flag in (threading.Event(), Flag(), lambda: True)]
    assert [ask is not None and ask() for ask in told] == [False, True, True]
    assert not arguments.stop(None)()
    assert library.sync(stop=Flag()).stopped  # type: ignore[arg-type]


def test_a_scan_complains_at_the_call(library: ls.Library) -> None:
    with pytest.raises(ls.QueryUnknownConcept):
        library.scan("bogus")
    with pytest.raises(ls.PictureError):
        library.scan(ls.like(data=b"no picture"))
    assert [hit.id for hit in library.scan("red")] == [next(library.inputs()).id]


def test_nothing_more_comes_after_close(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for n in range(3):
        write_photo(folder / f"{n}.png", 12 * n)
    library = open_library(folder)
    library.sync()
    streams = [library.inputs(), library.scan("red"), library.add_many([b"x", b"y"])]
    for stream in streams:
        next(stream)
    fresh = [library.inputs(), library.failures(), library.scan("red"), library.add_many([b"x"])]
    library.close()
    for stream in (*streams, *fresh[:1], *fresh[2:]):
        with pytest.raises(ls.LibraryClosed):
            next(stream)
    for call in (library.inputs, library.failures, library.status, lambda: library.scan("red")):
        with pytest.raises(ls.LibraryClosed):
            call()


def test_a_closed_handle_is_closed_before_it_is_read_only(tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / "0.png", 0)
    open_library(tmp_path / "photos").close()
    reader = open_library(tmp_path / "photos", read_only=True)
    with pytest.raises(ls.LibraryReadOnly):
        reader.sync()
    reader.close()
    with pytest.raises(ls.LibraryClosed):
        reader.sync()


def test_a_file_object_can_be_searched_twice(library: ls.Library, place: Path) -> None:
    with (place / "0.png").open("rb") as file:
        term = ls.like(file)
    for _ in range(2):
        assert [hit.score for hit in library.search(term)] == [1.0]
    data = (place / "0.png").read_bytes()
    assert ls.like(io.BytesIO(data)) == ls.like(data=data)
    with pytest.raises(ls.InputError, match="bytes"):
        ls.like(io.StringIO("text"))
    with pytest.raises(ls.InputError, match="exactly one"):
        ls.like(io.BytesIO(data), id="x")
    with pytest.raises(ls.InputError, match="data"):
        ls.like(data="text")  # type: ignore[arg-type]


def test_a_picture_that_failed_is_told_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    whole = write_photo(folder / "0.png", 0).read_bytes()
    with open_library(folder) as library:
        library.sync()
        bad = library.add(whole[:60], id="bad")
        assert bad.state == "undecodable"
        for call in (lambda: library.search(ls.like(id="bad")), lambda: library.predict(id="bad")):
            with pytest.raises(ls.PictureError, match=re.escape(bad.reason)) as caught:
                call()
            assert caught.value.state == "undecodable"
        with pytest.raises(ls.LibraryMissing, match="nobody"):
            library.search(ls.like(id="nobody"))


def test_an_input_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write_photo(folder / "0.png", 0)
    with open_library(folder) as library:
        library.sync()
        one = next(library.inputs()).id
        assert library.remove([one, one]) == 1
        assert library.remove(one) == 0
        assert library.restore(iter([one, one])) == 1
        assert library.purge([one, one]) == 1


def test_white_space_of_tags_is_the_same_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write_photo(folder / "0.png", 0)
    with open_library(folder) as library:
        library.sync()
        one = next(library.inputs()).id
        library.tag(one, "  red \t car ")
        assert library.get(one).tags == {"red car": True}
        assert library.search(ls.tag("red   car")).total == 1
        library.untag(one, "red  car")
        assert library.get(one).tags == {}
        added = library.add(folder / "0.png", tags={" my\n dog ": False})
        assert added.id == one and library.get(one).tags == {"my dog": False}
        library.add(folder / "0.png", tags=" one  word")
        assert library.get(one).tags == {"my dog": False, "one word": True}


def _pack() -> str:
    from tests.tiny_pack import tiny_pack_folder

    return str(tiny_pack_folder())
