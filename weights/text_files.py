"""The text part of the pack as files, and numpy arithmetic that reads them back.

    text_tokens.txt   one token a line; "##x" continues a word
    text_table.npy    int8 [tokens, 256], text_scales.npy float16 [tokens]: a row is scale * int8
    text_head.npy     float16, one after another: direct [256, 256] and bias, first [512, 256] and
                      bias, second [256, 512] and bias

A text is the sum of its rows, made 4 long, then direct(x) + second(gelu(first(x))), unit length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weights.fit_vector import gelu, unit
from weights.text_table import GAIN, HIDDEN, WIDTH, TextEncoder, Tokens

LOUDER = 64.0  # only directions count: keeps the scales among the normal half-precision numbers
SHAPES = [(WIDTH, WIDTH), (WIDTH,), (HIDDEN, WIDTH), (HIDDEN,), (WIDTH, HIDDEN), (WIDTH,)]


@dataclass(frozen=True)
class TextFiles:
    """What a reader has in memory."""

    tokens: Tokens
    table: NDArray[np.int8]
    scales: NDArray[np.float16]
    parts: list[NDArray[np.float32]]

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit vectors [texts, 256]; zeros for a text without a known token."""
        direct, direct_bias, first, first_bias, second, second_bias = self.parts
        x = np.zeros((len(texts), WIDTH), np.float32)
        for place, text in enumerate(texts):
            rows = self.tokens.of(text)
            x[place] = self.scales[rows].astype(np.float32) @ self.table[rows].astype(np.float32)
        known = np.linalg.norm(x, axis=1) > 0
        x = unit(x) * GAIN
        hidden = gelu(x @ first.T + first_bias)
        return unit(x @ direct.T + direct_bias + hidden @ second.T + second_bias) * known[:, None]


def kept_tokens(tokens: Tokens, used: set[int]) -> list[int]:
    """Rows to ship: word pieces, and words that some text of the training has."""
    return [row for name, row in tokens.rows.items() if name.startswith("##") or row in used]


def write(model: TextEncoder, tokens: Tokens, used: set[int], folder: Path) -> None:
    """All files of the text part."""
    names = list(tokens.rows)
    kept = [row for row in kept_tokens(tokens, used) if row != tokens.rows["[UNK]"]]
    weight = np.exp(model.weight.detach().numpy())[kept, None]
    rows = model.table.weight.detach().numpy()[kept] * weight * LOUDER
    scales = (np.abs(rows).max(1) / 127).astype(np.float16)
    table = np.clip(np.rint(rows / scales.astype(np.float32)[:, None]), -127, 127).astype(np.int8)
    layers = (model.direct, model.first, model.second)
    parts = [part for one in layers for part in (one.weight, one.bias)]
    flat = np.concatenate([part.detach().numpy().ravel() for part in parts]).astype(np.float16)
    lines = "".join(f"{names[row]}\n" for row in kept)
    (folder / "text_tokens.txt").write_text(lines, encoding="utf-8", newline="\n")
    np.save(folder / "text_table.npy", table)
    np.save(folder / "text_scales.npy", scales)
    np.save(folder / "text_head.npy", flat)


def read(folder: Path) -> TextFiles:
    """What `write` wrote."""
    names = (folder / "text_tokens.txt").read_text("utf-8").splitlines()
    flat = np.load(folder / "text_head.npy").astype(np.float32)
    ends = np.cumsum([np.prod(shape) for shape in SHAPES])
    parts = [
        part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), SHAPES, strict=True)
    ]
    tokens = Tokens({name: row for row, name in enumerate(names)})
    table, scales = np.load(folder / "text_table.npy"), np.load(folder / "text_scales.npy")
    return TextFiles(tokens, table, scales, parts)
