"""The demo: its photos are free and small, it works twice, and it writes below the cache only."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from platformdirs import user_cache_path

from localsearch.cli import main

DEMO = Path(main.__file__).parents[1] / "_demo"
PHOTOS = sorted((DEMO / "photos").iterdir())


def test_every_photo_has_its_source_and_is_small() -> None:
    sources = (DEMO / "SOURCES.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `photos/([^`]+)` \|(.+)$", sources, re.MULTILINE))
    assert set(rows) == {path.name for path in PHOTOS}
    assert all("public domain" in row or "CC0 1.0" in row for row in rows.values())
    assert 12 <= len(PHOTOS) <= 20
    assert sum(path.stat().st_size for path in PHOTOS) < 1_000_000


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.name)
def test_a_photo_tells_nothing_but_its_pixels(path: Path) -> None:
    with Image.open(path) as image:
        assert max(image.size) <= 640
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_the_demo_works_twice(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = files_below(DEMO)
    assert main.run(["demo"]) == 0
    text = capsys.readouterr().out
    assert f"{len(PHOTOS)} added" in text
    for line in ("cd ~/Pictures", "localsearch sync", "localsearch search dog"):
        assert f"  {line}\n" in text
    assert main.run(["demo", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    folder = user_cache_path("localsearch", appauthor=False) / "demo"
    assert body["folder"] == str(folder)
    assert folder.as_uri() in text
    assert body["sync"]["added"] == len(PHOTOS)
    found = {Path(hit["path"]).name for hit in body["search"]["hits"]}
    assert {"dog.jpg", "red-panda.jpg", "sheep.jpg"} <= found
    assert "cat.jpg" not in found
    first, second = body["like"]["hits"][:2]
    assert (Path(first["path"]).name, Path(second["path"]).name) == ("cat.jpg", "cat-small.jpg")
    assert first["score"] >= 0.9999
    assert second["score"] >= 0.95
    assert len(body["predict"]["concepts"]) >= 5
    assert Path(body["sheet"]).is_relative_to(folder)
    assert "data:image/jpeg" in Path(body["sheet"]).read_text(encoding="utf-8")
    assert files_below(DEMO) == package
    assert list(tmp_path.iterdir()) == []
