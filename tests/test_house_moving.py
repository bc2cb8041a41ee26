"""Moving house: from a pack with a classifier to one of two towers, and back, with all one owns.

Taught concepts, tags, metadata and removals, several roots of which one is away. The oracle is a
library that was made with the other pack from the start.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch.catalog import taught
from localsearch.library.models import Models
from localsearch.pack import find
from localsearch.packs import calibrate_pack
from localsearch.reindex import run
from tests.make_library import OPENED, write_photo
from tests.packs.clip_pack import clip_pack_folder, make_clip_pack
from tests.tiny_pack import tiny_pack_folder

SIZE = (400, 330)  # larger than a thumbnail, so that one differs from its photo
REDS = ("0.png", "12.png", "24.png", "36.png")
Scores = dict[str, float]


def towers() -> Path:
    """Concepts without a classifier."""
    return clip_pack_folder()


def both() -> Path:
    """The classifier of one pack with the vectors of another: a pack that names both networks."""
    return clip_pack_folder(classifier=True)


Folder = Callable[[], Path]
packs = pytest.mark.parametrize("there", [towers, both])


def house(tmp_path: Path) -> tuple[ls.Library, Path, Path]:
    """A library over two roots, `photos` and `card`, with what a user makes of it."""
    photos, card = tmp_path / "photos", tmp_path / "card"
    for n in range(18):
        write_photo(photos / f"{n}.png", n, size=SIZE)
        write_photo(card / f"{18 + n}.png", 18 + n, size=SIZE)
    write_photo(photos / "36.png", 36, size=SIZE)
    store, roots = tmp_path / "store", {"photos": photos, "card": card}
    library = ls.open(store=store, roots=roots, pack=str(tiny_pack_folder()))
    OPENED.add(library.store)
    library.sync()
    ids = by_name(library)
    library.tag([ids["1.png"], ids["20.png"]], "holiday")
    library.tag(ids["2.png"], "holiday", False)
    library.update(ids["3.png"], metadata={"album": {"name": "home"}})
    library.remove(ids["4.png"])
    library.teach("puppy", [ids[name] for name in REDS], [ids["5.png"], ids["29.png"]])
    return library, photos, card


def by_name(library: ls.Library) -> dict[str, str]:
    every = [*library.inputs(), *library.inputs(removed=True)]
    return {one.path.name: one.id for one in every if one.path is not None}


def described(library: ls.Library) -> dict[str, Any]:
    """All that a user or an app sees of the inputs, but the rows, which are nobody's business."""
    every = [*library.inputs(), *library.inputs(removed=True)]
    return {one.id: (one.state, one.removed, one.tags, one.metadata, one.root) for one in every}


def found(library: ls.Library, query: Any) -> Scores:
    hits = library.search(query, limit=500)
    return {hit.path.name: hit.score for hit in hits if hit.path is not None}


def answers(library: ls.Library, photos: Path) -> list[Scores]:
    queries: list[Any] = [ls.like(photos / "0.png"), ls.like(photos / "7.png")]
    queries += [ls.concept(name) for name in ("red", "green", "white")]
    queries += [ls.text("a red photo", min_score=0.0), "tag:holiday", "red -green"]
    return [found(library, query) for query in queries]


def fresh(tmp_path: Path, pack: Path, photos: Path, card: Path, like: ls.Library) -> list[Scores]:
    """What a library says that was made with that pack: the oracle."""
    store = tmp_path / "fresh"
    shutil.rmtree(store, ignore_errors=True)
    roots = {"photos": photos, "card": card}
    with ls.open(store=store, roots=roots, pack=str(pack)) as library:
        library.sync()
        ids = by_name(library)
        names = {id: name for name, id in by_name(like).items()}
        for one in like.inputs():
            for tag, value in one.tags.items():
                library.tag(ids[names[one.id]], tag, value)
        library.remove([ids[names[one.id]] for one in like.inputs(removed=True)])
        return answers(library, photos)


def no_inference(patch: pytest.MonkeyPatch) -> None:
    def opened(self: Models, threads: int) -> Any:
        raise AssertionError("a network was opened")

    patch.setattr(Models, "_opened", opened)


def probe_of(library: ls.Library) -> bytes:
    """The weights of the one taught concept, as they lie in the catalog for the active pack."""
    parts = library._parts
    with parts.truth.catalog.reading() as conn:
        (row,) = taught.all_of(conn, parts.pack.encoder_digest)
    assert row.probe is not None
    return row.probe.direction


