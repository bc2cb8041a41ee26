"""The files of a model's tokenizer, and what the manifest says of it.

Never cuts a text itself. Invariant: the tokens that the pack will make are compared with those of
open_clip's own tokenizer wherever that can be had.

CLIP's merges lie in open_clip. SigLIP's SentencePiece models lie in no package: they come from the
hub, as the weights do, or from a file (`--tokenizer`).
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from localsearch.errors import PackError
from localsearch.packs.export.models import Model

if TYPE_CHECKING:
    import numpy.typing as npt

_MERGES: Final = slice(1, 49152 - 256 - 2 + 1)  # the lines of its file that open_clip takes
# By what names hubs have SentencePiece models: SigLIP's T5, SigLIP2's Gemma.
_NAMES: Final = ("spiece.model", "tokenizer.model", "sentencepiece.model")
# The end of a text and what fills it up: SigLIP fills with ends, SigLIP2 (256,000 pieces) with 0.
_END: Final = 1
_MANY_PIECES: Final = 100_000


def write_tokenizer(model: Model, folder: Path, file: Path | None) -> dict[str, Any]:
    """Put the tokenizer's file into `folder`; gives its keys of [text].

    Raises PackError where the model has a tokenizer that packs do not know, or none can be had.
    """
    text, kwargs = model.text, model.text.get("tokenizer_kwargs", {})
    hub = text.get("hf_tokenizer_name")
    if text.get("tokenizer_mode") or kwargs.get("strip_sep_token"):
        raise PackError(f"{model.title} cuts texts in a way that packs do not know")
    if not hub:
        _write_merges(folder / "bpe_merges.txt")
        return {
            "tokenizer": "clip",
            "tokens": "bpe_merges.txt",
            "pad": 0,
            "clean": kwargs.get("clean", "lower"),
        }
    if "siglip" not in hub.lower():
        raise PackError(
            f"{model.title} has the tokenizer {hub}; packs know those of CLIP and SigLIP",
        )
    shutil.copyfile(file if file is not None else _from_hub(hub), folder / "tokenizer.model")
    many = int(text["vocab_size"]) > _MANY_PIECES
    return {
        "tokenizer": "sentencepiece",
        "tokens": "tokenizer.model",
        "pad": 0 if many else _END,
        "end": _END,
        "clean": kwargs.get("clean", "whitespace"),
    }


def check_tokens(model: Model, texts: Sequence[str], found: npt.NDArray[np.int64]) -> bool:
    """Compare tokens with those of open_clip; False where its tokenizer cannot be had.

    Raises PackError where they differ, or a number is none that the model knows.
    """
    import open_clip

    size = int(model.text.get("vocab_size", 49408))
    if found.max() >= size:
        raise PackError(
            f"the tokenizer gives the number {found.max()}, {model.title} knows {size} tokens",
            hint="--tokenizer names the wrong file",
        )
    if model.text.get("hf_tokenizer_name") and model.weights.startswith("random"):
        return False  # a vocabulary of a test; the hub's is another one
    try:
        theirs = open_clip.get_tokenizer(model.title)(list(texts), context_length=model.context)
    except OSError:  # not on this machine, and no network
        return False
    if not np.array_equal(theirs.numpy(), found):
        raise PackError(f"tokens of {model.title} differ from those of open_clip")
    return True


def _write_merges(path: Path) -> None:
    from open_clip.tokenizer import default_bpe

    with gzip.open(default_bpe()) as file:
        lines = file.read().decode("utf-8").split("\n")[_MERGES]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _from_hub(name: str) -> Path:
    from huggingface_hub import hf_hub_download

    faults = list[str]()
    for file in _NAMES:
        try:
            return Path(hf_hub_download(name, file))
        except Exception as fault:  # noqa: BLE001  # many kinds; the last tells
            faults.append(f"{file}: {type(fault).__name__}")
    raise PackError(
        f"the tokenizer of {name} cannot be had ({'; '.join(faults)})",
        hint="--tokenizer FILE names a SentencePiece model (spiece.model, tokenizer.model)",
    )
