"""Visual search judged: neighbours of the same kind, groups of one scene, copies, and scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median

from PIL import Image

import localsearch as ls
from benchmarks.figures import Figure, Target
from benchmarks.measures import average_precision, mean, read_table
from benchmarks.workspace import Workspace

K = 10
ALIKE = 0.95  # the score from which two pictures are called the same
_EVERY = 10  # of the sample, so many are asked for again, saved anew


def on_sample(
    library: ls.Library, superclass: Callable[[Path], str]
) -> tuple[list[Figure], list[str]]:
    """Neighbours by superclass, and the scores of the same, the re-saved and the unrelated."""
    photos = [(one.id, one.path) for one in library.inputs("ok") if one.path is not None]
    kinds = {id: superclass(path) for id, path in photos}
    sizes = Counter(kinds.values())
    found: dict[str, list[float]] = defaultdict(list)
    for id, kind in kinds.items():
        if kind and sizes[kind] > K:
            near = [hit.id for hit in library.search(ls.like(id=id), limit=K + 1)]
            others = [other for other in near if other != id][:K]
            found[kind].append(mean(kinds[other] == kind for other in others))
    every = [value for values in found.values() for value in values]
    told = ", ".join(f"{kind} {mean(values):.2f}" for kind, values in found.items())
    figures = [Figure(f"visual P@{K}, same superclass", mean(every), note=f"{len(every)} photos")]
    return figures + _scores(library, photos[::_EVERY]), [f"visual P@{K}: {told}"]


def _scores(library: ls.Library, photos: list[tuple[str, Path]]) -> list[Figure]:
    same: list[float] = []
    saved: list[float] = []
    unrelated: list[float] = []
    first: list[bool] = []
    for id, path in photos:
        page = library.search(ls.like(id=id), limit=10**6)
        scores = {hit.id: hit.score for hit in page}
        same.append(scores.pop(id))
        unrelated += scores.values()
        for data in _saved_again(path):
            hits = library.search(ls.like(data=data), limit=10**6)
            saved.append(next(hit.score for hit in hits if hit.id == id))
            first.append(hits.hits[0].id == id)
    return [
        Figure("score of the same picture, lowest", min(same), target=Target(least=0.9999)),
        Figure(
            f"re-saved or halved pictures with a score >= {ALIKE}",
            mean(score >= ALIKE for score in saved),
            note=f"lowest {min(saved):.3f}, {len(saved)} pictures",
        ),
        Figure("... that find their original first", mean(first)),
        Figure("median score of unrelated pictures", median(unrelated)),
    ]


def _saved_again(path: Path) -> list[bytes]:
    """As JPEG of quality 70, and at half the size."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    half = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)))
    saved = []
    for one, quality in ((picture, 70), (half, 90)):
        file = BytesIO()
        one.save(file, "JPEG", quality=quality)
        saved.append(file.getvalue())
    return saved


def on_groups(work: Workspace) -> tuple[list[Figure], list[str]]:
    """Holidays and near duplicates, each alone, and the latter among all of them."""
    folders = {
        name: work.data_folder("photos", name, "images")
        for name in ("holidays", "near_duplicates", "imagenet_sample")
    }
    roots = {name: folder for name, folder in folders.items() if folder is not None}
    if len(roots) < len(folders):
        return [], ["no groups: photos/holidays or photos/near_duplicates is not there"]
    work.tell("syncing the groups")
    with ls.open(store=work.fresh("store-groups"), roots=roots) as library:
        library.sync()
        figures = [_holidays(library, roots["holidays"])]
        figures += _near(library, roots["near_duplicates"])
    return figures, []


def _groups(library: ls.Library, folder: Path) -> dict[str, str]:
    """Id -> group, of the photos below a folder."""
    group = {row["file"]: row["group"] for row in read_table(folder.parent / "groups.csv")}
    return {
        one.id: group[one.path.name]
        for one in library.inputs("ok")
        if one.path is not None and one.path.parent == folder
    }


def _holidays(library: ls.Library, folder: Path) -> Figure:
    groups = _groups(library, folder)
    sizes = Counter(groups.values())
    inside = ls.path("**", root="holidays")
    found = []
    for id, group in groups.items():
        if sizes[group] > 1:
            hits = library.search(ls.like(id=id) & inside, limit=len(groups))
            ranked = [groups[hit.id] == group for hit in hits if hit.id != id]
            found.append(average_precision(ranked, sizes[group] - 1))
    return Figure("holidays mAP", mean(found), note=f"{len(groups)} photos, {len(sizes)} groups")


def _near(library: ls.Library, folder: Path) -> list[Figure]:
    groups = _groups(library, folder)
    sizes = Counter(groups.values())
    alone, among, alike, wrong = [], [], [], 0
    for id, group in groups.items():
        hits = [hit for hit in library.search(ls.like(id=id), limit=10**6) if hit.id != id]
        others = sizes[group] - 1
        wrong += sum(groups.get(hit.id) != group and hit.score >= ALIKE for hit in hits)
        if others:
            inside = [hit for hit in hits if hit.id in groups]
            alone.append(mean(groups[hit.id] == group for hit in inside[:others]))
            among.append(mean(groups.get(hit.id) == group for hit in hits[:others]))
            alike += [hit.score >= ALIKE for hit in inside if groups[hit.id] == group]
    total = library.status().inputs
    return [
        Figure("near duplicates: recall at group size", mean(alone), note=f"{len(groups)} photos"),
        Figure(f"... among {total:,} photos", mean(among)),
        Figure(f"... pairs of a group with a score >= {ALIKE}", mean(alike), note="turned too"),
        Figure(f"... distractors with a score >= {ALIKE}", wrong, note="of all other photos"),
    ]
