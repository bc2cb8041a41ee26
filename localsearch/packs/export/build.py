"""A folder with all of a pack: towers, tokenizer, table, manifest; proved before it has a name.

Composes the files beside it; the only one that knows the order. Invariant: the manifest is written
after both towers gave what torch gives, and whoever loads the folder afterwards finds a whole pack.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.encoders.prepare import batch_of, fitted, golden_picture
from localsearch.encoders.tokens import open_tokenizer
from localsearch.errors import PackError
from localsearch.pack import find_pack, load_pack
from localsearch.pack.find import network_file
from localsearch.pack.load import Pack
from localsearch.pack.manifest import ImageSpec, NetworkSpec
from localsearch.packs.calibrate import UNFITTED, captions, demo_photos, write_manifest
from localsearch.packs.export import parity, precision, sections, towers
from localsearch.packs.export.models import Model
from localsearch.packs.export.options import Wanted
from localsearch.packs.export.sections import GOLDEN_SEED, GOLDEN_TEXT
from localsearch.packs.export.tokenizers import check_tokens, write_tokenizer
from localsearch.packs.vocabulary import (
    Said,
    beside_classes,
    read_list,
    table_of_list,
    zero_shot_table,
)
from localsearch.packs.zero_shot import Tell, concept_vectors, open_text_network
from localsearch.sources.forms import read_file
from localsearch.sources.picture import open_picture

if TYPE_CHECKING:
    import numpy.typing as npt

_SEEDED: Final = 4  # pictures of noise beside the demo's photos in the comparison with torch
_SPOKEN: Final = 10  # captions in it, beside the golden text and an empty one


class Built(NamedTuple):
    """What the comparison with torch said, and what there is to be told beside."""

    parities: tuple[parity.Parity, ...]
    notes: tuple[str, ...]


def build(model: Model, wanted: Wanted, folder: Path, tell: Tell) -> Built:
    """Fill the empty `folder`, all but what `calibrate` fits. Raises PackError."""
    notes = list[str]()
    image = sections.image_section(model)
    text = sections.text_section(model) | write_tokenizer(model, folder, wanted.tokenizer)
    spec = _image_spec(image)
    tokens = _tokens(folder / text["tokens"], text)
    texts = [GOLDEN_TEXT, "", *captions()[:_SPOKEN]]
    rows = np.stack([tokens(one) for one in texts])
    if not check_tokens(model, texts, rows):
        notes.append("tokens were not compared with open_clip's: its tokenizer is not here")
    pictures = [golden_picture(GOLDEN_SEED + at, spec.size) for at in range(_SEEDED)]
    pictures += [_demo_picture(path, spec) for path in sorted(demo_photos().iterdir())[::4]]
    batch = batch_of(pictures, spec)
    tell("torch computes what is to be")
    expected = towers.image_vectors(model, batch, rows=8), towers.text_vectors(model, rows)
    image["dimensions"] = expected[0].shape[1]
    checks = list[parity.Parity]()
    golden: list[npt.NDArray[np.float32]] = []
    short = [row[: int(row.argmax()) + 1] for row in rows] if model.cuts else list(rows)
    for tower, name, inputs, singles, right in (
        ("image", towers.IMAGE_INPUT, batch, list(batch), expected[0]),
        ("text", towers.TEXT_INPUT, rows, short, expected[1]),
    ):
        path = folder / f"{tower}.onnx"
        tell(f"{tower} tower to ONNX, {wanted.precision}")
        _write_tower(model, tower, path, wanted.precision)
        found, vectors = parity.compare(tower, path, name, inputs, singles, right)
        tell(f"{tower} tower: the least cosine with torch is {found.least:.6f}")
        parity.refuse(found, wanted.precision)
        if found.least < parity.DOUBTFUL:
            notes.append(f"the {tower} tower has a cosine of only {found.least:.4f} with torch")
        checks.append(found)
        golden.append(vectors)
    raw = sections.manifest(
        model, wanted, image, text, sections.golden(golden[0], golden[1][0], rows[0])
    )
    _finish(raw, wanted, folder, tell)
    return Built(tuple(checks), tuple(notes))


def _write_tower(model: Model, tower: str, path: Path, word: str) -> None:
    """Write a tower in a folder of its own first: torch puts large weights beside the network."""
    work = path.parent / f".{tower}"
    work.mkdir()
    export = towers.export_image_tower if tower == "image" else towers.export_text_tower
    export(model, work / "tower.onnx")
    precision.rewrite(work / "tower.onnx", path, word)
    for one in work.iterdir():
        one.unlink()
    work.rmdir()


def _finish(raw: dict[str, Any], wanted: Wanted, folder: Path, tell: Tell) -> None:
    """Concepts: the table first, with a row of zeros each, so that the pack can be loaded and say
    its own prompts."""
    classifier = None if wanted.classifier is None else load_pack(find_pack(wanted.classifier))
    said = _said(wanted, classifier)
    (folder / "concepts.tsv").write_text(said.table, encoding="utf-8", newline="\n")
    calibration = np.repeat(UNFITTED, said.table.count("\n") - 1, axis=0)
    if classifier is not None:
        _add_classifier(raw, classifier, folder)
        inner = np.load(classifier.folder / classifier.manifest.calibration)
        both = min(len(inner), len(calibration))
        calibration[:both] = inner[:both]
    np.save(folder / "calibration.npy", calibration)
    width = int(raw["image"]["dimensions"])
    np.save(folder / "probes.npy", np.zeros((len(said.names), width + 1), np.float32))
    np.save(folder / "decoys.npy", np.zeros((0, width), np.float16))
    write_manifest(folder, raw)
    network = open_text_network(load_pack(folder))
    try:
        probes = concept_vectors(network, said.names, tell)
    finally:
        network.close()
    np.save(folder / "probes.npy", probes)
    write_manifest(folder, raw)


def _said(wanted: Wanted, classifier: Pack | None) -> Said:
    own = None if wanted.vocabulary is None else read_list(wanted.vocabulary)
    if classifier is not None:
        return beside_classes(classifier.vocabulary, own)
    if own is not None:
        return table_of_list(own)
    return zero_shot_table(load_pack(find_pack("general")).vocabulary)


def _add_classifier(raw: dict[str, Any], pack: Pack, folder: Path) -> None:
    """The network of a pack beside the towers, for its classes."""
    image = pack.image
    if image.logits is None:
        raise PackError(f"the pack {pack.name} has no classifier", hint="--with-classifier general")
    shutil.copyfile(network_file(pack, image.network), folder / "classifier.onnx")
    raw["classifier"] = {
        "network": "classifier.onnx",
        **{key: getattr(image, key) for key in ("input", "size", "resize", "interpolation")},
        "mean": list(image.mean),
        "std": list(image.std),
        "fit": image.fit,
        "long_side": image.long_side,
        "logits": image.logits,
        "classes": image.classes,
    }
    raw["concepts"]["temperature"] = pack.manifest.temperature
    raw["golden"]["top"] = list(pack.golden.top)
    raw["summary"] += f", with the classes of {pack.name}"
    theirs = next(part for part in pack.parts if image.network in part.files)
    raw["licence"] += f" AND {theirs.licence}"
    raw["parts"].insert(1, {**theirs._asdict(), "name": "classifier", "files": ["classifier.onnx"]})


def _image_spec(image: dict[str, Any]) -> ImageSpec:
    mean, std = image["mean"], image["std"]
    return ImageSpec(
        **{key: image[key] for key in ("network", "input", "size", "resize", "interpolation")},
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        logits=None,
        vector=image["vector"],
        classes=0,
        dimensions=0,
        fit=image["fit"],
        long_side=image["long_side"],
    )


def _tokens(path: Path, text: dict[str, Any]) -> Any:
    keys = ("network", "input", "vector", "tokenizer", "context", "pad", "clean")
    spec = NetworkSpec(
        **{key: text[key] for key in keys},
        begin=text.get("begin"),
        end=text.get("end"),
        logit_scale=None,
        logit_bias=None,
    )
    return open_tokenizer(path, spec)


def _demo_picture(path: Path, spec: ImageSpec) -> npt.NDArray[np.uint8]:
    return fitted(open_picture(read_file(path)).pixels, spec)
