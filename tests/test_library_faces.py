"""What faces of the library ask of it: many inputs at once, URLs, pages, notes, whole edits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import localsearch as ls
from tests.make_library import open_library, write_photo
from tests.tiny_pack import make_photo


@pytest.fixture
def library(photos: Path) -> Iterator[ls.Library]:
    for n in range(5):
        write_photo(photos / f"{n}.png", n)
    with open_library(photos) as opened:
        opened.sync()
        yield opened


def names(inputs: list[ls.Input]) -> list[str | None]:
    return [one.relative_path for one in inputs]


def test_many_inputs_in_one_read(library: ls.Library) -> None:
    ids = [one.id for one in library.inputs()]
    assert [one.id for one in library.get_many([ids[3], "none", ids[0], ids[3]])] == [
        ids[3],
        ids[0],
    ]
    assert library.get_many([]) == [] and library.get_many(ids[1])[0].id == ids[1]
    with pytest.raises(ls.InputError):
        library.get_many([7])  # type: ignore[list-item]


def test_pages_of_inputs_leave_out_what_is_hidden(library: ls.Library, photos: Path) -> None:
    found = {one.relative_path: one.id for one in library.inputs()}
    library.remove(found["1.png"])
    (photos / "3.png").unlink()
    library.sync(paths=[photos / "3.png"])
    (photos / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    library.sync(paths=[photos / "bad.png"])
    pages = [names(library.listed(page=n, limit=2)) for n in (1, 2, 3)]
    kept = [name for name in names([*library.inputs()]) if name != "3.png"]
    assert pages == [kept[:2], kept[2:], []] and {*kept} == {"0.png", "2.png", "4.png", "bad.png"}
    assert library.listed(page=10**9) == []


def test_by_source_url(library: ls.Library) -> None:
    first = next(library.inputs()).id
    library.update(first, source_url="http://x/a")
    added = library.add(make_photo(9, (40, 40)), source_url="http://x/a").id
    assert [one.id for one in library.with_source("http://x/a")] == [first, added]
    library.remove(first)
    assert [one.removed for one in library.with_source("http://x/a")] == [True, False]
    assert library.with_source("http://x/A") == [] == library.with_source("\ud800")
    with library._inner.truth.catalog.reading() as conn:
        sql = "EXPLAIN QUERY PLAN SELECT row FROM inputs WHERE source_url = ?"
        assert "inputs_source" in str(conn.execute(sql, ("x",)).fetchall())


def test_an_edit_is_whole_or_nothing(library: ls.Library) -> None:
    one, other, *_ = library.inputs()
    library.tag(one.id, "old")
    done = library.update(
        one.id,
        metadata={"a": 1},
        source_url="http://x",
        place=(46.05, 14.5),
        tags={"old": None, "new": True, "not": False, "never": None},
        new_id="mine",
    )
    assert (done.id, done.tags, dict(done.metadata)) == (
        "mine",
        {"new": True, "not": False},
        {"a": 1},
    )
    assert (done.lat, done.lon, done.source_url) == (46.05, 14.5, "http://x")
    assert done.created_at == one.created_at and done.modified_at > one.modified_at
    assert [hit.id for hit in library.search(ls.near(lat=46, lon=14.5, km=10))] == ["mine"]
    with pytest.raises(ls.InputError):
        library.update("mine", tags={"new": None}, metadata={"b": 1}, new_id=other.id)
    assert library.get("mine") == done
    for wrong in ({"place": (91, 0)}, {"place": (0,)}, {"place": (0, "x")}, {"tags": ["x"]}):
        with pytest.raises(ls.InputError):
            library.update("mine", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ls.InputError):
        library.update("mine", tags={"x": "yes"})  # type: ignore[dict-item]
    with pytest.raises(ls.LibraryMissing):
        library.update("none", tags={"x": True})


def test_a_place_told_with_an_add(library: ls.Library) -> None:
    added = library.add(make_photo(9, (40, 40)), id="here", place=(-33.9, 18.4))
    assert added.id == "here" and library.get("here").lat == -33.9
    with pytest.raises(ls.InputError, match="latitude comes first"):
        library.add(make_photo(9, (40, 40)), place=(120, 18))


def test_tags_concepts_and_vectors(library: ls.Library) -> None:
    one, other, *_ = [each.id for each in library.inputs()]
    library.tag([one, other], "pet")
    library.tag(one, "Café", value=False)
    assert library.tags() == {"pet": 2, "Café": 0}
    assert library.concept("SCARLET").id == "t0000" == library.concept("t0000").id
    library.teach("my pet", [one, other])
    assert library.concept("my pet").kind == "taught"
    with pytest.raises(ls.QueryUnknownConcept, match="nothing"):
        library.concept("nothing")
    vector = library.embed(id=one)
    assert len(vector) == 32 and sum(x * x for x in vector) == pytest.approx(1, abs=1e-2)
    path = library.get(one).path
    assert library.embed(path) == pytest.approx(vector, abs=1e-3)
    with pytest.raises(ls.InputError):
        library.embed()


def test_notes_are_kept_beside(library: ls.Library, photos: Path) -> None:
    library.put_note("concept", "b", {"name": "B"})
    library.put_note("concept", "a", {"name": "A"})
    library.put_note("model", "a", {"x": [1, None]})
    first = {one.id: one.made_at for one in library.notes("concept")}
    library.put_note("concept", "b", {"name": "Bee"})
    found = {one.id: one for one in library.notes("concept")}
    assert {id: dict(one.document) for id, one in found.items()} == {
        "a": {"name": "A"},
        "b": {"name": "Bee"},
    }
    assert {id: one.made_at for id, one in found.items()} == first
    assert library.forget_note("concept", "a") and not library.forget_note("concept", "a")
    for wrong in (float("nan"), {1, 2}):
        with pytest.raises(ls.InputError):
            library.put_note("concept", "c", {"x": wrong})
    with pytest.raises(ls.InputError):
        library.put_note("concept", "\ud800", {})
    with open_library(photos, read_only=True) as reader:
        assert [one.id for one in reader.notes("concept")] == ["b"]
        with pytest.raises(ls.LibraryReadOnly):
            reader.put_note("concept", "c", {})


def test_notes_that_are_held_are_those_of_now(library: ls.Library, photos: Path) -> None:
    def ids(*wanted: str) -> list[str]:
        return [one.id for one in library.notes("kind", wanted or None)]

    assert ids() == [] == ids("a")
    with open_library(photos) as beside:
        beside.put_note("kind", "a", {"n": 1})
        assert ids() == ["a"] == ids("x", "a")
        with library.reading():
            beside.put_note("kind", "b", {"n": 2})
            assert ids() == ["a"]  # the state of the block
            assert [one.id for one in beside.notes("kind")] == ["a", "b"]
            assert ids() == ["a"]
        assert ids() == ["a", "b"]
        with pytest.raises(ls.InputError):
            beside.put_notes("kind", {"c": {"n": 3}, "d": {"n": float("nan")}})
        assert ids() == ["a", "b"] == ids("c", "b", "a")
        beside.put_note("kind", "e", {"n": 5})  # takes the number of the change that was undone
        assert ids() == ["a", "b", "e"]
        library.notes("kind")[0].document["n"] = 7  # type: ignore[index]
        assert library.notes("kind")[0].document == {"n": 1}  # each caller's own
        beside.put_notes("kind", {f"many{n:05}": {} for n in range(1200)})
        assert len(ids()) == 1203 and ids("many00001", "b") == ["b", "many00001"]
        beside.forget_note("kind", "b")
        assert "b" not in ids()


def test_calls_in_one_reading_see_one_state(library: ls.Library, photos: Path) -> None:
    one = next(iter(library.inputs())).id
    with open_library(photos) as beside:
        with library.reading():
            assert library.search(ls.tag("pet")).total == 0
            beside.tag(one, "pet")
            beside.add(make_photo(77, (40, 40)), id="late")
            assert library.search(ls.tag("pet")).total == 0 == len(library.get_many(["late"]))
            assert library.search(ls.like(photos / "1.png"), limit=50).total == 5
        assert library.search(ls.tag("pet")).total == 1 == len(library.get_many(["late"]))
        assert library.search(ls.like(photos / "1.png"), limit=50).total == 6
    library.close()
    with pytest.raises(ls.LibraryClosed), library.reading():
        pass
