"""The brute-force oracle: what a search must answer, said as plainly as it can be said.

Looks at one photo after the other and asks of each: does it match, with what score? Shares no
code with `localsearch.search` (it reads the terms, which are the question) and uses of the house
only `scores`, the one function for cosines and the one rounding, and the 8-bit codes of vectors,
which the floor of a text is defined by.
"""

from __future__ import annotations

import fnmatch
import json
import math
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from localsearch import scores
from localsearch.matrix.coding import coded
from localsearch.pack.manifest import TextSpec


@dataclass
class Photo:
    """One input; without features, `vector` (float16 [D]) and `probabilities` are None."""

    row: int
    id: str
    path: str = ""
    root: str | None = None
    state: str = "ok"
    removed: bool = False
    tags: dict[str, bool] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    taken_at: str | None = None
    place: tuple[float, float] | None = None  # latitude, longitude
    camera: str | None = None
    vector: npt.NDArray[np.float16] | None = None
    probabilities: npt.NDArray[np.uint16] | None = None

    @property
    def live(self) -> bool:
        return not self.removed and self.state != "missing"


@dataclass
class World:
    """Everything that a query is asked of."""

    photos: dict[str, Photo]  # by id
    concepts: dict[str, int]  # name, synonym or id -> index
    floors: npt.NDArray[np.uint16]
    visual: scores.ScoreMap
    pictures: dict[str, npt.NDArray[np.float32]]  # path of a query picture -> its vector
    taught: dict[str, tuple[Any, float, float, int]] = field(default_factory=dict)
    texts: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)  # text -> its vector
    text: TextSpec | None = None  # the numbers that texts are read with
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)  # text -> its concepts
    decoys: npt.NDArray[np.float16] | None = None
    known: dict[str, float] = field(default_factory=dict)  # the floor of each text in one answer


def search(world: World, tree: Any, min_score: float = 0.0) -> list[tuple[int, int]]:
    """The whole answer, best first: (row, 16-bit score)."""
    world.known.clear()
    found = []
    for photo in universe(world, tree):
        value = score(world, tree, photo)
        if value is not None:
            found.append((photo.row, int(scores.quantise([value])[0])))
    kept = [(row, q) for row, q in found if q / 65535 >= min_score]
    return sorted(kept, key=lambda hit: (-hit[1], hit[0]))


def universe(world: World, tree: Any) -> list[Photo]:
    """Photos that can be found by what is in them; if a state is asked for, all inputs."""
    if asks_for_state(tree):
        return [photo for photo in world.photos.values() if not photo.removed]
    return [p for p in world.photos.values() if p.live and p.vector is not None]


def asks_for_state(tree: Any) -> bool:
    match kind(tree):
        case "And" | "Or":
            return any(asks_for_state(each) for each in tree.terms)
        case "Not":
            return asks_for_state(tree.term)
    return kind(tree) == "State"


def score(world: World, tree: Any, photo: Photo) -> float | None:
    """The score of a photo before the last rounding; None where it does not match."""
    match kind(tree):
        case "And":
            values = [score(world, each, photo) for each in tree.terms]
            known = [value for value in values if value is not None]
            return math.prod(sorted(known)) if len(known) == len(values) else None
        case "Or":
            values = [score(world, each, photo) for each in tree.terms]
            return max((value for value in values if value is not None), default=None)
        case "Not":
            return 1.0 if score(world, tree.term, photo) is None else None
        case "Concept":
            return concept(world, tree, photo)
        case "Like" | "Text" | "Sum":
            return likeness(world, tree, photo)
    return 1.0 if passes(tree, photo) else None


def concept(world: World, term: Any, photo: Photo) -> float | None:
    if photo.probabilities is None or not photo.live:
        return None
    if term.name in world.taught:
        q, floor = taught(world.taught[term.name], photo)
    else:
        index = world.concepts[term.name]
        q, floor = int(photo.probabilities[index]), int(world.floors[index])
    reached = q >= floor and q / 65535 >= term.at_least
    return q / 65535 if reached else None


def taught(probe: tuple[Any, float, float, int], photo: Photo) -> tuple[int, int]:
    """(16-bit probability, floor) of a taught concept: direction, scale, offset and floor."""
    direction, scale, offset, floor = probe
    assert photo.vector is not None
    cosine = scores.cosines(photo.vector[None, :], direction)
    return int(scores.quantise(scores.calibrated(cosine, scale, offset))[0]), floor


def likeness(world: World, term: Any, photo: Photo) -> float | None:
    if photo.vector is None or not photo.live:
        return None
    query = wanted(world, term)
    cosine = float(scores.cosines(photo.vector[None, :], query)[0])
    if kind(term) == "Text":
        cosine = raised(world, term, photo, cosine)
    value = int(score_map(world, term).scores(cosine)) / 65535
    if term.min_score is None and kind(term) == "Text":
        if term.query not in world.known:
            world.known[term.query] = floor(world, term)
        least = int(score_map(world, term).scores(world.known[term.query])) / 65535
    else:
        least = term.min_score or 0.0
    return None if value < least else value


def raised(world: World, term: Any, photo: Photo, cosine: float) -> float:
    """The cosine with a text, raised by the concepts that the text names."""
    assert world.text is not None and photo.probabilities is not None
    total = 0.0
    for name in world.named[term.query]:
        q = int(photo.probabilities[world.concepts[name]])
        total += q / 65535 if q >= world.floors[world.concepts[name]] else 0.0
    if not world.named[term.query]:
        return cosine
    return min(cosine + total * (world.text.concept_weight / len(world.named[term.query])), 1.0)


