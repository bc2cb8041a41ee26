"""No tower is trusted before it gives what the builder of its pack computed.

Real packs with real faults: golden numbers that drifted, networks that give NaN, or one vector for
every picture or text. They are wrong on every provider, so even `auto` has nothing left to take.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import localsearch as ls
from localsearch import doctor
from localsearch.encoders import open_image_encoder
from localsearch.encoders.text_network import open_text_encoder
from localsearch.errors import PackProvider
from localsearch.pack import Pack, load_pack
from tests.make_library import write_photo
from tests.packs.clip_pack import clip_pack_folder, make_clip_pack, run_image, write_manifest
from tests.tiny_pack import golden_pixels

Harm = Callable[[Path, dict[str, Any]], None]


def harmed(folder: Path, harm: Harm) -> Pack:
    """A pack whose files are what its manifest says, and whose manifest or network is wrong."""
    make_clip_pack(folder)
    raw = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
    files = sorted(raw.pop("files"))
    raw["golden_text"] = raw["golden"].pop("text")
    for digest in ("encoder_digest", "pack_digest"):
        del raw[digest]
    harm(folder, raw)
    write_manifest(folder, raw, files)
    return load_pack(folder)


def replaced(path: Path, nodes: Callable[[str, int], list[Any]], constants: dict[str, Any]) -> None:
    """Let the output of a network pass through further nodes, which read its former name."""
    model = onnx.load(path)
    output = model.graph.output[0]
    width = output.type.tensor_type.shape.dim[1].dim_value
    for node in model.graph.node:
        for number, name in enumerate(node.output):
            if name == "vector":
                node.output[number] = "right"
    model.graph.node.extend(nodes("right", width))
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    path.write_bytes(model.SerializeToString(deterministic=True))


def nan(path: Path) -> None:
    """As half precision does where a sum leaves its range."""
    nothing = np.array([-1.0], np.float32)
    replaced(
        path,
        lambda name, width: [
            helper.make_node("Sqrt", ["below"], ["nan"]),
            helper.make_node("Mul", [name, "nan"], ["vector"]),
        ],
        {"below": nothing},
    )


def alike(path: Path, vector: np.ndarray) -> None:
    """One vector for all: even the right one of the golden picture."""
    replaced(
        path,
        lambda name, width: [
            helper.make_node("Mul", [name, "zero"], ["none"]),
            helper.make_node("Add", ["none", "one"], ["vector"]),
        ],
        {"zero": np.zeros(1, np.float32), "one": vector[None].astype(np.float32)},
    )


def drifted(numbers: list[float]) -> list[float]:
    """Further off than half precision ever is: a cosine of 0.998."""
    found = np.array(numbers)
    aside = np.roll(found, 1) - found * (found @ np.roll(found, 1)) / (found @ found)
    moved = found + 0.0634 * np.linalg.norm(found) * aside / np.linalg.norm(aside)
    return [float(x) for x in moved]


def image_drifts(folder: Path, raw: dict[str, Any]) -> None:
    raw["golden"]["vector"] = drifted(raw["golden"]["vector"])


def image_nan(folder: Path, raw: dict[str, Any]) -> None:
    nan(folder / "image.onnx")


def image_alike(folder: Path, raw: dict[str, Any]) -> None:
    path = folder / "image.onnx"
    alike(path, run_image(path.read_bytes(), golden_pixels(raw["golden"]["seed"], 40)))


def image_wrong_distance(folder: Path, raw: dict[str, Any]) -> None:
    raw["golden"]["alike"] = 0.999


def text_drifts(folder: Path, raw: dict[str, Any]) -> None:
    raw["golden_text"]["vector"] = drifted(raw["golden_text"]["vector"])


def text_nan(folder: Path, raw: dict[str, Any]) -> None:
    nan(folder / "text.onnx")


@pytest.mark.parametrize("provider", ["auto", "cpu"])
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (image_drifts, "wrong vectors"),
        (image_nan, "not a number"),
        (image_alike, "wrong vectors"),
        (image_wrong_distance, "wrong vectors"),
    ],
)
def test_an_image_tower_that_is_wrong_everywhere(
    tmp_path: Path, harm: Harm, told: str, provider: str
) -> None:
    pack = harmed(tmp_path / "pack", harm)
    with pytest.raises(PackProvider, match=told):
        open_image_encoder(pack, provider=provider)
    assert open_text_encoder(pack, provider=provider).encode("a red photo").shape == (24,)


@pytest.mark.parametrize("provider", ["auto", "cpu"])
@pytest.mark.parametrize(
    ("harm", "told"), [(text_drifts, "wrong vectors"), (text_nan, "not a number")]
)
def test_a_text_tower_that_is_wrong_everywhere(
    tmp_path: Path, harm: Harm, told: str, provider: str
) -> None:
    pack = harmed(tmp_path / "pack", harm)
    with pytest.raises(PackProvider, match=told):
        open_text_encoder(pack, provider=provider)
    open_image_encoder(pack, provider=provider).close()


def test_half_precision_passes(tmp_path: Path) -> None:
    """What a GPU rounds away is no drift: golden numbers rounded to half floats."""

    def rounded(folder: Path, raw: dict[str, Any]) -> None:
        for golden in (raw["golden"], raw["golden_text"]):
            golden["vector"] = [float(x) for x in np.array(golden["vector"], np.float16)]

    pack = harmed(tmp_path / "pack", rounded)
    open_image_encoder(pack).close()
    open_text_encoder(pack).close()


def test_nothing_of_a_wrong_tower_comes_into_a_library(tmp_path: Path, photos: Path) -> None:
    pack = harmed(tmp_path / "pack", image_alike)
    write_photo(photos / "a.png", 1)
    with ls.open(photos, pack=str(pack.folder)) as library:
        with pytest.raises(PackProvider, match="wrong vectors"):
            library.sync()
        assert library.status().inputs == 0


def test_a_reindex_to_a_wrong_tower_leaves_all_as_it_was(tmp_path: Path, photos: Path) -> None:
    pack = harmed(tmp_path / "pack", image_alike)
    write_photo(photos / "a.png", 1)
    with ls.open(photos, pack=str(clip_pack_folder())) as library:
        library.sync()
        with pytest.raises(PackProvider, match="wrong vectors"):
            library.reindex(str(pack.folder))
        assert library.search(ls.like(photos / "a.png")).total == 1
        assert library.status().previous_pack is None


def test_the_doctor_looks_at_the_towers_of_a_library(tmp_path: Path, photos: Path) -> None:
    with ls.open(photos, pack=str(clip_pack_folder())) as library:
        store = library.store
    (check,) = [one for one in doctor.examine(store) if one.name == "library's pack"]
    assert check.ok is True
    assert check.found.startswith("clip-tiny 1: pictures on cpu, texts on cpu")
    pack = harmed(tmp_path / "pack", text_drifts)
    with ls.open(photos, store=tmp_path / "store", pack=str(pack.folder)) as library:
        store = library.store
    (check,) = [one for one in doctor.examine(store) if one.name == "library's pack"]
    assert check.ok is False and "wrong vectors" in check.found
