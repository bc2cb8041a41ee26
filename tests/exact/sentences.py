"""Small SentencePiece models of the two kinds that SigLIP has, and texts to try them on.

SigLIP's own files come with its weights; no package carries them.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Final, NamedTuple

from tests.exact.strings import _WORDS, strings

CONTEXT: Final = 64


class Kind(NamedTuple):
    """How a model is learned, and how transformers is told what it is.

    `marks`: whether texts with combining marks are tried. The normaliser of transformers' T5 drops
    such a mark behind some signs; SentencePiece itself, which SigLIP was trained with, keeps it.
    """

    file: str
    pad: int
    marks: bool
    options: Mapping[str, object]
    config: Mapping[str, object]


KINDS: Final = {
    "t5": Kind(  # SigLIP: 32,000 pieces of a unigram model, which normalises by itself
        "spiece.model",
        1,
        False,
        {"model_type": "unigram", "vocab_size": 600},
        {
            "tokenizer_class": "T5Tokenizer",
            "extra_ids": 0,
            "pad_token": "</s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
        },
    ),
    "gemma": Kind(  # SigLIP2: 256,000 pieces, merged as bytes where there are none
        "tokenizer.model",
        0,
        True,
        {
            "model_type": "bpe",
            "vocab_size": 900,
            "bos_id": 2,
            "unk_id": 3,
            "byte_fallback": True,
            "split_digits": True,
            "normalization_rule_name": "identity",
            "remove_extra_whitespaces": False,
            "add_dummy_prefix": False,
            "allow_whitespace_only_pieces": True,
            "unk_piece": "<unk>",
            "bos_piece": "<bos>",
            "eos_piece": "<eos>",
            "pad_piece": "<pad>",
        },
        {
            "tokenizer_class": "GemmaTokenizer",
            "add_bos_token": False,
            "add_eos_token": True,
            "pad_token": "<pad>",
            "eos_token": "<eos>",
            "bos_token": "<bos>",
            "unk_token": "<unk>",
            "padding_side": "right",
        },
    ),
}


def model_of(kind: Kind) -> bytes:
    """A model of that kind, learned from sentences of the words of `strings`."""
    from tests.packs.clip_pack import sentence_model

    rng = Random(3)
    words = [_WORDS[int(rng.random() * len(_WORDS))] for _ in range(24_000)]
    sentences = [" ".join(words[at : at + 8]) for at in range(0, len(words), 8)]
    return sentence_model(sentences, **kind.options)


def texts_of(kind: Kind) -> list[str]:
    """Texts that are tried with a model of that kind."""
    every = strings(2_000)
    return every if kind.marks else [text for text in every if not _has_mark(text)]


def _has_mark(text: str) -> bool:
    plain = html.unescape(html.unescape(text))
    return any(unicodedata.category(one).startswith("M") for one in plain)
