"""Every store that an earlier version wrote opens, searches, syncs and is whole."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import localsearch as ls
from localsearch.catalog.migrations import OLDEST_READABLE, STORE_FORMAT
from tests.make_library import counts, settle, write_photo

KEPT = sorted((Path(__file__).parent / "old_libraries").glob("v*.zip"))


def test_one_of_each_version_is_kept() -> None:
    assert [path.stem for path in KEPT] == [
        f"v{n}" for n in range(OLDEST_READABLE, STORE_FORMAT + 1)
    ]


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_an_old_library_lives_on(kept: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    with zipfile.ZipFile(kept) as archive:
        archive.extractall(photos)
    for n in range(8):
        settle(photos / f"f{n % 2}" / f"{n}.png")
    with ls.open(photos) as library:
        assert library.status().schema == STORE_FORMAT
        assert library.search(ls.tag("pet")).total == 2
        assert library.search(ls.metadata({"album": "home"})).total == 1
        hits = library.search(ls.like(id="kept-bytes"), limit=99)
        assert hits.total == 8 and [hit.score for hit in hits[:2]] == [1.0, 1.0]
        assert library.search(ls.concept("red"), limit=1)[0].score > 0.5
        taught = [one.name for one in library.taught()]
        assert taught == ([] if kept.stem in ("v1", "v2") else ["my pet"])
        for name in taught:
            pets = {hit.id for hit in library.search(ls.tag("pet"))}
            assert library.search(name, limit=1)[0].id in pets
        assert counts(library.sync()) == {"unchanged": 8}
        assert [one.relative_path for one in library.inputs(removed=True)] == ["f0/4.png"]
        assert library.thumbnail("kept-bytes")[:2] == b"\xff\xd8"
        write_photo(photos / "new.png", 77)
        assert counts(library.sync()) == {"added": 1, "unchanged": 8}
        assert library.verify() == ()
