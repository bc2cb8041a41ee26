"""Trains the joint space: photos and texts to unit vectors whose cosine says how well they fit.

Photo side: rooted pooled features, decorrelated, through one hidden layer, plus the names of the
classes mixed by the roots of their probabilities. Text side: the token table, trained on texts
alone before (`text_table`), and a matrix here that is folded into its last layers. Loss: symmetric
InfoNCE; photos whose captions are alike are partly right, and texts of no photo are always wrong.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from weights import features, fit_vector, label_texts, text_corpus, text_table, wordpiece
from weights.text_table import TextEncoder, Tokens

WIDTH = 256

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Options:
    """What was tried; the values are those that were kept."""

    hidden: int = 512
    inputs: int = 640
    power: float = 0.0  # how far the inputs are whitened
    dropout: float = 0.5
    steps: int = 350
    batch: tuple[int, ...] = (512, 32, 48, 128)  # captioned, coco, scenes, imagenet
    rate: float = 2e-3
    text_rate: float = 4e-4
    text_dropout: float = 0.1
    table_rate: float = 7e-4  # of the token table's own rows
    decay: float = 0.3
    soft: float = 0.3
    soft_scale: float = 14.0
    abstract: int = 128  # texts of a batch that fit no photo
    names: float = 1.0
    mix: float = 1.0
    spare: int = 256  # pairs of captions without photos in a batch
    spare_share: float = 0.3  # what finding each other counts for them
    seed: int = 0


@dataclass(frozen=True)
class Inputs:
    """What the photo side sees of every photo: rows x views."""

    files: NDArray[np.str_]
    rooted: Floats  # [rows, views, 1280]
    chances: Floats  # [rows, views, 1000]


def inputs(work: Path) -> Inputs:
    """From the views extracted so far."""
    found = features.load(work)
    return Inputs(found.files, fit_vector.rooted(found.pooled), fit_vector.chances(found.logits))


def basis(x: Floats, width: int, power: float) -> tuple[Floats, Floats]:
    """Mean and matrix to decorrelated inputs, each scaled by its spread to -power."""
    mean = x.mean(0)
    spread, directions = np.linalg.eigh(fit_vector.covariance(x - mean))
    largest = np.argsort(-spread)[:width]
    matrix = directions[:, largest] * spread[largest] ** -power
    scale = np.sqrt(np.mean(((x - mean) @ matrix) ** 2))
    return mean.astype(np.float32), (matrix / scale).astype(np.float32)


class Head(nn.Module):
    """Both sides' layers that are trained on photos."""

    def __init__(self, options: Options, text: TextEncoder) -> None:
        super().__init__()
        self.first = nn.Linear(options.inputs, options.hidden)
        self.second = nn.Linear(options.hidden, WIDTH)
        self.names = nn.Linear(WIDTH, WIDTH, bias=False)
        self.layers = copy.deepcopy(nn.ModuleList([text.direct, text.first, text.second]))
        with torch.no_grad():
            self.names.weight.copy_(torch.eye(WIDTH) * options.names)
        self.keep, self.text_keep = options.dropout, options.text_dropout
        self.scale = nn.Parameter(torch.tensor(3.0))

    def photos(self, x: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
        """Unit vectors of photos; `mixed`: class names by their chances."""
        x = functional.dropout(x, self.keep / 2, self.training)
        hidden = functional.gelu(self.first(x), approximate="tanh")
        hidden = functional.dropout(hidden, self.keep, self.training)
        mixed = functional.dropout(mixed, self.keep / 2, self.training)
        return functional.normalize(self.second(hidden) + self.names(mixed), dim=1)

    def texts(self, x: torch.Tensor) -> torch.Tensor:
        """Unit vectors of texts from means of table rows."""
        direct, first, second = self.layers
        x = functional.normalize(x, dim=1) * text_table.GAIN
        x = functional.dropout(x, self.text_keep, self.training)
        x = direct(x) + second(functional.gelu(first(x), approximate="tanh"))
        return functional.normalize(x, dim=1)


@dataclass(frozen=True)
class Said:
    """Photos and what is said of them, ready to be drawn from."""

    rows: Ints  # row of the inputs, by photo
    pools: list[Ints]  # captioned photos, coco, scenes, imagenet
    texts: list[str]
    ends: NDArray[np.float64]  # photo + cumulated probability, by text
    key: Ints  # of a text that holds for other photos too, else -1
    holds: NDArray[np.bool_]  # [photos, keys]

    def draw(self, batch: tuple[int, ...], rng: np.random.Generator) -> Ints:
        """Photos of a batch."""
        return np.concatenate(
            [
                rng.choice(pool, min(size, len(pool)), replace=False)
                for pool, size in zip(self.pools, batch, strict=True)
            ]
        )

    def text_of(self, chosen: Ints, rng: np.random.Generator) -> Ints:
        """A text of each photo."""
        return np.searchsorted(self.ends, chosen + rng.random(len(chosen)) * 0.999999)

    def also_right(self, chosen: Ints, texts: Ints) -> NDArray[np.bool_]:
        """Pairs [text, photo] of a batch that are right too: not to be pushed apart."""
        keys = self.key[texts]
        found = self.holds[chosen][:, keys].T & (keys >= 0)[:, None]
        np.fill_diagonal(found, val=False)
        return np.asarray(found)


def said(told: list[label_texts.Told], files: NDArray[np.str_]) -> Said:
    """Number all texts of the photos."""
    at = {name: row for row, name in enumerate(files)}
    names = sorted({kind for one in told for kind in one.kinds})
    number = {name: place for place, name in enumerate(names)}
    holds = np.zeros((len(told), len(names) + 1), np.bool_)  # the last: of texts without a key
    texts: list[str] = []
    shares: list[float] = []
    keys: list[int] = []
    for place, one in enumerate(told):
        holds[place, [number[kind] for kind in one.kinds]] = True
        total = sum(one.weights)
        for part, weight in zip(one.parts, one.weights, strict=True):
            texts += part
            shares += [weight / total / len(part)] * len(part)
            keys += [label_texts.key_of(one, text, number) for text in part]
    ends = np.cumsum(np.array(shares))
    sets = np.array([one.file.split("/")[0] for one in told])
    labelled = ("coco", "scenes", "imagenet")
    pools = [np.flatnonzero(~np.isin(sets, labelled))]
    pools += [np.flatnonzero(sets == name) for name in labelled]
    rows = np.array([at[one.file] for one in told])
    return Said(rows, pools, texts, ends, np.array(keys), holds)


def means(text: TextEncoder, tokens: Tokens, texts: list[str]) -> torch.Tensor:
    """Means of table rows, unit length: what the text side's layers start from."""
    rows = text_table.means(text, text_table.bags(texts, tokens))
    return functional.normalize(rows, dim=1)


def mixing(count: int, share: float, rng: np.random.Generator) -> torch.Tensor:
    """How much of a second text or view goes in: none but for a share of the rows."""
    part = rng.random(count) * 0.5 * (rng.random(count) < share)
    return torch.from_numpy(part.astype(np.float32))[:, None]


def centres(spoken: Said, vectors: torch.Tensor) -> torch.Tensor:
    """Mean vector of what is said of each photo, unit length."""
    share = np.diff(spoken.ends, prepend=0.0)
    owner = np.minimum((spoken.ends - share / 2).astype(np.int64), len(spoken.rows) - 1)
    weighted = vectors * torch.from_numpy(share.astype(np.float32))[:, None]
    total = torch.zeros(len(spoken.rows), WIDTH).index_add(0, torch.from_numpy(owner), weighted)
    return functional.normalize(total, dim=1)


def class_names(start: tuple[TextEncoder, Tokens]) -> torch.Tensor:
    """Vectors of the class names, around zero."""
    called = [f"a photo of a {texts[0]}" for texts in text_corpus.class_texts()]
    with torch.no_grad():
        names = start[0].head(means(*start, called))
    return names - names.mean(0)


def photo_inputs(
    data: Inputs, rows: Ints, decorrelated: tuple[Floats, Floats], names: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Decorrelated features, and class names mixed by their chances: [photos, views, ...]."""
    kept = data.rooted[rows]
    mean, matrix = decorrelated
    flat = (kept.reshape(-1, kept.shape[2]) - mean) @ matrix  # one product, not one a photo
    mixed = torch.from_numpy(data.chances[rows]).flatten(0, 1) @ names
    shape = kept.shape[:2]
    return torch.from_numpy(flat.reshape(*shape, -1)), mixed.view(*shape, -1)


def set_rates(descent: torch.optim.Optimizer, rates: list[float], step: int, steps: int) -> None:
    """Quickly up, then down along a cosine."""
    part = min(1.0, (step + 1) / 30) * (1 + np.cos(np.pi * step / steps)) / 2
    for group, rate in zip(descent.param_groups, rates, strict=True):
        group["lr"] = rate * part


def fit_loss(
    scores: torch.Tensor, others: torch.Tensor, alike: torch.Tensor, options: Options
) -> torch.Tensor:
    """Symmetric InfoNCE; scores [texts, photos], others: of texts that fit no photo."""
    target = (1 - options.soft) * torch.eye(len(scores)) + options.soft * alike
    backward = target / target.sum(0, keepdim=True)
    across = torch.cat([scores, others]).log_softmax(0)[: len(scores)]
    return (-(target * scores.log_softmax(1)).sum(1).mean() - (backward * across).sum(0).mean()) / 2


@dataclass
class Trained:
    """Everything that makes joint vectors, in the form that is exported."""

    joint: fit_vector.Joint
    layers: dict[str, Floats]  # of the text side, and its table if that has learned

    def text(self, start: TextEncoder) -> TextEncoder:
        """The text side: the table of `start` under these layers."""
        made = copy.deepcopy(start)
        state = {name: torch.from_numpy(value) for name, value in self.layers.items()}
        made.load_state_dict(state, strict=False)
        return made.eval()

    @torch.no_grad()
    def encode(self, start: TextEncoder, tokens: Tokens, texts: list[str]) -> Floats:
        """Unit vectors of texts."""
        text = self.text(start)
        return text.head(text_table.means(text, text_table.bags(texts, tokens))).numpy()


def exported(head: Head, mean: Floats, matrix: Floats, names: Floats) -> Trained:
    """Decorrelation, scaling and names merged into plain matrices."""
    state = {name: value.detach().numpy() for name, value in head.named_parameters()}
    first = matrix @ state["first.weight"].T
    joint = fit_vector.Joint(
        first=first.astype(np.float32),
        bias=state["first.bias"] - mean @ fit_vector.stored(first),
        second=state["second.weight"].T.copy(),
        names=names @ state["names.weight"].T,
        offset=state["second.bias"],
    )
    layers = {}
    for name, number in (("direct", 0), ("first", 1), ("second", 2)):
        for part in ("weight", "bias"):
            layers[f"{name}.{part}"] = state[f"layers.{number}.{part}"]
    return Trained(joint, layers)


def made_of(
    head: Head, text: TextEncoder, mean: Floats, matrix: Floats, names: torch.Tensor
) -> Trained:
    """Photo side, layers and table of a head that has learned."""
    made = exported(head.eval(), mean, matrix, names.numpy())
    made.layers["table.weight"] = text.table.weight.detach().numpy()
    made.layers["weight"] = text.weight.detach().numpy()
    return made


def pairs_loss(
    head: Head, text: TextEncoder, spare: text_table.Groups, count: int, rng: np.random.Generator
) -> torch.Tensor:
    """Captions of one photo find each other, as in `text_table`: so its lessons are kept."""
    one, two = spare.pairs(count, rng)
    both = head.texts(text.pooled(*spare.bags.pick(np.concatenate([one, two]))))
    return text_table.pair_loss(both[: len(one)], both[len(one) :], head.scale.exp())


def rows_of(text: TextEncoder, tokens: Tokens, texts: list[str]) -> Callable[[Ints], torch.Tensor]:
    """Texts by number -> means of their rows, unit length."""
    bags = text_table.bags(texts, tokens)
    return lambda numbers: functional.normalize(text.pooled(*bags.pick(numbers)), dim=1)


def train(
    data: Inputs,
    told: list[label_texts.Told],
    unfitting: list[str],
    start: tuple[TextEncoder, Tokens],
    options: Options,
    spare: text_table.Groups,
) -> Trained:
    """One head for both sides."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    spoken = said(told, data.files)
    mean, matrix = basis(data.rooted[spoken.rows, 0], options.inputs, options.power)
    vectors = means(*start, spoken.texts)
    text = copy.deepcopy(start[0])
    said_of = rows_of(text, start[1], spoken.texts)
    unfit_of = rows_of(text, start[1], unfitting)
    with torch.no_grad():
        centre = centres(spoken, start[0].head(vectors))
    names = class_names(start)
    x, mixed = photo_inputs(data, spoken.rows, (mean, matrix), names)
    head = Head(options, start[0])
    slow = list(head.layers.parameters())
    rest = [part for name, part in head.named_parameters() if not name.startswith("layers.")]
    descent = torch.optim.AdamW(
        [
            {"params": rest, "lr": options.rate, "weight_decay": options.decay},
            {"params": slow, "lr": options.text_rate, "weight_decay": 0.0},
            {
                "params": [text.table.weight, text.weight],
                "lr": options.table_rate,
                "weight_decay": 0.0,
            },
        ],
        fused=True,
    )
    rates = [group["lr"] for group in descent.param_groups]
    head.train(), text.train()
    began = time.time()
    for step in range(options.steps):
        set_rates(descent, rates, step, options.steps)
        chosen = spoken.draw(options.batch, rng)
        texts, more = spoken.text_of(chosen, rng), spoken.text_of(chosen, rng)
        part = mixing(len(chosen), options.mix, rng)
        # A text that holds for other photos too is left as it is.
        alone = torch.from_numpy((spoken.key[texts] >= 0) | (spoken.key[more] >= 0))[:, None]
        first, second = said_of(texts), said_of(more)
        words = torch.where(alone, first, torch.lerp(first, second, part))
        one, two = rng.integers(0, x.shape[1], (2, len(chosen)))
        part = mixing(len(chosen), options.mix, rng)
        image = head.photos(
            torch.lerp(x[chosen, one], x[chosen, two], part),
            torch.lerp(mixed[chosen, one], mixed[chosen, two], part),
        )
        scale = head.scale.exp()
        right = torch.from_numpy(spoken.also_right(chosen, texts))
        scores = (head.texts(words) @ image.T * scale).masked_fill(right, -1e4)
        unfit = rng.integers(0, len(unfitting), options.abstract)
        others = head.texts(unfit_of(unfit)) @ image.T * scale
        alike = (centre[chosen] @ centre[chosen].T * options.soft_scale).softmax(1)
        loss = fit_loss(scores, others, alike.masked_fill(right, 0), options)
        if options.spare:
            loss = loss + options.spare_share * pairs_loss(head, text, spare, options.spare, rng)
        descent.zero_grad()
        loss.backward()
        descent.step()
        if step % 300 == 0 or step == options.steps - 1:
            told_so = f"{step} loss {loss.item():.3f} scale {scale.item():.1f}"
            print(told_so, f"{time.time() - began:.0f} s", flush=True)
    return made_of(head, text, mean, matrix, names)


def captioned(told: list[label_texts.Told], gallery: set[str]) -> tuple[list[str], list[str], Ints]:
    """Files of a gallery, the captions of those that have some, and whose they are."""
    names = sorted(gallery)
    place = {name: number for number, name in enumerate(names)}
    texts: list[str] = []
    owner: list[int] = []
    for one in told:
        if one.file in place and one.captioned:
            texts += one.parts[0]
            owner += [place[one.file]] * len(one.parts[0])
    return names, texts, np.array(owner)


def unfitting(data: Path, wordnet: Path | None) -> list[str]:
    """Texts of no photo: abstract nouns without words of captions."""
    captions = text_corpus.caption_groups(data, set())
    seen = {word for group in captions for one in group for word in wordpiece.words(one)}
    return text_corpus.abstract(wordnet, seen)
