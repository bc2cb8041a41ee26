"""SigLIP's tokens: SentencePiece models that travel with a pack, by small ones of their kinds."""

from __future__ import annotations

import builtins
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blake3 import blake3

from localsearch.encoders.text_network import TextNetwork, open_text_encoder
from localsearch.encoders.tokens import open_tokenizer
from localsearch.errors import DependencyMissing, PackDamaged
from localsearch.pack import load_pack
from localsearch.pack.manifest import NetworkSpec
from tests.exact.sentences import CONTEXT, KINDS, texts_of
from tests.packs.clip_pack import clip_pack_folder
from tests.test_tokens import CLIP

EXACT = Path(__file__).parent / "exact"
GOLDEN = json.loads((EXACT / "tokens.json").read_text(encoding="utf-8"))

pytest.importorskip("sentencepiece")


def spec(name: str) -> NetworkSpec:
    return CLIP._replace(
        tokenizer="sentencepiece",
        context=CONTEXT,
        pad=KINDS[name].pad,
        end=1,
        clean="canonicalize",
    )


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / f"{name} ü.model" for name in KINDS}
    for name, path in found.items():
        path.write_bytes(lzma.decompress((EXACT / f"{name}.model.xz").read_bytes()))
    return found


@pytest.mark.parametrize("name", sorted(KINDS))
def test_ids_are_those_that_open_clip_gets_of_transformers(
    models: dict[str, Path], name: str
) -> None:
    tokens, texts = open_tokenizer(models[name], spec(name)), texts_of(KINDS[name])
    assert len(texts) > 1_200
    found = np.stack([tokens(text) for text in texts]).astype("<i8")
    part = GOLDEN["part"]
    for number, expected in enumerate(GOLDEN["sentences"][name]):
        ids = found[number * part : (number + 1) * part]
        assert blake3(ids.tobytes()).hexdigest()[:16] == expected, f"of texts from {number * part}"


def test_what_a_row_is_made_of(models: dict[str, Path]) -> None:
    for name, pad in (("t5", 1), ("gemma", 0)):
        tokens = open_tokenizer(models[name], spec(name))
        assert tokens("").tolist() == [1] + [pad] * (CONTEXT - 1)
        full = tokens("photo of the snow " * 40)
        assert full.shape == (CONTEXT,) and full[-1] == 1 and (full[:-1] > 1).all()
        assert (tokens("A photo, of_the SNOW!") == tokens("a photo of the snow")).all()


def test_a_pack_with_a_model_reads_texts() -> None:
    pack = load_pack(clip_pack_folder(tokenizer="sentencepiece"))
    network = open_text_encoder(pack)
    assert isinstance(network, TextNetwork)
    assert network.tokens("a photo of a dog").tolist() == list(pack.golden.text.tokens)  # type: ignore[union-attr]
    near = network.encode("a red photo") @ network.encode("Red, PHOTO!")
    assert near > network.encode("a red photo") @ network.encode("a green photo")


def test_a_model_that_is_none_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.model"
    for content in (b"", b"no model at all", None):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(PackDamaged, match=r"tokenizer\.model"):
            open_tokenizer(
                path if content is not None else tmp_path / "tokenizer.model.x", spec("t5")
            )


def test_without_the_package_it_says_what_to_install(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **options: Any) -> Any:
        if name == "sentencepiece":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(DependencyMissing, match="sentencepiece") as caught:
        open_tokenizer(models["t5"], spec("t5"))
    assert "localsearch[siglip]" in caught.value.hint
