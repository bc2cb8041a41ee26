"""A library over two towers, without a single class: every flow that reads features or concepts.

What is asked of texts, sums and moving house is in `test_house_*`.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import localsearch as ls
from localsearch.pack import find as places
from localsearch.pack import load_pack
from localsearch.publish import plan
from tests.make_library import OPENED, settled, write_photo
from tests.packs.clip_pack import clip_pack_folder, make_clip_pack
from tests.tiny_pack import COLOURS

COUNT = 36


def folder_of_photos(folder: Path) -> Path:
    for seed in range(COUNT):
        size = (160, 120) if seed % 2 else (90, 140)
        write_photo(folder / f"p{seed:02d}.png", seed, age=seed, size=size)
    return folder


@pytest.fixture(params=[False, True], ids=["no classes", "a classifier beside"])
def library(request: pytest.FixtureRequest, photos: Path) -> Iterator[ls.Library]:
    folder_of_photos(photos)
    with ls.init(photos, pack=str(clip_pack_folder(classifier=request.param))) as made:
        assert made.sync().added == COUNT
        OPENED.add(made.store)
        yield made


def names(hits: tuple[ls.Hit, ...]) -> list[str]:
    return [hit.path.name for hit in hits if hit.path is not None]


def ids(library: ls.Library, *seeds: int) -> list[str]:
    wanted = {f"p{seed:02d}.png" for seed in seeds}
    return [one.id for one in library.inputs() if one.path is not None and one.path.name in wanted]


def test_hits_tell_their_concepts_as_predict_does(library: ls.Library, photos: Path) -> None:
    for query in ("green", "a green photo", ls.like(photos / "p03.png")):
        hits = library.search(query, limit=4).hits
        assert set(names(hits)) & {"p03.png", "p15.png", "p27.png"}, query
        for hit in hits:
            told = library.predict(id=hit.id, limit=5)
            assert [one.id for one in hit.concepts] == [one.id for one in told]
            assert [one.value for one in hit.concepts] == [one.value for one in told]
    alone = library.predict(photos / "p03.png", limit=100)
    assert alone == library.predict(id=ids(library, 3)[0], limit=100)
    assert {"green", "dog", "night"} <= {one.name for one in alone}


def test_segments_and_tail_say_the_same(
    library: ls.Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = ("red", "green or dog", "night", "a red photo", "-red", "dog>=0.01 white>=0")
    before = {query: library.search(query, limit=50).hits for query in queries}
    monkeypatch.setattr(plan, "FULL", 16)
    monkeypatch.setattr(plan, "WORTH", 4)
    library.sync()
    assert settled(library).status().segments
    for query in queries:
        after = library.search(query, limit=50).hits
        assert [(hit.id, hit.score) for hit in after] == [
            (hit.id, hit.score) for hit in before[query]
        ], query
        assert [hit.concepts for hit in after] == [hit.concepts for hit in before[query]]


def test_a_concept_is_taught_and_found(library: ls.Library) -> None:
    made = library.teach("barn", ids(library, 0, 12, 24))
    assert made.stored and made.positives == 3
    assert set(names(library.search("barn", limit=3).hits)) == {"p00.png", "p12.png", "p24.png"}


def test_copies_are_found(library: ls.Library, photos: Path) -> None:
    shutil.copy(photos / "p05.png", photos / "copy.png")
    write_photo(photos / "larger.png", 7, size=(320, 240))
    library.sync()
    groups = library.duplicates().groups
    assert any({"p05.png", "copy.png"} <= {m.path.name for m in g.members} for g in groups)


def test_vectors_and_concepts_are_exported_and_a_backup_comes_back(
    library: ls.Library, tmp_path: Path
) -> None:
    out = io.BytesIO()
    assert library.export(out, concepts=True, vectors=True) == COUNT
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    inputs = [line for line in lines if "concepts" in line]
    assert len(inputs) == COUNT and all(line["concepts"] for line in inputs)
    expected = [(hit.id, hit.score) for hit in library.search("a red photo", limit=9).hits]
    library.backup(tmp_path / "backup.zip")
    ls.recover(tmp_path / "backup.zip", store=tmp_path / "back")
    with ls.open(store=tmp_path / "back") as again:
        OPENED.add(again.store)
        assert [
            (hit.id, hit.score) for hit in again.search("a red photo", limit=9).hits
        ] == expected


@pytest.mark.damages
def test_lost_features_are_found_and_made_anew(library: ls.Library, photos: Path) -> None:
    store, expected = library.store, names(library.search("a red photo", limit=9).hits)
    library.close()
    (features,) = store.glob("features-*.sqlite")
    for path in store.glob("features-*.sqlite*"):
        path.unlink()
    with ls.open(photos) as again:
        assert any("feature" in finding.code for finding in again.verify())
        again.sync()
        assert [one for one in again.verify() if one.code != "leftover"] == []
        assert names(again.search("a red photo", limit=9).hits) == expected
    assert features.exists()


def test_features_take_no_room_for_logits_that_are_not(library: ls.Library) -> None:
    import sqlite3

    (path,) = library.store.glob("features-*.sqlite")
    pack = load_pack(next((library.store / "packs").iterdir()))
    with sqlite3.connect(path) as base:
        sizes = set(base.execute("SELECT length(vector), length(logits) FROM features"))
    assert sizes == {(2 * 24, 2 * pack.classes)} and pack.classes in (0, len(COLOURS))


def test_a_backup_of_a_library_with_large_networks(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not in it, as they are not in the store; it opens, and finds them where they are."""
    monkeypatch.setattr(places, "LARGE", 4 << 10)
    pack = make_clip_pack(tmp_path / "clip-tiny", padding=8 << 10)
    folder_of_photos(photos)
    with ls.init(photos, pack=str(pack)) as library:
        library.sync()
        assert not list(library.store.rglob("*.onnx"))
        expected = names(library.search("a red photo", limit=9).hits)
        library.backup(tmp_path / "backup.zip")
    ls.recover(tmp_path / "backup.zip", store=tmp_path / "back")
    with ls.open(store=tmp_path / "back") as again:
        OPENED.add(again.store)
        assert names(again.search("a red photo", limit=9).hits) == expected
    shutil.rmtree(pack)
    with ls.open(store=tmp_path / "back") as again:
        assert again.search("red").hits
        with pytest.raises(ls.PackMissing, match=r"text\.onnx"):
            again.search("a red photo")


def test_a_picture_in_bytes_is_like_its_file(library: ls.Library, photos: Path) -> None:
    data = (photos / "p04.png").read_bytes()
    assert names(library.search(ls.like(data=data), limit=1).hits) == ["p04.png"]
    part = ls.like(photos / "p04.png", region=(0.0, 0.0, 0.6, 0.7))
    hits = library.search(part, limit=3).hits
    assert len(hits) == 3 and all(0 <= hit.score <= 1 for hit in hits)
    assert np.linalg.norm(library.embed(data=data)) == pytest.approx(1, abs=1e-3)
