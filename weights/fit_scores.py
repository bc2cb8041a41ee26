"""Fits both score maps and the floor of text search on the stored vector; writes `scores.json`.

    python -m weights.fit_scores --data ../shared --work ../build-cache --pack folder

Fitted on one half of the holiday groups, of the queries and of the captioned photos, reported on
the other, with heads that have not seen the captioned photos. The decoys: `text_decoys.npy`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weights import (
    calibrate,
    features,
    fit_text_scores,
    fit_vector,
    label_texts,
    photos,
    text_corpus,
    text_files,
)
from weights.decoys import NONSENSE, SENSIBLE
from weights.fit_text_scores import Case, Cases
from weights.text_files import TextFiles
from weights.text_table import GAIN
from weights.train_joint import captioned

DECOYS_OF = {"coco": 0, "holidays": 0, "near": 0, "scenes": 280, "imagenet": 1000}
EACH = 2000  # photos of any other set among the decoys
LIBRARIES = ("holidays", "scenes", "coco")  # that the floor is judged on

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Library:
    """Stored vectors of all photos, and the text part."""

    raw: features.Views
    vectors: NDArray[np.float32]
    projection: fit_vector.Projection
    texts: TextFiles

    def sets(self) -> list[str]:
        """Names of the sets, in the order of their photos."""
        return list(dict.fromkeys(name.split("/")[0] for name in self.raw.files))

    def rows(self, name: str) -> NDArray[np.intp]:
        """Rows of one set."""
        return self.raw.rows(name)

    def cosines(self, texts: list[str], rows: NDArray[np.intp]) -> Floats:
        """Cosines of queries with stored vectors."""
        return self.projection.query(self.texts(texts)) @ self.vectors[rows].T


def read(work: Path, texts: Path, projected: Path) -> Library:
    """From the caches, a folder of text files and a projection."""
    raw = features.load(work)
    projection = fit_vector.load(projected)
    vectors = projection(raw.pooled[:, 0], raw.logits[:, 0])
    return Library(raw, vectors, projection, text_files.read(texts))


def reference(library: Library, data: Path) -> tuple[photos.PhotoSet, list[str]]:
    """The photos that scores are fitted with, and the scene of each: holidays where they are."""
    name = "holidays" if len(library.rows("holidays")) else library.sets()[0]
    found = photos.photo_set(data, name)
    return found, found.column("group") if name == "holidays" else found.files


def decoys(library: Library) -> NDArray[np.float16]:
    """Typical photos as a text sees them: stored vectors whose visual part is zero."""
    rng = np.random.default_rng(0)
    sizes = {name: DECOYS_OF.get(name, EACH) for name in library.sets()}
    if not any(sizes.values()):
        sizes = dict.fromkeys(sizes, EACH)
    chosen = [rng.permutation(library.rows(name))[:size] for name, size in sizes.items()]
    joint = library.vectors[np.concatenate(chosen), fit_vector.VISUAL :]
    centres = fit_text_scores.decoys(fit_vector.unit(joint))
    return library.projection.query(centres * np.sqrt(library.projection.share)).astype(np.float16)


def cases(
    library: Library,
    background: NDArray[np.float16],
    photo_rows: dict[str, NDArray[np.intp]],
    own: dict[str, tuple[list[str], NDArray[np.intp]]],
    part: int,
) -> Cases:
    """Queries of one half with some photos, and captions with the photo of each."""

    def of(texts: list[str], rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        query = library.projection.query(library.texts(texts))
        return query @ library.vectors[rows].T, query @ background.astype(np.float32).T

    def asked(texts: tuple[str, ...], rows: NDArray[np.intp]) -> Case:
        cosines, behind = of(list(texts[part::2]), rows)
        return fit_text_scores.case(cosines, cosines, behind)

    mine = {}
    for name, (captions, owner) in own.items():
        theirs = np.unique(owner)
        cosines, behind = of(captions, theirs)
        right = cosines[np.arange(len(captions)), np.searchsorted(theirs, owner)][:, None]
        mine[name] = fit_text_scores.case(right, cosines, behind)
    return Cases(
        {name: (asked(SENSIBLE, rows), asked(NONSENSE, rows)) for name, rows in photo_rows.items()},
        mine,
    )


def halves_of(
    library: Library, data: Path, wordnet: Path | None, held: set[str]
) -> tuple[list[Cases], NDArray[np.float16]]:
    """Both halves of queries, photos and captions, and the decoys."""
    background = decoys(library)
    judge, named = reference(library, data)
    groups = np.unique(named, return_inverse=True)[1]
    told = label_texts.everything(data, wordnet)
    at = {name: row for row, name in enumerate(library.raw.files)}
    halves = []
    for part in (0, 1):
        rows = {name: library.rows(name)[part::2] for name in LIBRARIES}
        rows = {name: some for name, some in rows.items() if len(some)}
        rows[judge.name] = library.rows(judge.name)[groups % 2 == part]
        own = {}
        for name in dict.fromkeys(one.split("/")[0] for one in sorted(held)):
            mine = {one for one in held if one.startswith(f"{name}/") and at[one] % 2 == part}
            files, captions, owner = captioned(told, mine)
            own[name] = (captions, np.array([at[files[number]] for number in owner]))
        halves.append(cases(library, background, rows, own, part))
    return halves, background


def text_scores(
    library: Library, data: Path, wordnet: Path | None, held: set[str]
) -> tuple[dict[str, Any], NDArray[np.float16]]:
    """Map and floor from one half, figures from the other; `held`: captioned photos to use."""
    halves, background = halves_of(library, data, wordnet, held)
    floor = fit_text_scores.fit_floor(halves[0])
    own = list(halves[0].own.values())
    floors = np.concatenate([floor.of(one) for one in own])
    right = np.concatenate([one.cosines for one in own])
    unrelated = next(iter(halves[0].libraries.values()))[0].cosines
    found = {
        "text": fit_text_scores.text_map(unrelated, floors, right),
        "floor_spreads": floor.spreads,
        "floor_doubt": floor.doubt,
        "floor_known": floor.known,
        "floor_least": floor.least,
        "floor_enough": floor.enough,
        "fitted": fit_text_scores.report(halves[0], floor),
        "other half": fit_text_scores.report(halves[1], floor),
    }
    return found, background


def visual_points(library: Library, data: Path, extractor: photos.Extractor) -> list[list[float]]:
    """The visual map, from holiday, COCO and ImageNet photos and copies of holiday photos."""
    judge, named = reference(library, data)
    plain = library.vectors[library.rows(judge.name)]
    others = [library.vectors[library.rows("coco")], library.vectors[library.rows("imagenet")][::3]]
    alone = [f"alone-{number}" for number in range(sum(map(len, others)))]
    unrelated = calibrate.unrelated_cosines(np.concatenate([plain, *others]), named + alone)
    rows, kinds, found = calibrate.likeness_of_variants(extractor, judge)
    copies = library.projection(found.feature, found.logits)
    return calibrate.score_map(unrelated, (plain[rows] * copies).sum(1), kinds)


STOP_WORDS = (
    "a an the of in on at to and or is are was were be been being it its this that these those "
    "with without by for from as he she they his her their i you we my your our me him them who "
    "what which there here not no do does did has have had will would can could so than then if "
    "but about into over very some any all"
)
CONCEPT_WEIGHT = 0.05  # small: the names of the classes are in the joint part already


def section(scores: dict[str, Any]) -> dict[str, Any]:
    """[text] of the manifest."""
    return {
        "tokens": "text_tokens.txt",
        "table": "text_table.npy",
        "scales": "text_scales.npy",
        "head": "text_head.npy",
        "gain": GAIN,
        "stop_words": STOP_WORDS.split(),
        "decoys": "text_decoys.npy",
        "concept_weight": CONCEPT_WEIGHT,
        **{name: value for name, value in scores.items() if name.startswith("floor_")},
    }


def build(
    data: Path, work: Path, pack: Path, extractor: photos.Extractor, wordnet: Path | None
) -> dict[str, Any]:
    """Maps and floor (from the held-out heads), and the decoys of the pack's heads."""
    held_out = work / "held-out"
    library = read(work, held_out, held_out / "projection.npz")
    held = text_corpus.held_out(data)
    held |= {name for name in library.raw.files if name.startswith("coco/")}
    found, _ = text_scores(library, data, wordnet, held)
    shipped = read(work, pack, work / "projection.npz")
    np.save(pack / "text_decoys.npy", decoys(shipped))
    found["visual"] = visual_points(shipped, data, extractor)
    (work / "scores.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path)
    options = parser.parse_args()
    extractor = photos.Extractor(options.work / "features.onnx", options.work)
    found = build(options.data, options.work, options.pack, extractor, options.wordnet)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
