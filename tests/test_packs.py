"""Packs as a user sees them: listed, shown, verified, tried on one picture."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from localsearch import packs
from localsearch.errors import PackDamaged, PackMissing, PictureError


@pytest.fixture
def pack_copy(tiny_pack: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_pack, tmp_path / "pack"))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def test_the_pack_of_the_house_is_listed_and_intact() -> None:
    (general,) = [one for one in packs.list_packs() if one.name == "general"]
    assert general.fault == ""
    shown = packs.verify_pack("general")
    assert shown.concepts > shown.classes == 1000
    assert shown.bytes == sum(
        (shown.folder / name).stat().st_size for part in shown.parts for name in part.files
    )
    assert all(part.licence and part.training_terms for part in shown.parts)


def test_a_pack_is_shown_by_its_folder(pack_copy: Path) -> None:
    shown = packs.show_pack(pack_copy)
    assert (shown.classes, shown.folder) == (12, pack_copy)
    assert packs.concepts_of(pack_copy, "sky")[0].name == "sky blue"
    everything = packs.concepts_of(pack_copy)
    assert len(everything) == shown.concepts
    assert [one.name for one in everything] == sorted(one.name for one in everything)


def test_a_wrong_byte_is_named(pack_copy: Path) -> None:
    packs.verify_pack(pack_copy)
    damage(pack_copy / "concepts.tsv")
    with pytest.raises(PackDamaged, match=r"concepts\.tsv.*expected [0-9a-f]{64}.*found"):
        packs.verify_pack(pack_copy)


def test_an_unknown_pack_tells_which_there_are() -> None:
    with pytest.raises(PackMissing) as caught:
        packs.show_pack("nonsense")
    assert "general" in caught.value.hint


def test_a_damaged_pack_stays_in_the_list(
    pack_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "packs"
    shutil.copytree(pack_copy, home / "broken")
    (home / "broken" / "pack.toml").write_text("format = ", encoding="utf-8")
    monkeypatch.setattr("localsearch.pack.find.pack_places", lambda: (home,))
    (broken,) = packs.list_packs()
    assert broken.name == "broken"
    assert "cannot be read" in broken.fault


def test_a_picture_is_predicted_without_a_library(pack_copy: Path, tmp_path: Path) -> None:
    picture = tmp_path / "red.png"
    Image.new("RGB", (64, 48), (210, 40, 40)).save(picture)
    values = packs.predict(pack_copy, picture, limit=6)
    assert len(values) == 6
    assert [one.value for one in values] == sorted((one.value for one in values), reverse=True)
    assert "red" in [one.name for one in values]
    assert [path.name for path in tmp_path.iterdir() if path != pack_copy] == ["red.png"]


@pytest.mark.parametrize("data", [None, b"no picture at all"])
def test_an_unusable_picture_is_named(data: bytes | None, pack_copy: Path, tmp_path: Path) -> None:
    picture = tmp_path / "odd.jpg"
    if data is not None:
        picture.write_bytes(data)
    with pytest.raises(PictureError, match=r"odd\.jpg: "):
        packs.predict(pack_copy, picture)


def test_a_list_counts_the_concepts() -> None:
    (general,) = [one for one in packs.list_packs() if one.name == "general"]
    assert general.concepts == packs.show_pack("general").concepts > 1000
