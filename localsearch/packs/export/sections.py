"""The sections of an exported pack's manifest, from what is known of its model.

Pure but for the stop words, which are those of the pack `general`. Never reads a network.
Invariant: what is to be fitted stands there as what says nothing: maps that are straight, no floor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from localsearch.pack import find_pack, load_pack
from localsearch.packs.export import towers
from localsearch.packs.export.models import Model
from localsearch.packs.export.options import Wanted
from localsearch.packs.vocabulary import SOURCE_OF_LIST

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

GOLDEN_SEED: Final = 1
GOLDEN_TEXT: Final = "a photo of a dog"
_SHOWN: Final = 16  # numbers of a golden vector


def image_section(model: Model) -> dict[str, Any]:
    seen = model.preprocessing
    return {
        "network": "image.onnx",
        "input": towers.IMAGE_INPUT,
        "size": seen.size,
        "resize": seen.size,
        "interpolation": seen.interpolation,
        "mean": [round(255 * value, 6) for value in seen.mean],
        "std": [round(255 * value, 6) for value in seen.std],
        "fit": seen.fit,
        "long_side": "floor",
        "vector": towers.OUTPUT,
        "dimensions": 0,
    }


def text_section(model: Model) -> dict[str, Any]:
    words = load_pack(find_pack("general")).text
    bias = {} if model.logit_bias is None else {"logit_bias": round(model.logit_bias, 6)}
    return {
        "kind": "network",
        "network": "text.onnx",
        "input": towers.TEXT_INPUT,
        "vector": towers.OUTPUT,
        "context": model.context,
        "cut": model.cuts,
        "stop_words": [] if words is None else sorted(words.stop_words),
        "decoys": "decoys.npy",
        # A concept is a text by the same tower: what it could add, the text says itself.
        "concept_weight": 0.0,
        "floor_spreads": 0.0,
        "floor_least": -1.0,
        "floor_enough": 1.0,
        "provisional": True,
        "logit_scale": round(model.logit_scale, 6),
        **bias,
    }


def golden(
    image: npt.NDArray[np.float32], text: npt.NDArray[np.float32], tokens: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """The self test: what the networks as they are written gave for a seeded picture and a text."""
    return {
        "seed": GOLDEN_SEED,
        "vector": [round(float(x), 6) for x in image[0][:_SHOWN]],
        "alike": round(float(image[0] @ image[1]), 6),
        "text": {
            "text": GOLDEN_TEXT,
            "tokens": tokens.tolist(),
            "vector": [round(float(x), 6) for x in text[:_SHOWN]],
        },
    }


def manifest(
    model: Model,
    wanted: Wanted,
    image: dict[str, Any],
    text: dict[str, Any],
    golden: dict[str, Any],
) -> dict[str, Any]:
    """All of the manifest but digests, files, and what is fitted."""
    licence = wanted.licence or model.terms.licence
    return {
        "format": 3,
        "name": wanted.name,
        "version": 0,  # a calibration makes the next one
        "summary": f"{model.title} of OpenCLIP ({model.weights})",
        "licence": f"{licence} AND LicenseRef-WordNet-3.0 AND MIT",
        "encoder_digest": "",
        "pack_digest": "",
        "image": image,
        "concepts": {
            "table": "concepts.tsv",
            "calibration": "calibration.npy",
            "temperature": 1.0,
            "provisional": True,
        },
        "probes": {"weights": "probes.npy"},
        "scores": {"visual": [[-1.0, 0.0], [1.0, 1.0]], "text": [[-1.0, 0.0], [1.0, 1.0]]},
        "text": text,
        "golden": golden,
        "parts": _parts(model, wanted, licence, text),
    }


def _parts(
    model: Model, wanted: Wanted, licence: str, text: dict[str, Any]
) -> list[dict[str, Any]]:
    terms = model.terms
    weights = {
        "required": True,
        "licence": licence,
        "source": f"OpenCLIP {model.title}, weights {model.weights}, {wanted.precision}",
        "trained_on": terms.trained_on,
        "training_terms": terms.training_terms,
        "honest": terms.honest,
    }
    words = {
        **weights,
        "licence": "LicenseRef-WordNet-3.0 AND MIT",
        "source": "words of the pack general, said in prompts to the text tower",
        "honest": "Nobody judged these concepts one by one: a text says what each looks like.",
    }
    if wanted.vocabulary is not None:
        words |= {"licence": licence, "source": SOURCE_OF_LIST}
    cutting = {
        **weights,
        "licence": {"clip": "MIT", "sentencepiece": "Apache-2.0"}[text["tokenizer"]],
        "source": f"the tokenizer of {model.title}",
    }
    concepts = ["concepts.tsv", "calibration.npy", "probes.npy"]
    return [
        {"name": "network", "files": ["image.onnx"], **weights},
        {"name": "concepts", "files": concepts, **words},
        {"name": "text", "files": ["text.onnx", "decoys.npy"], **weights},
        {"name": "tokenizer", "files": [text["tokens"]], **cutting},
    ]
