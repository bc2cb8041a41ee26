"""What a pack in 8 bits costs and gives beside the same model in 32: speed, cosines, recall.

    python -m benchmarks.eight_bits [--wide PACK] [--narrow PACK] [--photos FOLDER]

The packs are names or folders: of real weights, as `localsearch packs export ViT-B-32 --pretrained
TAG` and the same with `--precision int8 --name clip-vit-b32-int8` make them. Recall is the share of
the ten best of 32 bits that are among the ten best of 8, for photos and for texts as queries. With
random weights it means nothing (all photos lie side by side), so it has no target then. Without
photos of yours they are drawn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from benchmarks import alone, pictures
from benchmarks.figures import Figure, Result, Target, spread
from benchmarks.timing import Run, in_turn
from benchmarks.workspace import QUICK, Workspace
from localsearch.encoders import open_image_encoder
from localsearch.encoders.text_network import TextNetwork, open_text_encoder
from localsearch.errors import LocalsearchError, PictureError
from localsearch.pack import Pack, find_pack, load_pack
from localsearch.packs.calibrate import captions
from localsearch.pipeline.look import look_at
from localsearch.sources.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

BEST: Final = 10
RECALL, FASTER = Target(least=0.95), Target(least=1.6)
_PHOTOS, _MOST = 200, 1000  # drawn; looked at
_SIZE = (320, 240)
_TIMED = 8  # pictures or texts a round


class Side:
    """A pack whose networks run on one thread of the CPU."""

    def __init__(self, pack: Pack) -> None:
        texts = open_text_encoder(pack, provider="cpu")
        if not isinstance(texts, TextNetwork):
            raise LocalsearchError(f"{pack.name} has no text network")
        self.pack, self.texts = pack, texts
        self.images = open_image_encoder(pack, provider="cpu")

    def photos(self, files: Sequence[bytes]) -> Floats:
        """Unit vectors [n, D] of encoded pictures."""
        seen = [look_at(one, self.pack.image, DEFAULT_LIMITS, 0).prepared for one in files]
        return self.images.encode(seen)[0].astype(np.float64)

    def words(self, texts: Sequence[str]) -> Floats:
        """Unit vectors [n, D] of texts."""
        return self.texts.encode_many(texts).astype(np.float64)


def measured(wide: Side, narrow: Side, files: Sequence[bytes], rounds: int) -> Result:
    """All figures; the networks of both sides run in turn."""
    random = "(random" in wide.pack.manifest.summary
    target = None if random else RECALL
    photos = wide.photos(files), narrow.photos(files)
    words = wide.words(captions()), narrow.words(captions())
    figures = [
        *_speeds(wide, narrow, files[:_TIMED], rounds),
        _cosines("photos", *photos),
        _cosines("texts", *words),
        Figure(f"photos as queries, recall@{BEST}", alike(*photos), target=target),
        Figure(
            f"texts as queries, recall@{BEST}",
            recall(words[0] @ photos[0].T, words[1] @ photos[1].T),
            target=target,
        ),
    ]
    notes = [f"{wide.pack.name} and {narrow.pack.name}: {len(files)} photos, {len(words[0])} texts"]
    if random:
        notes.append("random weights: cosines and speed are right, recall means nothing")
    return Result(tuple(figures), tuple(notes))


def _speeds(wide: Side, narrow: Side, files: Sequence[bytes], rounds: int) -> Iterator[Figure]:
    texts = captions()[:_TIMED]

    def encoded(side: Side) -> Run:
        seen = [look_at(one, side.pack.image, DEFAULT_LIMITS, 0).prepared for one in files]
        return in_turn({"": lambda: side.images.encode(seen)}, 1, warm=0)[""][0]

    for what, runs in (
        ("pictures", in_turn({"w": lambda: encoded(wide), "n": lambda: encoded(narrow)}, rounds)),
        (
            "texts",
            in_turn({"w": lambda: wide.words(texts), "n": lambda: narrow.words(texts)}, rounds),
        ),
    ):
        pairs = list(zip(runs["w"], runs["n"], strict=True))
        each = [1e3 * one.wall / _TIMED for one in runs["n"]]
        note = f"8 bits: {np.median(each):.1f} ms each, on one thread"
        ratios = [a.wall / b.wall for a, b in pairs]
        yield spread(f"{what}: 32 bits over 8", ratios, "x", FASTER, note)


def _cosines(what: str, wide: Floats, narrow: Floats) -> Figure:
    cosines = np.sum(wide * narrow, axis=1)
    cosines /= np.linalg.norm(wide, axis=1) * np.linalg.norm(narrow, axis=1)
    note = f"least {cosines.min():.5f}, median {np.median(cosines):.5f}"
    return spread(f"{what}: cosine of both", [float(one) for one in cosines], note=note)


def alike(wide: Floats, narrow: Floats) -> float:
    """Recall where each photo asks for the others."""
    found = [vectors @ vectors.T for vectors in (wide, narrow)]
    for likeness in found:
        np.fill_diagonal(likeness, -2.0)
    return recall(found[0], found[1])


def recall(right: Floats, found: Floats) -> float:
    """Of likenesses [queries, photos]: the mean share of the best of `right` that `found` has."""
    best = [np.argsort(-each, axis=1, kind="stable")[:, :BEST] for each in (right, found)]
    shares = [len(set(a) & set(b)) / len(a) for a, b in zip(*best, strict=True)]
    return float(np.mean(shares))


def _files(folder: Path | None, work: Workspace) -> list[bytes]:
    """Photos that can be read, as they lie in the folder; drawn ones without."""
    if folder is None:
        folder = work.folder / "drawn"
        for seed in range(_PHOTOS):
            pictures.save(pictures.photo_like(seed, _SIZE), folder / f"{seed:03d}.jpg")
    found = list[bytes]()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and len(found) < _MOST:
            data = path.read_bytes()
            try:
                look_at(data, load_pack(find_pack("general")).image, DEFAULT_LIMITS, 0)
            except PictureError:
                continue
            found.append(data)
    return found


def main(args: Sequence[str]) -> int:
    """Measure and tell; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eight_bits")
    parser.add_argument("--wide", metavar="PACK", default="clip-vit-b32")
    parser.add_argument("--narrow", metavar="PACK", default="clip-vit-b32-int8")
    parser.add_argument("--photos", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(args)
    return alone.tell("eight_bits", args, lambda: _compared(options), options.json)


def _compared(options: argparse.Namespace) -> Result:
    try:
        wide, narrow = (Side(load_pack(find_pack(one))) for one in (options.wide, options.narrow))
    except LocalsearchError as fault:
        return Result(skipped=f"{fault.message}: `localsearch packs export` makes such packs")
    with Workspace(None, QUICK, lambda text: print(text, file=sys.stderr)) as work:
        return measured(wide, narrow, _files(options.photos, work), options.rounds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
