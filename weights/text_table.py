"""The token table: words to vectors, first from the teacher, then from captions of the same photo.

A text is the weighted mean of the rows of its tokens, a small residual layer, unit length. Tokens
are words and word pieces (`wordpiece`) and words of captions that the pieces would cut up.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from weights import text_corpus, wordpiece
from weights.sentence_teacher import CLS, SEP, Teacher

WIDTH, HIDDEN, GAIN = 256, 512, 4.0
RATE, TABLE_RATE = 2e-3, 2e-3
# Steps, and groups, dictionary entries and classes of a batch: a short round, then a longer one.
ROUNDS = ((550, (512, 128, 64)), (900, (768, 128, 64)))
COMMON = 3  # a word of captions that pieces cut up is a token if it occurs as often

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tokens:
    """Token -> row."""

    rows: dict[str, int]

    def of(self, text: str) -> list[int]:
        """Rows of the tokens of a text: the whole word, else its pieces."""
        found: list[int] = []
        for word in wordpiece.words(text):
            row = self.rows.get(word)
            if row is not None:
                found.append(row)
            else:
                found += [self.rows[piece] for piece in wordpiece.pieces(word[:40], self.rows)]
        return found


@dataclass(frozen=True)
class Bags:
    """Token rows of many texts, one after another."""

    flat: Ints
    starts: Ints

    def pick(self, texts: Ints) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows and offsets of some texts."""
        lengths = self.starts[texts + 1] - self.starts[texts]
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        at = np.repeat(self.starts[texts] - offsets, lengths) + np.arange(lengths.sum())
        return torch.from_numpy(self.flat[at]), torch.from_numpy(offsets)


def bags(texts: list[str], tokens: Tokens) -> Bags:
    """Tokenise texts; an empty one becomes the unknown token."""
    rows = [tokens.of(text) or [0] for text in texts]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return Bags(np.concatenate([np.array(row, np.int64) for row in rows]), starts.astype(np.int64))


def choose_tokens(vocabulary: dict[str, int], texts: list[str]) -> Tokens:
    """Row 0 is unknown; pieces of letters and short numbers; words that are often cut up."""
    kept = [t for t in vocabulary if re.fullmatch(r"(##)?([a-z]+|[0-9]{1,2})", t)]
    counts = Counter(word for text in texts for word in wordpiece.words(text))
    more = [
        word
        for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= COMMON and word not in vocabulary and re.fullmatch(r"[a-z]{3,}", word)
    ]
    names = [wordpiece.UNKNOWN, *kept, *more]
    return Tokens({name: row for row, name in enumerate(names)})


def teacher_rows(tokens: Tokens, teacher: Teacher) -> NDArray[np.float32]:
    """The teacher's vector of each token as a text of its own."""
    rows = []
    for name in tokens.rows:
        if name in teacher.vocabulary:
            rows.append([CLS, teacher.vocabulary[name], SEP])
        else:
            rows.append([CLS, *wordpiece.tokens(name, teacher.vocabulary), SEP])
    return teacher.encode_rows(rows, 256)


def reduced(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first principal directions of unit vectors, spread by a quarter power."""
    mean = vectors.mean(0)
    spread, directions = np.linalg.eigh(np.cov((vectors - mean).T.astype(np.float64)))
    largest = np.argsort(-spread)[:WIDTH]
    matrix = directions[:, largest] * spread[largest] ** -0.25
    found = (vectors - mean) @ matrix
    return (found / np.linalg.norm(found, axis=1).mean()).astype(np.float32)


class TextEncoder(nn.Module):
    """Token rows -> unit vectors of WIDTH numbers."""

    def __init__(self, rows: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(torch.from_numpy(rows), freeze=False)
        self.weight = nn.Parameter(torch.from_numpy(weights))  # log of a token's weight
        self.first = nn.Linear(WIDTH, HIDDEN)
        self.second = nn.Linear(HIDDEN, WIDTH)
        self.direct = nn.Linear(WIDTH, WIDTH)
        nn.init.zeros_(self.second.weight)
        nn.init.eye_(self.direct.weight)
        self.dropout = 0.1

    def pooled(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Weighted means of table rows."""
        weight = torch.exp(self.weight[ids])
        if self.training and self.dropout:
            weight = weight * (torch.rand_like(weight) > self.dropout) + 1e-4
        total = functional.embedding_bag(
            ids, self.table.weight, offsets, mode="sum", per_sample_weights=weight
        )
        sums = torch.zeros(len(offsets)).index_add(
            0, torch.bucketize(torch.arange(len(ids)), offsets, right=True) - 1, weight
        )
        return total / sums[:, None]

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Unit vectors."""
        return self.head(self.pooled(ids, offsets))

    def head(self, x: torch.Tensor) -> torch.Tensor:
        """Unit vectors of means of table rows."""
        x = x / x.norm(dim=1, keepdim=True).clamp(min=1e-6) * GAIN
        x = self.direct(x) + self.second(functional.gelu(self.first(x), approximate="tanh"))
        return functional.normalize(x, dim=1)


def start_weights(flat: Ints, count: int) -> NDArray[np.float32]:
    """Log weights of tokens: rare ones count more (smooth inverse frequency)."""
    share = np.bincount(flat, minlength=count) / len(flat)
    return np.log(1e-3 / (1e-3 + share)).astype(np.float32)


def pair_loss(first: torch.Tensor, second: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Symmetric InfoNCE of paired unit vectors."""
    scores = first @ second.T * scale
    own = torch.arange(len(first))
    return (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own)) / 2


