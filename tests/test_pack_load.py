"""A pack loads whole or not at all: digests, stamps, places, and the copy of a store."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from localsearch.errors import PackDamaged, PackError, PackMissing
from localsearch.pack import available_packs, copy_query_side, find_pack, load_pack, network_file
from localsearch.pack import find as places
from localsearch.pack.digests import encoder_digest, file_digest, pack_digest
from localsearch.scores import at_least
from tests.tiny_pack import make_tiny_pack, tiny_pack_folder

pytestmark = pytest.mark.usefixtures("no_packs_of_the_user")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(tiny_pack_folder(), tmp_path / "päck 包")


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "pack.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_pack_tells_what_it_is(folder: Path) -> None:
    pack = load_pack(folder)
    assert (pack.name, pack.version, pack.classes, pack.dimensions) == ("tiny", 1, 12, 32)
    assert pack.image.size == 32
    assert pack.image.mean == (127.0, 127.0, 127.0)
    assert [part.name for part in pack.parts] == ["network", "concepts", "probes", "text"]
    assert len(pack.golden.vector) == 16
    assert network_file(pack, pack.image.network) == folder / "image.onnx"
    assert pack.visual.scores([1.0, -1.0]).tolist() == [65535, 0]
    floors = np.load(folder / "calibration.npy")[:, 2]
    assert pack.floors.tolist() == [at_least(float(floor)) for floor in floors]


def test_the_same_arguments_make_the_same_pack(tmp_path: Path) -> None:
    one, two = (make_tiny_pack(tmp_path / name) for name in ("one", "two"))
    assert (one / "pack.toml").read_bytes() == (two / "pack.toml").read_bytes()
    first, second = load_pack(one), load_pack(make_tiny_pack(tmp_path / "next", version=2))
    assert first.encoder_digest == second.encoder_digest
    assert first.pack_digest != second.pack_digest
    other = load_pack(make_tiny_pack(tmp_path / "other", seed=1, dimensions=24))
    assert other.encoder_digest != first.encoder_digest


def test_the_digests_cover_what_they_say() -> None:
    import tomllib

    raw = tomllib.loads((tiny_pack_folder() / "pack.toml").read_text(encoding="utf-8"))
    encoder, whole = encoder_digest(raw), pack_digest(raw)
    raw["summary"] = "other"
    assert (encoder_digest(raw), pack_digest(raw) == whole) == (encoder, False)
    raw["image"]["mean"] = [0.0, 0.0, 0.0]
    assert encoder_digest(raw) != encoder


@pytest.mark.parametrize("name", ["image.onnx", "concepts.tsv", "calibration.npy", "probes.npy"])
def test_a_flipped_byte_is_found_even_after_a_good_load(folder: Path, name: str) -> None:
    load_pack(folder)
    path = folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    expected = file_digest(path)
    path.write_bytes(data)
    with pytest.raises(PackDamaged) as caught:
        load_pack(folder)
    for part in (name, expected, file_digest(path)):
        assert part in str(caught.value)


@pytest.mark.parametrize("harm", ["gone", "short"])
def test_a_file_that_is_gone_or_short(folder: Path, harm: str) -> None:
    path = folder / "probes.npy"
    path.unlink() if harm == "gone" else path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PackDamaged, match=r"probes\.npy"):
        load_pack(folder)


def test_files_are_read_whole_once_and_then_by_their_stamp(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsearch.pack import intact

    read: list[str] = []
    real = intact.file_digest
    monkeypatch.setattr(intact, "file_digest", lambda path: read.append(path.name) or real(path))
    load_pack(folder)
    assert len(read) == 9
    load_pack(folder)
    assert len(read) == 9
    load_pack(folder, check="whole")
    assert len(read) == 18


def test_without_a_cache_folder_it_still_loads(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert load_pack(folder).name == "tiny"


def test_an_edited_manifest_is_refused(folder: Path) -> None:
    edit(folder, 'licence = "CC0-1.0"', 'licence = "MIT"')
    with pytest.raises(PackDamaged, match="pack_digest"):
        load_pack(folder)


def test_a_newer_format_is_refused_clearly(folder: Path) -> None:
    edit(folder, "format = 2", "format = 4")
    with pytest.raises(PackError, match="format 4"):
        load_pack(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("size = 32", 'size = "32"'),
        ("size = 32", "size = 99"),
        ('network = "image.onnx"', 'network = "other.onnx"'),
        ('[files."image.onnx"]', '[files."../image.onnx"]'),
        ("[scores]", "[scared]"),
        ("visual = [[-1.0, 0.0]", "visual = [[-0.5, 0.0]"),
        ("version = 1", "version = "),
    ],
)
def test_a_broken_manifest_is_refused(folder: Path, old: str, new: str) -> None:
    """With right digests where it parses: whoever made it is wrong, or hostile."""
    import tomllib

    edit(folder, old, new)
    text = (folder / "pack.toml").read_text(encoding="utf-8")
    try:
        raw = tomllib.loads(text)
        for name, compute in (("encoder_digest", encoder_digest), ("pack_digest", pack_digest)):
            text = text.replace(raw[name], compute(raw))
        (folder / "pack.toml").write_text(text, encoding="utf-8")
    except (KeyError, tomllib.TOMLDecodeError):
        pass
    with pytest.raises(PackDamaged):
        load_pack(folder)


def test_a_pack_without_its_probes(tmp_path: Path) -> None:
    """A part that is left out: its files, rows and section are absent, and its concepts too."""
    import re

    folder = make_tiny_pack(tmp_path / "less")
    (folder / "probes.npy").unlink()
    table = (folder / "concepts.tsv").read_text(encoding="utf-8").splitlines()[:-2]
    (folder / "concepts.tsv").write_text("\n".join(table) + "\n", encoding="utf-8", newline="\n")
    np.save(folder / "calibration.npy", np.load(folder / "calibration.npy")[:-2])
    text = (folder / "pack.toml").read_text(encoding="utf-8")
    for section in (r"\[probes\]", r"\[files\.\"probes\.npy\"\]"):
        text = re.sub(section + r"\n[^\[]*", "", text)
    text = re.sub(r"\[\[parts\]\]\nname = \"probes\"\n[^\[]*files = \[[^\]]*\]\n[^\[]*", "", text)
    for name in ("concepts.tsv", "calibration.npy"):
        entry = f'[files."{name}"]\nbytes = {(folder / name).stat().st_size}\n'
        entry += f'blake3 = "{file_digest(folder / name)}"\n'
        text = re.sub(rf"\[files\.\"{name}\"\]\nbytes.*\nblake3.*\n", entry, text)
    import tomllib

    raw = tomllib.loads(text)
    text = text.replace(raw["pack_digest"], pack_digest(raw))
    (folder / "pack.toml").write_text(text, encoding="utf-8")
    pack = load_pack(folder)
    found = pack.probabilities(np.zeros((2, 32), np.float16), np.zeros((2, 12), np.float16))
    assert found.shape == (2, 18)


def test_finding(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_pack(folder) == folder
    assert find_pack(str(folder)) == folder
    shipped = tmp_path / "shipped"
    monkeypatch.setattr(places, "_HOUSE", shipped / "house")
    mine = shutil.copytree(folder, tmp_path / "data" / "packs" / "tiny")
    in_wheel = shutil.copytree(folder, shipped / "house" / "_packs" / "tiny")
    checkout = shutil.copytree(folder, shipped / "weights" / "general")
    assert find_pack("tiny") == mine
    shutil.rmtree(mine)
    assert find_pack("tiny") == in_wheel
    assert find_pack("general") == checkout
    assert available_packs() == [checkout, in_wheel]
    with pytest.raises(PackMissing) as caught:
        find_pack("clip")
    assert "general, tiny" in caught.value.hint
    assert str(shipped / "weights" / "clip") in caught.value.message
    with pytest.raises(PackMissing):
        find_pack(tmp_path / "nowhere")
    with pytest.raises(PackMissing):
        load_pack(tmp_path)


def test_a_store_keeps_a_copy_and_mends_it(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    pack = load_pack(folder)
    copy = copy_query_side(pack, store)
    assert copy == store / "packs" / pack.pack_digest[:16]
    assert load_pack(copy).pack_digest == pack.pack_digest
    assert {p.name for p in copy.iterdir()} == {p.name for p in folder.iterdir()}
    before = (copy / "image.onnx").stat().st_ino
    assert copy_query_side(pack, store) == copy
    assert (copy / "image.onnx").stat().st_ino == before
    (copy / "concepts.tsv").write_bytes(b"harm")
    with pytest.raises(PackDamaged):
        load_pack(copy)
    copy_query_side(pack, store)
    assert load_pack(copy, check="whole").pack_digest == pack.pack_digest


def test_a_copy_cut_short_is_no_pack(folder: Path, tmp_path: Path) -> None:
    """The manifest comes last, so a crash on the way leaves nothing that loads."""
    store = tmp_path / "store"
    store.mkdir()
    pack = load_pack(folder)
    copy = copy_query_side(pack, store)
    (copy / "pack.toml").unlink()
    (copy / "probes.npy").unlink()
    with pytest.raises(PackMissing):
        load_pack(copy)
    assert load_pack(copy_query_side(pack, store), check="whole").name == "tiny"