@packs
def test_there_and_back_with_everything(tmp_path: Path, there: Folder) -> None:
    library, photos, card = house(tmp_path)
    with library:
        before, first, learned = described(library), answers(library, photos), probe_of(library)
        report = library.reindex(str(there()))
        assert report.switched and (report.before, report.inferred) == ("tiny 1", 37)
        assert report.pack == "clip-tiny 1" and not report.failures and report.notes == ()
        assert described(library) == before and library.verify() == ()
        assert answers(library, photos) == fresh(tmp_path, there(), photos, card, library)
        # Taught anew from the same examples, in the space of the new pack: other weights.
        (taught_now,) = library.taught()
        assert taught_now.ready and (taught_now.positives, taught_now.name) == (4, "puppy")
        assert probe_of(library) != learned
        assert found(library, "puppy").keys() >= {*REDS}
        # The new pack knows a puppy too; what the user taught comes first.
        assert library.concept("puppy").kind == "taught"
        with pytest.MonkeyPatch.context() as patch:
            no_inference(patch)
            back = library.reindex(rollback=True)
        assert back.switched and back.inferred == 0 and back.pack == "tiny 1"
        assert answers(library, photos) == first and described(library) == before
        assert probe_of(library) == learned and library.verify() == ()
        with pytest.MonkeyPatch.context() as patch:
            no_inference(patch)
            assert library.reindex(str(there())).switched  # its features are still there
        assert library.reindex(str(tiny_pack_folder())).pack == "tiny 1"
        assert answers(library, photos) == first


@packs
def test_a_root_that_is_away_comes_from_its_thumbnails(tmp_path: Path, there: Folder) -> None:
    library, photos, card = house(tmp_path)
    with library:
        before = described(library)
        card.rename(tmp_path / "drawer")
        library.sync()
        away = {id: (state, *rest) for id, (state, *rest) in described(library).items()}
        report = library.reindex(str(there()))
        assert report.switched and (report.inferred, report.from_thumbnails) == (19, 18)
        assert not report.failures and report.lacking == 0
        (told,) = [note for note in library.status().notes if "thumbnails" in note]
        assert told.startswith("of 18 photos the features come from thumbnails")
        assert {id: (state, *rest) for id, (state, *rest) in described(library).items()} == away
        poor = answers(library, photos)
        assert {*poor[0]} == {f"{n}.png" for n in range(37)} - {"4.png"}
        assert found(library, "tag:holiday").keys() == {"1.png", "20.png"}
        assert found(library, "puppy").keys() >= {*REDS} and library.verify() == ()
        (tmp_path / "drawer").rename(card)
        library.sync()  # sees the photos themselves
        assert not [note for note in library.status().notes if "thumbnails" in note]
        assert described(library) == before and library.verify() == ()
        assert answers(library, photos) == fresh(tmp_path, there(), photos, card, library)
        card.rename(tmp_path / "drawer")  # and back, while it is away again: all is known
        library.sync()
        back = library.reindex(rollback=True)
        assert (back.inferred, back.from_thumbnails, back.lacking) == (0, 0, 0)
        assert {*found(library, ls.like(photos / "0.png"))} == {*poor[0]}