@dataclass(frozen=True)
class Groups:
    """Texts in groups: texts of one group are alike."""

    bags: Bags
    starts: Ints

    def pairs(self, size: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Two different texts of each of some groups."""
        groups = rng.choice(len(self.starts) - 1, min(size, len(self.starts) - 1), replace=False)
        counts = self.starts[groups + 1] - self.starts[groups]
        first = (rng.random(len(groups)) * counts).astype(np.int64)
        step = 1 + (rng.random(len(groups)) * (counts - 1)).astype(np.int64)
        base = self.starts[groups]
        return base + first, base + (first + step) % counts


def grouped(groups: list[list[str]], tokens: Tokens) -> Groups:
    """Groups of two texts or more, tokenised."""
    kept = [group for group in groups if len(group) > 1]
    starts = np.concatenate([[0], np.cumsum([len(group) for group in kept])]).astype(np.int64)
    return Groups(bags([text for group in kept for text in group], tokens), starts)


def pretrain(
    model: TextEncoder, sets: list[tuple[Groups, int, float]], steps: int, seed: int
) -> None:
    """Texts of a group towards each other; `sets`: groups, batch size, weight of the loss."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    scale = nn.Parameter(torch.tensor(3.0))
    rest = [p for name, p in model.named_parameters() if name != "table.weight"] + [scale]
    parts = [{"params": [model.table.weight], "lr": TABLE_RATE}, {"params": rest, "lr": RATE}]
    descent = torch.optim.AdamW(parts, weight_decay=0, fused=True)
    model.train()
    for step in range(steps):
        rate = min(1.0, (step + 1) / 30) * (0.02 + 0.98 * (1 + np.cos(np.pi * step / steps)) / 2)
        for part, full in zip(descent.param_groups, (TABLE_RATE, RATE), strict=True):
            part["lr"] = full * rate
        total = torch.tensor(0.0)
        for groups, size, weight in sets:
            first, second = groups.pairs(size, rng)
            both = model(*groups.bags.pick(np.concatenate([first, second])))
            total = total + weight * pair_loss(both[: len(first)], both[len(first) :], scale.exp())
        descent.zero_grad()
        total.backward()
        descent.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"text {step} loss {total.item():.3f} scale {scale.exp().item():.1f}", flush=True)
    model.eval()


def recall(model: TextEncoder, groups: Groups) -> float:
    """How often the nearest second caption is that of the same photo (of up to 1,000 photos)."""
    first, second = groups.pairs(1000, np.random.default_rng(0))
    with torch.no_grad():
        a, b = model(*groups.bags.pick(first)), model(*groups.bags.pick(second))
    return float((a @ b.T).argmax(1).eq(torch.arange(len(a))).float().mean())


@torch.no_grad()
def means(model: TextEncoder, bags: Bags) -> torch.Tensor:
    """Means of table rows of all texts of some bags: what a frozen table gives its head."""
    model.eval()
    count = len(bags.starts) - 1
    return torch.cat(
        [
            model.pooled(*bags.pick(np.arange(start, min(start + 8192, count))))
            for start in range(0, count, 8192)
        ]
    )


def save(model: TextEncoder, tokens: Tokens, path: Path) -> None:
    """Names of the tokens and all weights."""
    torch.save({"tokens": list(tokens.rows), "state": model.state_dict()}, path)


def load(path: Path) -> tuple[TextEncoder, Tokens]:
    """What `save` kept."""
    kept = torch.load(path, weights_only=True)
    tokens = Tokens({name: row for row, name in enumerate(kept["tokens"])})
    count = len(tokens.rows)
    model = TextEncoder(np.zeros((count, WIDTH), np.float32), np.zeros(count, np.float32))
    model.load_state_dict(kept["state"])
    return model.eval(), tokens


def make(data: Path, work: Path, wordnet: Path | None) -> None:
    """Tokens, teacher's vectors, training on text alone: `text-start.pt`."""
    if (work / "text-start.pt").exists():
        return
    held_out = text_corpus.held_out(data)
    captions = text_corpus.caption_groups(data, text_corpus.unread(held_out))
    classes = text_corpus.class_texts()
    teacher = Teacher()
    flat = [text for group in [*captions, *classes, *classes, *classes] for text in group]
    tokens = choose_tokens(teacher.vocabulary, flat)
    kept = work / "teacher-tokens.npy"
    if not kept.exists():
        np.save(kept, teacher_rows(tokens, teacher))
    rows = reduced(np.load(kept))
    groups = grouped(captions, tokens)
    words = grouped(text_corpus.glosses(wordnet), tokens)
    classes_grouped = grouped(classes, tokens)
    trained = [one.bags.flat for one in (groups, words, classes_grouped)]
    np.save(work / "text-used.npy", np.unique(np.concatenate(trained)))
    print(len(tokens.rows), "tokens", len(groups.starts), len(words.starts), flush=True)
    model = TextEncoder(rows, start_weights(groups.bags.flat, len(rows)))
    held = text_corpus.caption_groups(data, set())[::37]
    print("before", recall(model, grouped(held, tokens)))
    for seed, (steps, sizes) in enumerate(ROUNDS):
        parts = zip((groups, words, classes_grouped), sizes, (1.0, 0.3, 0.1), strict=True)
        pretrain(model, list(parts), steps, seed)
    print("after", recall(model, grouped(held, tokens)))
    save(model, tokens, work / "text-start.pt")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    make(options.data, options.work, options.wordnet)


if __name__ == "__main__":
    main()
