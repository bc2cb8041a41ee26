"""One head that says what several heads say together: as small as one, nearly as good as all.

Heads of several seeds err differently, and the mean of their cosines is better than each. Their
vectors, one after another, lie nearly in 256 dimensions; a new head is trained to give these
projections: for photos and mixtures of photos, for what is said of them, and for captions,
definitions and names without photos (which the heads themselves hardly saw). Beside that it tells
photos apart as the heads do together (softened InfoNCE).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from weights import label_texts, text_table, train_joint
from weights.text_table import Bags, TextEncoder, Tokens
from weights.train_joint import WIDTH, Head, Inputs, Said, Trained

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Options:
    """What was tried; the values are those that were kept."""

    steps: int = 300
    rate: float = 1e-3
    text_rate: float = 4e-4
    table_rate: float = 7e-4
    decay: float = 0.05
    dropout: float = 0.1  # the aim is a function of the photo, not a label: little is enough
    texts: int = 768  # of a batch, that belong to no photo
    unfitting: int = 128
    like: float = 30.0  # weight of both distances from the aims, beside the loss of scores
    hard: float = 0.3  # share of the true pairs in the wanted scores; the rest: as the heads say
    sharpness: float = 25.0  # of the heads' scores
    seed: int = 0


@dataclass(frozen=True)
class Teachers:
    """Heads side by side, and the projection of their vectors to WIDTH numbers."""

    heads: list[Trained]
    texts: list[TextEncoder]
    matrix: torch.Tensor  # [heads * WIDTH, WIDTH]

    def project(self, vectors: list[NDArray[np.float32]]) -> torch.Tensor:
        """Unit vectors from those of each head."""
        found = torch.from_numpy(np.concatenate(vectors, 1)) @ self.matrix
        return functional.normalize(found, dim=1)

    @torch.no_grad()
    def said(self, bags: Bags, chosen: Ints) -> torch.Tensor:
        """Aims of some texts."""
        picked = bags.pick(chosen)
        return self.project([text(*picked).numpy() for text in self.texts])

    def seen(self, rooted: train_joint.Floats, chances: train_joint.Floats) -> torch.Tensor:
        """Aims of photos."""
        return self.project([one.joint.of(rooted, chances) for one in self.heads])


def teachers(
    heads: list[Trained], start: TextEncoder, data: Inputs, spoken: Said, bags: Bags
) -> Teachers:
    """The projection keeps most of all cosines, and lies as near as can be to the first head."""
    texts = [one.text(start) for one in heads]
    rows = spoken.rows[::2]
    some = np.arange(0, len(bags.starts) - 1, 8)
    with torch.no_grad():
        vectors = np.concatenate(
            [
                np.concatenate([one(*bags.pick(some)).numpy() for one in texts], 1),
                np.concatenate(
                    [one.joint.of(data.rooted[rows, 0], data.chances[rows, 0]) for one in heads], 1
                ),
            ]
        )
    _, directions = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    low = directions[:, -WIDTH:]
    left, _, right = np.linalg.svd((vectors @ low).T @ vectors[:, :WIDTH].astype(np.float64))
    return Teachers(heads, texts, torch.from_numpy((low @ left @ right).astype(np.float32)))


def mixed_with(x: torch.Tensor, order: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    """Rows, and rows mixed with others."""
    return torch.cat([x, torch.lerp(x, x[order], part)])


def scores_loss(
    scores: torch.Tensor, others: torch.Tensor, wanted: torch.Tensor, hard: float
) -> torch.Tensor:
    """Symmetric cross entropy; `wanted`: the heads' scores; `others`: of texts of no photo."""
    own = hard * torch.eye(len(scores))
    forward = own + (1 - hard) * wanted.softmax(1)
    backward = own + (1 - hard) * wanted.softmax(0)
    across = torch.cat([scores, others]).log_softmax(0)[: len(scores)]
    return (
        -(forward * scores.log_softmax(1)).sum(1).mean() - (backward * across).sum(0).mean()
    ) / 2


def descent_of(head: Head, text: TextEncoder, options: Options) -> torch.optim.AdamW:
    """Only the photo side decays."""
    slow = list(head.layers.parameters())
    rest = [part for name, part in head.named_parameters() if not name.startswith("layers.")]
    table = [text.table.weight, text.weight]
    return torch.optim.AdamW(
        [
            {"params": rest, "lr": options.rate, "weight_decay": options.decay},
            {"params": slow, "lr": options.text_rate, "weight_decay": 0.0},
            {"params": table, "lr": options.table_rate, "weight_decay": 0.0},
        ],
        fused=True,
    )


