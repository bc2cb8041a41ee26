"""Packs of format 3: what their manifests may say, digests, golden checks, networks elsewhere."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localsearch.encoders import open_image_encoder
from localsearch.encoders.image import ImageEncoder
from localsearch.encoders.prepare import prepare
from localsearch.encoders.session import Session
from localsearch.encoders.text_network import open_text_encoder
from localsearch.errors import PackDamaged, PackMissing, PackProvider
from localsearch.pack import Pack, copy_query_side, digests, find_pack, load_pack, network_file
from localsearch.pack import find as places
from localsearch.pack.manifest import read_manifest
from localsearch.pack.probes import NO_INPUTS, make_probes, probe_scores
from tests.packs.clip_pack import CONCEPTS, clip_pack_folder, make_clip_pack
from tests.tiny_pack import COLOURS, _toml, make_photo

Raw = dict[str, Any]


pytestmark = pytest.mark.usefixtures("no_packs_of_the_user")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(clip_pack_folder(), tmp_path / "clip-tiny")


def changed(folder: Path, change: Callable[[Raw], object]) -> Path:
    """The same pack with another manifest, whose digests fit: its maker is wrong, or hostile."""
    path = folder / "pack.toml"
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    change(raw)
    raw["encoder_digest"] = digests.encoder_digest(raw)
    raw["pack_digest"] = digests.pack_digest(raw)
    golden = raw["golden"]
    raw["golden_text"] = golden.pop("text", None)
    text = _toml({key: value for key, value in raw.items() if value is not None})
    path.write_text(text.replace("[golden_text]", "[golden.text]"), encoding="utf-8")
    return folder


def encoder_of(pack: Pack) -> ImageEncoder:
    return open_image_encoder(pack, provider="cpu")


# ---------------------------------------------------------------- what a manifest says


def test_a_pack_of_two_towers_tells_what_it_is(folder: Path) -> None:
    pack = load_pack(folder)
    assert (pack.name, pack.classes, pack.dimensions) == ("clip-tiny", 0, 24)
    assert pack.manifest.format == 3 and pack.manifest.provisional == ("concepts", "text")
    image, text = pack.image, pack.text
    assert (image.logits, image.classifier, image.networks) == (None, None, (image,))
    assert (image.fit, image.long_side) == ("crop", "floor")
    assert text is not None and text.network is not None
    assert (text.network.tokenizer, text.network.context, text.network.cut) == ("clip", 16, False)
    assert text.network.logit_scale == 100.0 and text.network.logit_bias is None
    assert set(text.files) == {"bpe_merges.txt", "text.onnx", "text_decoys.npy"}
    assert pack.golden.top == () and pack.golden.alike is not None
    assert [concept.kind for concept in pack.vocabulary.concepts] == ["probe"] * len(CONCEPTS)


def test_a_classifier_beside_gives_the_classes() -> None:
    pack = load_pack(clip_pack_folder(classifier=True))
    assert pack.classes == pack.image.classes == len(COLOURS)
    assert [each.size for each in pack.image.networks] == [40, 32]
    beside = pack.image.classifier
    assert beside is not None and beside.vector is None and beside.logits == "logits"
    assert beside.long_side == "round" and pack.image.logits is None
    kinds = [concept.kind for concept in pack.vocabulary.concepts]
    assert kinds == ["class"] * 12 + ["ancestor"] * 6 + ["probe"] * 3


def test_the_encoder_is_what_photos_need(folder: Path, tmp_path: Path) -> None:
    one = read_manifest(folder)
    others = {
        "text.onnx": lambda raw: raw["files"]["text.onnx"].update(blake3="0" * 64),
        "provisional": lambda raw: raw["text"].update(provisional=False),
        "stop words": lambda raw: raw["text"].update(stop_words=[]),
    }
    for name, change in others.items():
        other = read_manifest(changed(shutil.copytree(folder, tmp_path / name), change))
        assert other.encoder_digest == one.encoder_digest, name
        assert other.pack_digest != one.pack_digest, name
    for name, change in {
        "fit": lambda raw: raw["image"].update(fit="squash"),
        "long_side": lambda raw: raw["image"].update(long_side="round"),
        "image.onnx": lambda raw: raw["files"]["image.onnx"].update(blake3="0" * 64),
    }.items():
        other = read_manifest(changed(shutil.copytree(folder, tmp_path / name), change))
        assert other.encoder_digest != one.encoder_digest, name
    beside = shutil.copytree(clip_pack_folder(classifier=True), tmp_path / "beside")
    first = read_manifest(beside)
    swapped = changed(beside, lambda raw: raw["files"]["classifier.onnx"].update(blake3="1" * 64))
    assert read_manifest(swapped).encoder_digest != first.encoder_digest


@pytest.mark.parametrize(
    ("section", "values", "told"),
    [
        ("image", {"fit": "stretch"}, "stretch"),
        ("image", {"long_side": "up"}, "long_side"),
        ("image", {"interpolation": "nearest"}, "nearest"),
        ("image", {"vector": None}, "vector"),
        ("image", {"logits": "logits"}, "classes"),
        ("image", {"logits": "logits", "classes": 12}, "golden"),
        ("image", {"dimensions": 0}, "impossible"),
        ("text", {"kind": "magic"}, "magic"),
        ("text", {"tokenizer": "words"}, "words"),
        ("text", {"clean": "bleach"}, "bleach"),
        ("text", {"context": 2}, "tokens"),
        ("text", {"context": 17}, "17"),
        ("text", {"pad": -1}, "token"),
        ("text", {"cut": "yes"}, "cut"),
        ("text", {"tokens": "../merges.txt"}, "merges"),
        ("text", {"network": "other.onnx"}, "other.onnx"),
        ("text", {"provisional": 1}, "provisional"),
        ("golden", {"vector": []}, "golden"),
        ("golden", {"top": [1, 2]}, "golden"),
        ("golden", {"text": None}, "golden.text"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(
    folder: Path, section: str, values: Raw, told: str
) -> None:
    def change(raw: Raw) -> None:
        for key, value in values.items():
            if value is None:
                del raw[section][key]
            else:
                raw[section][key] = value

    with pytest.raises(PackDamaged, match=told):
        read_manifest(changed(folder, change))


def test_two_networks_that_both_give_logits_are_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(clip_pack_folder(classifier=True), tmp_path / "pack")
    with pytest.raises(PackDamaged, match="one must give logits"):
        read_manifest(changed(folder, lambda raw: raw["image"].update(logits="l", classes=12)))


# ---------------------------------------------------------------- features and concepts


def test_vectors_without_logits(folder: Path) -> None:
    pack = load_pack(folder)
    encoder = encoder_of(pack)
    pictures = [prepare(make_photo(seed), pack.image) for seed in range(12)]
    vectors, logits = encoder.encode(pictures)
    assert (vectors.shape, logits.shape) == ((12, 24), (12, 0))
    for number, picture in enumerate(pictures):
        assert np.array_equal(encoder.encode([picture])[0][0], vectors[number])
    found = pack.probabilities(vectors, logits)
    assert found.shape == (12, len(CONCEPTS))
    alone = [pack.probabilities(vectors[n : n + 1], logits[n : n + 1])[0] for n in range(12)]
    assert np.array_equal(found, np.stack(alone))
    assert (found[:11, :12].argmax(axis=1) == np.arange(11)).all()  # grey is as white as it is grey
    assert pack.probabilities(vectors[:0], logits[:0]).shape == (0, len(CONCEPTS))


def test_zero_shot_scores_are_cosines(folder: Path) -> None:
    """By whole numbers, as all probes of this format: far nearer than a step of 16 bits."""
    table = np.load(folder / "probes.npy")
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 24))
    vectors = (vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(np.float16)
    scores = probe_scores(make_probes(table, NO_INPUTS), vectors, np.zeros((50, 0)))
    assert np.allclose(scores, vectors.astype(float) @ table[:, :-1].T.astype(float), atol=1e-6)
    assert np.allclose(np.linalg.norm(table[:, :-1], axis=1), 1, atol=1e-5)


def test_a_classifier_beside_sees_the_same_decode() -> None:
    both, alone = (load_pack(clip_pack_folder(classifier=each)) for each in (True, False))
    pictures = [make_photo(seed) for seed in range(12)]
    vectors, logits = encoder_of(both).encode([prepare(each, both.image) for each in pictures])
    assert logits.argmax(axis=1).tolist() == list(range(12))
    plain, none = encoder_of(alone).encode([prepare(each, alone.image) for each in pictures])
    assert np.array_equal(plain, vectors) and none.shape == (12, 0)
    sizes = [each.shape for each in prepare(pictures[0], both.image)]
    assert sizes == [(40, 40, 3), (32, 32, 3)]


# ---------------------------------------------------------------- golden checks


@pytest.mark.parametrize("harm", ["one for all", "turned", "drift", "nan"])
def test_a_provider_that_gives_one_vector_for_all_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    real = Session.run
    first = list[np.ndarray]()

    def wrong(self: Session, name: str, values: np.ndarray) -> list[np.ndarray]:
        (found,) = real(self, name, values)
        first.append(found)
        if harm == "one for all":
            return [np.repeat(first[0][:1], len(found), axis=0)]
        if harm == "turned":
            return [found[:, ::-1]]
        if harm == "nan":
            return [found * np.nan]
        drifted = found + 0.3 / np.sqrt(found.shape[1])
        return [drifted / np.linalg.norm(drifted, axis=1, keepdims=True)]

    monkeypatch.setattr(Session, "run", wrong)
    with pytest.raises(PackProvider, match=r"wrong vectors|not a number"):
        encoder_of(load_pack(folder))


def test_vectors_that_are_nearly_alike_are_no_fault(folder: Path) -> None:
    """Untrained towers give all pictures nearly one vector: the check asks for their distance."""
    golden = load_pack(folder).golden
    assert golden.alike is not None

    def closer(raw: Raw) -> None:
        raw["golden"]["alike"] = 1 - (1 - golden.alike) / 1.5  # type: ignore[operator]

    encoder_of(load_pack(changed(folder, closer)))
    with pytest.raises(PackProvider, match="two pictures"):
        encoder_of(load_pack(changed(folder, lambda raw: raw["golden"].update(alike=0.9999))))


def test_a_classifier_that_computes_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Session.run

    def wrong(self: Session, name: str, values: np.ndarray) -> list[np.ndarray]:
        found = real(self, name, values)
        return [-each if each.shape[1] == len(COLOURS) else each for each in found]

    monkeypatch.setattr(Session, "run", wrong)
    with pytest.raises(PackProvider, match="wrong classes"):
        encoder_of(load_pack(clip_pack_folder(classifier=True)))


# ---------------------------------------------------------------- large networks of a store


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, folder: Path) -> int:
    """Networks are "large" from 4 KiB on: those of the test have 5."""
    monkeypatch.setattr(places, "LARGE", 4 << 10)
    return 4 << 10


@pytest.fixture
def large(tmp_path: Path, small: int) -> Path:
    return make_clip_pack(tmp_path / "data" / "packs" / "clip-tiny", padding=2 * small)


def store_of(tmp_path: Path) -> Path:
    store = tmp_path / "store"
    store.mkdir()
    return store


def test_a_store_keeps_no_copy_of_large_networks(large: Path, tmp_path: Path) -> None:
    copy = copy_query_side(load_pack(large), store_of(tmp_path))
    assert not list(copy.glob("*.onnx"))
    kept = {path.name for path in copy.iterdir()}
    assert {"pack.toml", "concepts.tsv", "probes.npy", "bpe_merges.txt", "elsewhere.json"} <= kept
    for check in ("stamp", "whole", "stamp"):
        pack = load_pack(copy, check=check)  # type: ignore[arg-type]
        assert pack.pack_digest == load_pack(large).pack_digest
    assert network_file(pack, "image.onnx") == large / "image.onnx"
    before = sorted((path.name, path.stat().st_mtime_ns) for path in copy.iterdir())
    assert copy_query_side(load_pack(large), copy.parents[1]) == copy
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in copy.iterdir())
    assert encoder_of(pack).encode([prepare(make_photo(1), pack.image)])[0].shape == (1, 24)
    assert open_text_encoder(pack).encode("a red photo").shape == (24,)


def test_small_networks_are_copied(folder: Path, tmp_path: Path) -> None:
    copy = copy_query_side(load_pack(folder), store_of(tmp_path))
    assert sorted(path.name for path in copy.glob("*.onnx")) == ["image.onnx", "text.onnx"]
    assert not (copy / "elsewhere.json").exists()


def test_without_its_networks_a_store_says_what_still_works(large: Path, tmp_path: Path) -> None:
    copy = load_pack(copy_query_side(load_pack(large), store_of(tmp_path)))
    shutil.rmtree(large)
    with pytest.raises(PackMissing, match=r"image\.onnx of the pack clip-tiny") as caught:
        encoder_of(copy)
    assert "concepts" in caught.value.message and "install" in caught.value.hint
    with pytest.raises(PackMissing, match=r"text\.onnx"):
        open_text_encoder(copy)
    assert copy.probabilities(np.ones((1, 24), np.float16), np.zeros((1, 0), np.float16)).any()


def test_networks_are_found_under_another_version_of_the_pack(large: Path, tmp_path: Path) -> None:
    """The text network is the same file; the image network is not."""
    copy = load_pack(copy_query_side(load_pack(large), store_of(tmp_path)))
    shutil.rmtree(large)
    make_clip_pack(large, padding=8 << 10, version=2)
    assert network_file(copy, "image.onnx") == large / "image.onnx"
    shutil.rmtree(large)
    make_clip_pack(large, padding=8 << 10, seed=3)
    with pytest.raises(PackMissing):
        network_file(copy, "image.onnx")


def test_networks_are_found_where_the_copy_was_taken(
    tmp_path: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack that was given by its path has no place under its name."""
    given = make_clip_pack(tmp_path / "usb stick" / "any name", padding=2 * small)
    monkeypatch.chdir(given.parent)
    copy = load_pack(copy_query_side(load_pack(Path("any name")), store_of(tmp_path)))
    monkeypatch.chdir(tmp_path)
    assert network_file(copy, "text.onnx") == given / "text.onnx"
    other = tmp_path / "other store"
    other.mkdir()
    again = load_pack(copy_query_side(copy, other))  # a copy of a copy, as of a backup
    assert network_file(again, "text.onnx") == given / "text.onnx"
    own = make_clip_pack(tmp_path / "data" / "packs" / "clip-tiny", padding=2 * small)
    assert network_file(copy, "text.onnx") == own / "text.onnx"  # the user's own comes first
    assert find_pack("clip-tiny") == own


def test_a_network_that_was_changed_is_not_taken(large: Path, tmp_path: Path) -> None:
    copy = load_pack(copy_query_side(load_pack(large), store_of(tmp_path)))
    data = bytearray((large / "image.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (large / "image.onnx").write_bytes(data)
    with pytest.raises(PackMissing):
        network_file(copy, "image.onnx")


def test_only_what_is_told_may_be_elsewhere(large: Path, tmp_path: Path) -> None:
    copy = copy_query_side(load_pack(large), store_of(tmp_path))
    (copy / "probes.npy").unlink()
    with pytest.raises(PackDamaged, match=r"probes\.npy"):
        load_pack(copy)
    assert copy_query_side(load_pack(large), copy.parents[1]) == copy  # made anew
    (copy / "elsewhere.json").write_text("{}")
    with pytest.raises(PackDamaged, match=r"elsewhere\.json"):
        load_pack(copy, check="whole")
    (large / "image.onnx").unlink()
    with pytest.raises(PackDamaged, match=r"image\.onnx"):
        load_pack(large)
