"""Trains, judges and writes the everyday concepts: probes, calibration, table, figures.

    python -m weights.build_everyday --data ../shared --work ../build-cache --out weights/general

Needs the features of `weights.features` and both projections of `weights.heads` in `--work`. The
probes read the pack's vectors; which concepts are kept, how their scores are read, and all figures
come from probes of the held-out heads, to which COCO's photos are as new as a user's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weights import (
    build_concepts,
    calibrate,
    calibrate_probes,
    caption_probes,
    features,
    fit_vector,
    leaning,
    metrics,
    photos,
    probe_labels,
    sources,
    tables,
    text_corpus,
    text_files,
    train_probes,
)
from weights.calibrate_probes import Verdict
from weights.probe_words import Everyday, everyday
from weights.train_probes import NAMED, Examples, Trained
from weights.wordnet import Synset, leaf_sets, read_nouns

SCENES = {
    "city": "p-city",
    "field": "p-field",
    "forest": "p-forest",
    "lake": "p-lake",
    "mountain": "p-mountain",
    "ocean": "p-sea",
    "road": "p-road",
}
TEMPERATURE = 0.62  # where there is no ImageNet photo to fit it on
AT_LEAST = 0.05  # calibration is judged where something is said at all

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def below(nouns: dict[str, Synset], classes: list[str]) -> Rows:
    """Classes x everyday concepts: which classes show one."""
    leaves = leaf_sets(nouns, classes)
    found = np.zeros((len(classes), len(everyday())), bool)
    for at, one in enumerate(everyday()):
        for id in one.classes:
            found[sorted(leaves[id]), at] = True
    return found


def class_temperature(data: Path, views: features.Views) -> float:
    """From every other photo of the ImageNet sample; the rest is for reporting."""
    sample = photos.photo_set(data, "imagenet")
    if not sample.files:
        return TEMPERATURE
    classes = np.array([int(index) for index in sample.column("index")])
    even = classes % 2 == 0
    logits = views.logits[views.rows("imagenet"), 0].astype(np.float32)
    return calibrate.temperature(logits[even], classes[even])


def chosen(verdicts: list[Verdict], leans: dict[int, float]) -> list[int]:
    """Columns of the probes of the pack: own concepts that clear the bar, then refined ones."""
    kept = [at for at, one in enumerate(everyday()) if one.ours and verdicts[at].kept]
    return kept + sorted(leans)


def by_classes(made: Examples, verdicts: list[Verdict], columns: list[int]) -> dict[int, Verdict]:
    """The WordNet concepts without a probe whose classes alone clear the bar."""
    found = {
        at: calibrate_probes.judge(made, made.own.astype(np.float64), at)
        for at, one in enumerate(everyday())
        if not one.ours and at not in columns and verdicts[at].photos
    }
    return {at: verdict for at, verdict in found.items() if verdict.kept}


def arrays(
    trained: Trained, columns: list[int], shows: Rows
) -> tuple[NDArray[np.float32], list[list[int]]]:
    """Probe weights (vector, roots of input shares, bias) and the classes of each input."""
    mixing = trained.model.mixing[:, columns]
    used = [at for at in range(shows.shape[1]) if shows[:, at].any() and np.any(mixing[at])]
    root = np.sqrt(len(trained.model.weights))  # examples are scaled by it
    rows = np.concatenate(
        [trained.model.weights[:, columns] * root, mixing[used], trained.model.bias[None, columns]]
    )
    return rows.T.astype(np.float32), [np.flatnonzero(shows[:, at]).tolist() for at in used]


def write(
    out: Path,
    concepts: list[build_concepts.Concept],
    probes: NDArray[np.float32],
    inputs: list[list[int]],
    readings: dict[str, Verdict],
) -> None:
    """concepts.tsv, probes.npy, probe_inputs.txt, calibration.npy."""
    out.mkdir(parents=True, exist_ok=True)
    build_concepts.write(concepts, out / "concepts.tsv")
    np.save(out / "probes.npy", probes)
    text = "".join(" ".join(map(str, classes)) + "\n" for classes in inputs)
    (out / "probe_inputs.txt").write_text(text, encoding="utf-8", newline="\n")
    ids = tables.read(out / "concepts.tsv").ids
    calibration = np.tile(np.array([1, 0, calibrate.FLOOR], np.float32), (len(ids), 1))
    for line, id in enumerate(ids):
        if id in readings:
            one = readings[id]
            calibration[line] = (one.scale, one.offset, one.floor)
    np.save(out / "calibration.npy", calibration)


def figures(
    made: Examples, trained: Trained, verdicts: list[Verdict], columns: list[int]
) -> dict[str, Any]:
    """What the model card tells, of photos that were not trained on."""
    scores, at = trained.held_out, {one.id: n for n, one in enumerate(trained.concepts)}
    people = at["p-people"]
    found: dict[str, Any] = {}
    for name in ("coco", "holidays", "imagenet"):
        rows = made.origin == name
        use = rows & train_probes.clear(made.labels[:, people])
        truth = made.labels[use, people] >= NAMED
        value = calibrate_probes.cross_fitted(made, scores, people)[use]
        found[f"people {name}"] = metrics.interval(metrics.average_precision, value, truth)
        found[f"people {name} right at 0.5"] = metrics.interval(
            lambda v, t: float(((v >= 0.5) == t).mean()), value, truth
        )
    coco = {
        trained.concepts[column].name: verdicts[column].by_set["coco"]
        for column in train_probes.object_columns()
    }
    each = [ap for ap, right, _ in coco.values() if right >= 5]
    found["coco categories, all probes"] = metrics.mean_interval(each)
    photo = made.origin == "coco"
    shipped = []
    for column in train_probes.object_columns():
        own = made.own[:, column].astype(np.float64)
        one = trained.held_out[:, column] if column in columns else own
        ap, right, _ = train_probes.precision(one, made.labels[:, column], photo)
        if right >= 5 and (column in columns or not trained.concepts[column].ours):
            shipped.append(ap)
    found["coco categories, as shipped"] = metrics.mean_interval(shipped)
    scenes = made.origin == "scenes"
    if not scenes.any():
        return found
    labels = np.array([label for label in SCENES for _ in range(int(scenes.sum()) // len(SCENES))])
    seven = [
        metrics.average_precision(scores[scenes][:, at[id]], labels == label)
        for label, id in SCENES.items()
    ]
    found["seven scenes"] = metrics.mean_interval(seven)
    found["seven scenes each"] = dict(zip(SCENES, seven, strict=True))
    return found


def reliability(made: Examples, trained: Trained, columns: list[int]) -> dict[str, Any]:
    """Calibration of the kept concepts on the other half of the owners, without Flickr8k."""
    pairs, truths, single = [], [], []
    sets = np.isin(made.origin, train_probes.TRUE)
    if not sets.any():
        return {}
    for column in columns:
        value = calibrate_probes.cross_fitted(made, trained.held_out, column)
        use = sets & train_probes.clear(made.labels[:, column]) & ~np.isnan(value)
        truth = made.labels[use, column] >= NAMED
        pairs.append(value[use])
        truths.append(truth)
        if truth.sum() >= 20:
            single.append(metrics.calibration_error(value[use], truth))
    if not pairs:
        return {}
    value, truth = np.concatenate(pairs), np.concatenate(truths)
    said = value >= AT_LEAST
    return {
        "pairs": metrics.calibration_error(value[said], truth[said]),
        "pairs counted": int(said.sum()),
        "concepts with 20": float(np.mean(single)) if single else None,
        "concepts counted": len(single),
        "diagram": metrics.diagram(value[said], truth[said]),
    }


def prepared(
    data: Path, views: features.Views, encode: train_probes.Encode, nouns: dict[str, Synset]
) -> tuple[Examples, Rows, float]:
    """Examples of all sets, which classes show a concept, the temperature."""
    shows, temperature = below(nouns, photos.class_ids()), class_temperature(data, views)
    labelled = [*probe_labels.everything(data, nouns), probe_labels.holidays(data)]

    def read(logits: NDArray[np.floating]) -> Floats:
        return train_probes.roots(logits, temperature, shows)

    # Photos as they are: cropped ones beside them gave no better probes, in three times the time.
    plain = views.pooled[:, :1], views.logits[:, :1]
    made = train_probes.examples(labelled, *plain, views.rows, encode, read)
    return made, shows, temperature


def build(
    data: Path,
    out: Path,
    work: Path,
    views: features.Views,
    encode: train_probes.Encode,
    held_out: train_probes.Encode,
    texts: tuple[Path, Path],
    nouns_file: Path,
    tell: Callable[[str], None] = print,
) -> float:
    """All of it; the temperature of the classes. Figures go to `everyday.json` in `work`.

    `encode` gives the pack's vectors, `held_out` those of heads that have seen neither COCO's
    photos nor some of Flickr8k's; `texts`: the folders of their text files.
    """
    nouns = read_nouns(nouns_file)
    said = [caption_probes.fit(data, text_files.read(folder)) for folder in texts]
    known = prepared(data, views, encode, nouns)[0]
    shipped = train_probes.train(known, data, said[0])
    plain, shows, temperature = prepared(data, views, held_out, nouns)
    trained = train_probes.train(plain, data, said[1])
    new = replace(trained, held_out=unseen(plain, trained.held_out, data))
    spread = train_probes.spreads(plain.own.astype(np.float64), plain)
    of_sample = [int(index) for index in photos.photo_set(data, "imagenet").column("index")]
    leans = leaning.of(plain, new.held_out, spread, shows[of_sample])
    shipped, trained, new = (
        leaning.applied(one, made, leans, spread)
        for one, made in ((shipped, known), (trained, plain), (new, plain))
    )
    verdicts = [
        calibrate_probes.judge_with_few(plain, new.held_out, trained.held_out, at)
        for at in range(len(everyday()))
    ]
    columns = chosen(verdicts, leans)
    trained = new
    probes, inputs = arrays(shipped, columns, shows)
    numbers = {everyday()[at].id: row for row, at in enumerate(columns)}
    concepts = build_concepts.concept_table(data, nouns_file, numbers)
    readings = {everyday()[at].id: verdicts[at] for at in columns}
    write(out, concepts, probes, inputs, readings)
    told = figures(plain, trained, verdicts, columns)
    told["calibration"] = reliability(plain, trained, columns)
    told["kept"] = metrics.mean_interval([verdicts[at].ap for at in columns])
    read = [verdicts[at].ap for at in columns if not verdicts[at].read]
    told["kept, judged on photos that no part has seen"] = metrics.mean_interval(read)
    told["leans"] = {everyday()[at].name: lean for at, lean in leans.items()}
    alone = by_classes(plain, verdicts, columns)
    told["by classes alone"] = {everyday()[at].name: round(v.ap, 3) for at, v in alone.items()}
    every = [verdicts[at].ap for at in columns] + [v.ap for v in alone.values()]
    told["everyday concepts that clear the bar"] = metrics.mean_interval(every)
    sample = plain.origin == "imagenet"
    replaced = {everyday()[at].id: trained.held_out[sample, at] for at in columns}
    rows = views.rows("imagenet")
    if len(rows):
        told["wordnet before, after, concepts"] = wordnet_precision(
            views.logits[rows, 0].astype(np.float32),
            temperature,
            {one.id: one.leaves for one in concepts if not one.id.startswith("p-")},
            np.array(of_sample),
            replaced,
        )
    told["concepts"] = {
        one.id: row_of(one, verdict, numbers)
        for one, verdict in zip(everyday(), verdicts, strict=True)
    }
    (work / "everyday.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    for name, value in told.items():
        if name != "concepts":
            tell(f"{name}: {value}")
    return temperature


def unseen(made: Examples, scores: Floats, data: Path) -> Floats:
    """Scores of photos whose captions the held-out heads have not read; not a number for others."""
    new = text_corpus.held_out(data)
    files = [f"{name}/{owner}" for name, owner in zip(made.origin, made.owner, strict=True)]
    captioned = ~np.isin(made.origin, list(calibrate_probes.WEIGHT))
    read = captioned & ~np.isin(files, sorted(new))
    return np.where(read[:, None], np.nan, scores)


def wordnet_precision(
    logits: NDArray[np.floating],
    temperature: float,
    leaves: dict[str, frozenset[int]],
    classes: NDArray[np.int64],
    replaced: dict[str, Floats],
) -> list[float]:
    """Mean AP over WordNet concepts with JUDGED photos or more of the sample: of the
    classes alone, and with the held-out scores of the refined ones; and how many they are."""
    shares = np.exp(metrics.log_softmax(logits, temperature))
    before, after = [], []
    for id, below_it in sorted(leaves.items()):
        truth = np.isin(classes, list(below_it))
        if truth.sum() >= leaning.JUDGED:
            alone = metrics.average_precision(shares[:, sorted(below_it)].sum(axis=1), truth)
            before.append(alone)
            scores = replaced.get(id)
            after.append(alone if scores is None else metrics.average_precision(scores, truth))
    return [float(np.mean(before)), float(np.mean(after)), float(len(before))]


def row_of(one: Everyday, verdict: Verdict, numbers: dict[str, int]) -> dict[str, Any]:
    """What the figures say of one concept."""
    return {
        "name": one.name,
        "kept": one.id in numbers,
        "ap": verdict.ap,
        "right": verdict.right,
        "photos": verdict.photos,
        "sets": verdict.by_set,
        "floor": verdict.floor,
        "captions read": verdict.read,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path)
    parser.add_argument("--projection", type=Path)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--texts", type=Path, help="text files of the pack (else those in --out)")
    options = parser.parse_args()
    seen_less = options.work / "held-out"
    views = features.load(options.work)
    encode = fit_vector.load(options.projection or options.work / "projection.npz")
    held_out = fit_vector.load(options.held_out or seen_less / "projection.npz")
    texts = options.texts or options.out, options.held_out.parent if options.held_out else seen_less
    nouns = sources.wordnet_nouns(options.wordnet)
    build(options.data, options.out, options.work, views, encode, held_out, texts, nouns)


if __name__ == "__main__":
    main()