@dataclass(frozen=True)
class Material:
    """What a batch is drawn from."""

    spoken: Said
    bags: Bags  # of what is said of photos
    corpus: Bags  # texts without photos
    unfitting: Bags
    x: torch.Tensor
    mixed: torch.Tensor
    aims: torch.Tensor  # [photos, views, WIDTH]


def loss_of(
    head: Head,
    text: TextEncoder,
    taught: Teachers,
    have: Material,
    options: Options,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Of one batch."""
    spoken = have.spoken
    chosen = spoken.draw(train_joint.Options().batch, rng)
    count = len(chosen)
    texts = spoken.text_of(chosen, rng)
    one, two = rng.integers(0, have.x.shape[1], (2, count))
    part = train_joint.mixing(count, 1.0, rng)
    x, mixed, aims = (
        torch.lerp(kind[chosen, one], kind[chosen, two], part)
        for kind in (have.x, have.mixed, have.aims)
    )
    order = torch.from_numpy(rng.permutation(count))
    part = train_joint.mixing(count, 1.0, rng)
    image = head.photos(mixed_with(x, order, part), mixed_with(mixed, order, part))
    wanted = functional.normalize(mixed_with(aims, order, part), dim=1)
    loss = options.like * (1 - (image * wanted).sum(1).mean())
    spare = rng.integers(0, len(have.corpus.starts) - 1, options.texts)
    ours, theirs = taught.said(have.bags, texts), taught.said(have.corpus, spare)
    said = head.texts(text.pooled(*have.bags.pick(texts)))
    more = head.texts(text.pooled(*have.corpus.pick(spare)))
    alike = torch.cat([(said * ours).sum(1), (more * theirs).sum(1)])
    loss = loss + options.like * (1 - alike.mean())
    unfit = rng.integers(0, len(have.unfitting.starts) - 1, options.unfitting)
    image, scale = image[:count], head.scale.exp()
    others = head.texts(text.pooled(*have.unfitting.pick(unfit))) @ image.T * scale
    right = torch.from_numpy(spoken.also_right(chosen, texts))
    scores = (said @ image.T * scale).masked_fill(right, -1e4)
    soft = (ours @ wanted[:count].T * options.sharpness).masked_fill(right, -1e4)
    return loss + scores_loss(scores, others, soft, options.hard)


def distil(
    data: Inputs,
    told: list[label_texts.Told],
    texts: tuple[list[str], Bags],
    start: tuple[TextEncoder, Tokens],
    heads: list[Trained],
    options: Options,
) -> Trained:
    """A head in the place of several; `texts`: of no photo, and without photos."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    spoken = train_joint.said(told, data.files)
    bags = text_table.bags(spoken.texts, start[1])
    taught = teachers(heads, start[0], data, spoken, bags)
    text = heads[0].text(start[0]).train()
    text.dropout = 0.0
    shape = replace(train_joint.Options(), dropout=options.dropout, text_dropout=0.0)
    mean, matrix = train_joint.basis(data.rooted[spoken.rows, 0], shape.inputs, shape.power)
    names = train_joint.class_names((text, start[1]))
    x, mixed = train_joint.photo_inputs(data, spoken.rows, (mean, matrix), names)
    views = range(data.rooted.shape[1])
    aims = [taught.seen(data.rooted[spoken.rows, v], data.chances[spoken.rows, v]) for v in views]
    unfitting = text_table.bags(texts[0], start[1])
    have = Material(spoken, bags, texts[1], unfitting, x, mixed, torch.stack(aims, 1))
    head = Head(shape, text)
    nn.init.constant_(head.scale, float(np.log(options.sharpness)))
    descent = descent_of(head, text, options)
    rates = [group["lr"] for group in descent.param_groups]
    head.train()
    began = time.time()
    for step in range(options.steps):
        train_joint.set_rates(descent, rates, step, options.steps)
        loss = loss_of(head, text, taught, have, options, rng)
        descent.zero_grad()
        loss.backward()
        descent.step()
        if step % 100 == 0 or step == options.steps - 1:
            print(f"distil {step} loss {loss.item():.3f} {time.time() - began:.0f} s", flush=True)
    return train_joint.made_of(head, text, mean, matrix, names)
