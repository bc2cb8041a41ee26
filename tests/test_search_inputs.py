"""A page as inputs is the page as hits; originals are what was added; tending is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

import localsearch as ls
from tests.make_library import open_library, settled, write_photo


@pytest.fixture
def library(photos: Path) -> ls.Library:
    for seed in range(1, 31):
        write_photo(photos / f"{seed}.png", seed)
    library = open_library(photos)
    library.sync()
    return library


def test_inputs_are_ranked_and_cut_as_hits_are(library: ls.Library) -> None:
    id_ = next(library.inputs()).id
    for query in (ls.concept("outdoors"), ls.like(id=id_), ls.taken("2024"), ls.state("ok")):
        for page in (1, 2, 3):
            hits = library.search(query, limit=8, page=page)
            found = library.search_inputs(query, limit=8, page=page)
            assert [(score, one.id) for score, one in found] == [(h.score, h.id) for h in hits]
            assert [one for _, one in found] == [library.get(hit.id) for hit in hits]
    assert library.search_inputs(ls.like(id=id_), min_score=1.0)[0][1].id == id_
    with pytest.raises(ls.InputError):
        library.search_inputs(ls.state("ok"), page=0)
    library.close()


def test_originals(library: ls.Library, tmp_path: Path) -> None:
    one = next(library.inputs())
    assert one.path is not None
    found = library.original(one.id)
    assert (found.path, found.data, found.media_type) == (one.path, None, "image/png")
    assert found.size == one.path.stat().st_size and not found.substitute
    library.add(data=one.path.read_bytes(), id="kept")
    assert library.original("kept").data == one.path.read_bytes()
    assert library.original("kept", thumbnail=True).media_type == "image/jpeg"
    one.path.unlink()
    away = library.original(one.id)
    assert away.substitute and away.media_type == "image/jpeg"
    library.remove("kept")
    for id_ in ("kept", "nobody"):
        with pytest.raises(ls.LibraryMissing):
            library.original(id_)
    library.close()


def test_tending_returns_at_once_and_needs_the_right_to_write(library: ls.Library) -> None:
    library.tend()
    settled(library)
    library.close()
    with ls.open(store=library.store, read_only=True) as reader, pytest.raises(ls.LibraryReadOnly):
        reader.tend()
