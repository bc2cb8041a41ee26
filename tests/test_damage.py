"""Each derived file truncated, flipped, deleted: a rebuild, never a crash, never a wrong answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import localsearch as ls
from localsearch.publish import plan
from localsearch.segments.segment import FOLDER
from tests.make_library import open_library, write_photo

Answers = list[list[tuple[str, float]]]


def answers(library: ls.Library, photo: Path) -> Answers:
    queries = (ls.concept("red"), ls.concept("warm colour") & ~ls.concept("dark"), ls.like(photo))
    return [[(hit.id, hit.score) for hit in library.scan(query)] for query in queries]


@pytest.fixture
def published(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with segments, and a copy of it at `tmp_path / "sound"`."""
    monkeypatch.setattr(plan, "FULL", 24)
    monkeypatch.setattr(plan, "WORTH", 8)
    for n in range(40):
        write_photo(photos / f"{n}.png", n)
    store = tmp_path / "store"
    with open_library(photos, store=store) as library:
        library.sync()
        assert library.status().segments >= 1
    return store


def truncated(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def flipped(path: Path, share: float) -> None:
    data = bytearray(path.read_bytes())
    data[min(len(data) - 1, int(len(data) * share))] ^= 0x10
    path.write_bytes(data)


def deleted(path: Path, share: float) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [truncated, flipped, deleted])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.4, 0.999])
@pytest.mark.parametrize("name", ["postings.bin", "matrix.bin"])
def test_a_damaged_segment_costs_time_only(
    photos: Path,
    published: Path,
    damage: Callable[[Path, float], None],
    share: float,
    name: str,
) -> None:
    if damage is deleted and share:
        pytest.skip("a file is deleted only once")
    with ls.open(store=published) as library:
        right = answers(library, photos / "3.png")
    segment = sorted((published / FOLDER).iterdir())[0]
    damage(segment / name, share)
    with ls.open(store=published) as library:
        assert answers(library, photos / "3.png") == right
        findings = library.verify()
        if findings:  # the flipped byte may lie in padding that no one reads
            assert all(finding.derived for finding in findings)
        library.sync()
        assert answers(library, photos / "3.png") == right
    with ls.open(store=published) as library:
        assert answers(library, photos / "3.png") == right
        assert [f for f in library.verify() if f.code != "leftover"] == []


def test_all_derived_files_gone(photos: Path, published: Path) -> None:
    with ls.open(store=published) as library:
        right = answers(library, photos / "3.png")
    shutil.rmtree(published / FOLDER)
    with ls.open(store=published) as library:
        assert answers(library, photos / "3.png") == right
        library.sync()
        assert library.verify() == ()
        assert library.status().segments >= 1
        assert answers(library, photos / "3.png") == right


def test_lost_features_are_inferred_again(photos: Path, published: Path) -> None:
    with ls.open(store=published) as library:
        right = answers(library, photos / "3.png")
    for path in published.glob("features-*.sqlite*"):
        path.unlink()
    with ls.open(store=published) as library:
        assert {f.code for f in library.verify()} == {"feature-missing"}
        report = library.sync()
        assert (report.added, report.missing, report.failed) == (0, 0, 0)
        assert library.verify() == ()
        assert answers(library, photos / "3.png") == right


def test_lost_thumbnails_are_made_again(photos: Path, published: Path) -> None:
    for path in published.glob("thumbs.sqlite*"):
        path.unlink()
    with ls.open(store=published) as library:
        one = next(library.inputs())
        assert library.thumbnail(one.id)[:2] == b"\xff\xd8"


@pytest.mark.damages
def test_a_damaged_catalog_is_said_plainly(photos: Path, published: Path) -> None:
    catalog = published / "catalog.sqlite"
    catalog.write_bytes(b"this is no database" * 500)
    with pytest.raises(ls.LibraryDamaged, match=r"catalog\.sqlite"):
        ls.open(store=published)
    catalog.write_bytes(b"")
    with pytest.raises(ls.LibraryDamaged, match=r"catalog\.sqlite"):
        ls.open(store=published)


@pytest.mark.damages
def test_a_damaged_pack_copy_is_replaced_or_named(photos: Path, published: Path) -> None:
    network = next((published / "packs").glob("*/*.onnx"))
    flipped(network, 0.5)
    with pytest.raises(ls.PackDamaged) as fault:
        ls.open(store=published)
    assert network.name in str(fault.value)