def floor(world: World, term: Any) -> float:
    """The cosine that a hit of a text must have: from those of all photos and of the decoys."""
    spec, query = world.text, wanted(world, term)
    assert spec is not None and world.decoys is not None
    photos = [p.vector for p in world.photos.values() if p.live and p.vector is not None]
    found = sorted(coarse(vector, query) for vector in [*photos, *world.decoys])
    median, low = found[len(found) // 2], found[len(found) * 16 // 100]
    best = max((coarse(vector, query) for vector in world.decoys), default=spec.known)
    doubt = spec.doubt * max(spec.known - best, 0)
    return max(min(median + spec.spreads * (median - low) + doubt, spec.enough), spec.least)


def coarse(vector: npt.NDArray[np.float16], query: npt.NDArray[np.float32]) -> float:
    """The cosine of two vectors as their 8-bit codes have it."""
    one, other = coded(vector[None, :]), coded(query[None, :])
    pairs = zip(one.codes[0].tolist(), other.codes[0].tolist(), strict=True)
    dot = np.float32(sum(a * b for a, b in pairs))
    return float(dot * (one.scales[0] * other.scales[0]))


def score_map(world: World, term: Any) -> scores.ScoreMap:
    """That of pictures where one counts for the answer, or where no text is asked for."""
    parts = term.terms if kind(term) == "Sum" else [(1.0, term)]
    positive = any(kind(each) == "Like" and weight > 0 for weight, each in parts)
    if positive or all(kind(each) == "Like" for _, each in parts):
        return world.visual
    assert world.text is not None
    return world.text.score_map


def wanted(world: World, term: Any) -> npt.NDArray[np.float32]:
    """The vector of a visual leaf: of a file, of what is stored of an input, of a text."""
    if kind(term) == "Sum":
        vectors = [wanted(world, each) for _, each in term.terms]
        summed = scores.weighted_sum(vectors, [weight for weight, _ in term.terms])
        assert summed is not None
        return summed
    if kind(term) == "Text":
        return world.texts[term.query]
    if term.id is None:
        found = world.pictures[term.source]
    else:
        stored = world.photos[term.id].vector
        assert stored is not None
        found = stored.astype(np.float32)
    # Part of a picture is another picture; which one is told by the region alone.
    return found if term.region is None else np.roll(found, 1 + int(10 * term.region[0]))


def passes(term: Any, photo: Photo) -> bool:
    match kind(term):
        case "Tag":
            tags = {name.casefold(): value for name, value in photo.tags.items()}
            return tags.get(term.name.casefold()) is term.value
        case "Ids":
            return photo.id in term.ids
        case "PathTerm":
            return term.root in (None, photo.root) and glob(term.pattern, photo.path)
        case "State":
            return photo.state == str(term.word)
        case "Metadata":
            return contains(photo.metadata, json.loads(term.document))
        case "Taken":
            return photo.taken_at is not None and (
                (term.after or "") <= photo.taken_at < (term.before or "9")
            )
        case "Near":
            return photo.place is not None and distance(photo.place, term) <= term.km
        case "Box":
            return photo.place is not None and inside(photo.place, term)
        case "Camera":
            return photo.camera is not None and folded(term.name) in folded(photo.camera)
    raise AssertionError(f"the oracle knows no {kind(term)}")


def contains(stored: Any, asked: Any) -> bool:
    """Objects hold every key asked for (null: or do not), lists each element, scalars are equal."""
    if isinstance(asked, dict):
        return isinstance(stored, dict) and all(
            contains(stored[key], value) if key in stored else value is None
            for key, value in asked.items()
        )
    if isinstance(asked, list):
        return isinstance(stored, list) and all(
            any(contains(element, each) for element in stored) for each in asked
        )
    return isinstance(stored, bool) == isinstance(asked, bool) and stored == asked


def distance(place: tuple[float, float], term: Any) -> float:
    """Kilometres along the ground, by the angle between two directions from the Earth's centre."""

    def direction(lat: float, lon: float) -> tuple[float, float, float]:
        phi, theta = math.radians(lat), math.radians(lon)
        return math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi)

    chord = math.dist(direction(*place), direction(term.lat, term.lon))
    return 2 * 6371.0088 * math.asin(min(chord / 2, 1.0))


def inside(place: tuple[float, float], term: Any) -> bool:
    lat, lon = place
    around = {lon, -lon} if abs(lon) == 180 else {lon}  # one meridian, two numbers

    def between(lon: float) -> bool:
        if term.west <= term.east:
            return bool(term.west <= lon <= term.east)
        return bool(lon >= term.west or lon <= term.east)

    return term.south <= lat <= term.north and any(between(each) for each in around)


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


def glob(pattern: str, path: str) -> bool:
    """`*` and `?` stay within a name, a name `**` stands for any number of folders."""

    def fits(parts: list[str], names: list[str]) -> bool:
        if not parts:
            return not names
        if parts[0] == "**":
            if len(parts) == 1:
                return bool(names)
            return fits(parts[1:], names) or (bool(names) and fits(parts, names[1:]))
        return (
            bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and fits(parts[1:], names[1:])
        )

    return fits(pattern.split("/"), path.split("/"))


def kind(term: Any) -> str:
    return type(term).__name__
