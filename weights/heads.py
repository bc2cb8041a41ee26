"""The heads of the network and the text part: trained on all photos, and once without some.

    python -m weights.heads --data ../shared --work ../build-cache --out folder

Some heads are trained and one is distilled from them (`distil`). The pack gets the one that has
seen every photo with words. The figures come from one of the same kind that has seen neither
Flickr8k's development photos nor any COCO photo. Holiday photos and near duplicates are never
trained on.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from weights import (
    build_network,
    distil,
    features,
    fit_vector,
    label_texts,
    text_corpus,
    text_files,
    text_table,
    train_joint,
)
from weights.fit_vector import Projection
from weights.text_table import Bags, Groups, TextEncoder, Tokens
from weights.train_joint import Options, Trained

# Heads that the one of the pack is distilled from; they err the more differently.
TEACHERS = (
    Options(spare=0),
    Options(seed=1),
    Options(seed=2, hidden=768, dropout=0.6, spare_share=0.15),
)
RESAMPLED = 500
NOT_VISUAL = ("imagenet", "holidays", "near")  # likeness is reported on these

Figures = dict[str, list[list[float]]]


@dataclass(frozen=True)
class Material:
    """What training needs, read once."""

    data: train_joint.Inputs
    raw: features.Views
    told: list[label_texts.Told]
    unfitting: list[str]
    spare: Groups  # captions by photo, without photos
    corpus: Bags  # these, and what dictionary and class list say
    start: tuple[TextEncoder, Tokens]
    dev: set[str]
    coco: set[str]


def material(data: Path, work: Path, wordnet: Path | None) -> Material:
    """Everything from the caches and the sources."""
    told = label_texts.everything(data, wordnet)
    held_out = text_corpus.held_out(data)
    start = text_table.load(work / "text-start.pt")
    captions = text_corpus.caption_groups(data, text_corpus.unread(held_out))
    groups = [*captions, *text_corpus.glosses(wordnet), *text_corpus.class_texts()]
    return Material(
        train_joint.inputs(work),
        features.load(work),
        told,
        train_joint.unfitting(data, wordnet)[::4],
        text_table.grouped(captions, start[1]),
        text_table.bags([text for group in groups for text in group], start[1]),
        start,
        held_out,
        {one.file for one in told if one.file.startswith("coco/")},
    )


def trained(found: Material, without: set[str]) -> Trained:
    """One head, distilled from several."""
    told = [one for one in found.told if one.file not in without]
    several = [
        train_joint.train(found.data, told, found.unfitting, found.start, options, found.spare)
        for options in TEACHERS
    ]
    texts = (found.unfitting, found.corpus)
    return distil.distil(found.data, told, texts, found.start, several, distil.Options())


def ranks(
    made: Trained, found: Material, gallery: set[str], view: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each caption how many photos of a gallery fit it better than its own; its own photo."""
    at = {name: row for row, name in enumerate(found.raw.files)}
    names, texts, owner = train_joint.captioned(found.told, gallery)
    rows = np.array([at[name] for name in names])
    image = made.joint(found.raw.pooled[rows, view], found.raw.logits[rows, view])
    text = made.encode(*found.start, texts)
    scores = text @ image.T
    own = scores[np.arange(len(texts)), owner][:, None]
    return np.asarray((scores > own).sum(1)), np.asarray(owner)


def recall(rank: NDArray[np.int64], owner: NDArray[np.int64]) -> list[list[float]]:
    """Recall at 1, 5 and 10 with its 95 % interval over photos."""
    rng = np.random.default_rng(0)
    _, owner, captions = np.unique(owner, return_inverse=True, return_counts=True)
    drawn = rng.integers(0, len(captions), (RESAMPLED, len(captions)))
    found = []
    for k in (1, 5, 10):
        right = np.bincount(owner, rank < k) / captions
        low, high = np.percentile(right[drawn].mean(1), [2.5, 97.5])
        found.append([round(float(x), 3) for x in (right.mean(), low, high)])
    return found


def held_out(found: Material) -> tuple[Figures, Trained]:
    """Figures of heads that have not seen the photos, and these heads."""
    made = trained(found, found.dev | found.coco)
    galleries = {"captioned, held out": found.dev, "coco": found.coco}
    figures = {
        f"{name}, {len(gallery)} photos": recall(*ranks(made, found, gallery))
        for name, gallery in galleries.items()
        if gallery
    }
    for name, figure in figures.items():
        print(name, figure, flush=True)
    return figures, made


def visual(found: Material) -> fit_vector.Visual:
    """The visual part, from photos that likeness is not reported on."""
    sets = np.array([name.split("/")[0] for name in found.raw.files])
    rows = np.flatnonzero(~np.isin(sets, NOT_VISUAL))
    return fit_vector.fit_visual(found.raw.pooled[rows, 0], found.raw.logits[rows, 0])


def write_texts(made: Trained, found: Material, work: Path, folder: Path) -> None:
    """The text files, with the tokens that some text of the training has."""
    folder.mkdir(parents=True, exist_ok=True)
    start, tokens = found.start
    texts = [text for one in found.told for part in one.parts for text in part]
    used = {row for text in [*texts, *found.unfitting] for row in tokens.of(text)}
    used |= set(np.load(work / "text-used.npy").tolist())
    text_files.write(made.text(start), tokens, used, folder)


def build(data: Path, work: Path, pack: Path, wordnet: Path | None) -> Projection:
    """Network and text files of the pack; the same of the held-out heads in `work`/held-out."""
    torch.set_num_threads(1)
    found = material(data, work, wordnet)
    seen_less = work / "held-out"
    figures, heads = held_out(found)
    write_texts(heads, found, work, seen_less)
    v = visual(found)
    fit_vector.save(Projection(v, heads.joint), seen_less / "projection.npz")
    (seen_less / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    made = trained(found, set())
    projection = Projection(v, made.joint)
    build_network.write_network(pack / "image.onnx", projection)
    write_texts(made, found, work, pack)
    fit_vector.save(projection, work / "projection.npz")
    return projection


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    build(options.data, options.work, options.out, options.wordnet)


if __name__ == "__main__":
    main()