@packs
def test_stopped_on_the_way_it_goes_on(
    tmp_path: Path, there: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, photos, card = house(tmp_path)
    with library:
        first, learned = answers(library, photos), probe_of(library)
        monkeypatch.setattr(run, "PAGE", 5)
        seen: list[ls.Progress] = []
        half = library.reindex(str(there()), progress=seen.append, stop=lambda: len(seen) > 2)
        assert half.stopped and not half.switched and 0 < half.inferred < 37
        assert answers(library, photos) == first and probe_of(library) == learned
        assert library.status().building_pack == "clip-tiny 1"
        rest = library.reindex()
        assert rest.switched and rest.kept == half.inferred
        assert answers(library, photos) == fresh(tmp_path, there(), photos, card, library)


def test_what_was_taught_with_the_new_pack_goes_back_too(tmp_path: Path) -> None:
    library, photos, _ = house(tmp_path)
    with library:
        library.reindex(str(towers()))
        ids = by_name(library)
        library.teach("grassy", [ids["3.png"], ids["15.png"], ids["27.png"]], [ids["0.png"]])
        write_photo(photos / "late.png", 39, size=SIZE)
        library.sync()
        library.reindex(rollback=True)
        assert {one.name: one.ready for one in library.taught()} == {"grassy": True, "puppy": True}
        assert found(library, "grassy").keys() >= {"3.png", "15.png", "27.png"}
        assert "late.png" in found(library, ls.like(photos / "3.png"))
        assert library.verify() == ()


def test_large_networks_stay_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the copy of the pack nor the room that a reindex asks for counts them."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    place = tmp_path / "data" / "localsearch" / "packs" / "clip-large"
    make_clip_pack(place, name="clip-large", padding=2 << 20)
    library, photos, _ = house(tmp_path)
    with library:
        small = library.reindex("clip-large", dry_run=True).bytes
        monkeypatch.setattr(find, "LARGE", 1 << 20)
        assert small - library.reindex("clip-large", dry_run=True).bytes >= 4 << 20
        library.reindex("clip-large")
        assert not [*(library.store / "packs").rglob("text.onnx")]
        assert found(library, ls.text("a red photo", min_score=0.0))
        first = answers(library, photos)
        place.rename(tmp_path / "gone")
        assert library.reindex(rollback=True).switched
        # Back there without its networks: all features are known, so none is needed.
        with pytest.MonkeyPatch.context() as patch:
            no_inference(patch)
            assert library.reindex(rollback=True).pack == "clip-large 1"
        assert found(library, ls.like(photos / "0.png")) == first[0]
        write_photo(photos / "late.png", 40, size=SIZE)
        assert library.reindex(rollback=True).switched
        library.sync()
        with pytest.raises(ls.PackMissing, match="clip-large"):  # but now one photo lacks them
            library.reindex(rollback=True)
        assert library.status().pack == "tiny 1"
        (tmp_path / "gone").rename(place)
        assert library.reindex(rollback=True).inferred == 1


def test_new_numbers_of_the_same_towers_cost_no_inference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `packs calibrate` leaves: the same networks, other tables, the next version."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    library, photos, _ = house(tmp_path)
    with library:
        library.reindex(str(towers()))
        before = answers(library, photos)
        place = tmp_path / "data" / "localsearch" / "packs" / "clip-tiny"
        make_clip_pack(place, version=2, provisional=False)
        assert library.status().newer_pack == "clip-tiny 2"
        with pytest.MonkeyPatch.context() as patch:
            no_inference(patch)
            report = library.reindex()
        assert report.switched and (report.pack, report.inferred) == ("clip-tiny 2", 0)
        after = answers(library, photos)
        assert after[:2] == before[:2] and after[2] != before[2]  # likeness stays, concepts move
        assert not [note for note in library.status().notes if "provisional" in note]
        assert library.taught()[0].ready and library.verify() == ()


def test_a_vocabulary_of_the_users_costs_no_inference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`packs calibrate NAME FOLDER --vocabulary FILE`, then `reindex`."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    library, photos, card = house(tmp_path)
    with library:
        library.reindex(str(towers()))
        place = make_clip_pack(tmp_path / "data" / "localsearch" / "packs" / "clip-tiny")
        words = tmp_path / "words.txt"
        words.write_text("zeppelin\tairship\n", encoding="utf-8")
        calibrate_pack("clip-tiny", photos, vocabulary=words)
        with pytest.raises(ls.QueryUnknownConcept):
            library.search(ls.concept("zeppelin"))
        with pytest.MonkeyPatch.context() as patch:
            no_inference(patch)
            assert library.reindex().inferred == 0
        roots = {"photos": photos, "card": card}
        with ls.open(store=tmp_path / "fresh", roots=roots, pack=str(place)) as other:
            other.sync()
            expected = found(other, "airship")
        assert 0 < len(expected) < 36
        expected.pop("4.png", None)  # it was removed from the library
        assert found(library, "airship") == expected
        assert found(library, "puppy>=0") and library.verify() == ()


def test_general_and_back(tmp_path: Path) -> None:
    """The built-in pack, on a few photos of the demo."""
    try:
        find.find_pack("general")
    except ls.PackMissing:
        pytest.skip("the pack `general` is not built here")
    demo = Path(ls.__file__).parent / "_demo" / "photos"
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("cat", "dog", "castle", "horses", "sheep", "kitten"):
        shutil.copy(demo / f"{name}.jpg", photos)
    with ls.open(photos, pack="general") as library:
        OPENED.add(library.store)
        library.sync()
        ids = by_name(library)
        library.teach("my pet", [ids["cat.jpg"], ids["kitten.jpg"]], [ids["castle.jpg"]])
        first = [found(library, query) for query in ("cat", "my pet", "two animals on grass")]
        library.reindex(str(towers()))
        assert found(library, ls.like(photos / "cat.jpg"))["cat.jpg"] == 1.0
        assert library.taught()[0].ready
        with pytest.MonkeyPatch.context() as patch:
            no_inference(patch)
            library.reindex("general")
        assert [found(library, q) for q in ("cat", "my pet", "two animals on grass")] == first
